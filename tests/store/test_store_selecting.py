"""Queries: SQL's answers against a plain reading of the tree over Run objects."""

import string
from datetime import UTC, datetime, timedelta

import pytest
import query_oracle as oracle
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import graven
from graven.model import Metric, Origin, Point, Run
from graven.query import parse, parse_sort
from graven.query.parser import MAX_VALUES
from graven.testing.runs import sample_run

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)

ODD = [
    "",
    "'",
    '"',
    "a\0b",
    "x' OR 1=1 --",
    "größe",
    "%",
    "_",
    "*",
    "\U0010ffff",
    "é",
    "100",
    "1.5",
]
WORDS = st.sampled_from(["main", "dev", "a/b", "ok", "failed", "true", "x", *ODD])
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 1.5, 1e308, -1e308, 5e-324, 2**53, 2**63, 2**64 - 1, -(2**63), float("inf")]
)
FLOATS = st.sampled_from([0.0, 1.0, 1.5, 2.0, -3.0, 1e308, 5e-324]) | st.sampled_from(
    [float("inf"), float("-inf"), float("nan")]
)
METRICS = ["time", "mem", "a b", "s/n/time"]
KEYS = ["k", "lr", "a.b", "x y"]
VALUES = st.none() | st.booleans() | NUMBERS | WORDS | st.lists(WORDS, max_size=2)
RECORDS = st.dictionaries(
    st.sampled_from([*KEYS, "a"]),
    VALUES | st.dictionaries(st.sampled_from(["b", "k", "b.c"]), VALUES, max_size=2),
    max_size=4,
)
COMMITS = st.none() | st.sampled_from(
    ["ab" * 20, "abc" + "0" * 37, "AB" * 20, "abc", "v1.0", "ab" * 32, "0" * 40]
)
ENVIRONMENTS = st.sampled_from([{}, {"cpu": "A", "cores": 2}, {"cpu": "B"}, {"cpu": 3}])
POINTS = st.builds(
    Point,
    name=st.sampled_from(["n", "m"]),
    scenario=st.sampled_from(["s", ""]),
    tags=st.dictionaries(st.sampled_from(["k", "size", "x y"]), WORDS, max_size=2),
    metrics=st.dictionaries(st.sampled_from(METRICS), FLOATS.map(lambda v: Metric(value=v))),
)
IDS = st.sampled_from(["a", "ab", "abc", "b", "über", "run-1", "run-2", "zz", "3f9c"])
RUNS = st.builds(
    Run,
    id=IDS,
    points=st.lists(POINTS, max_size=3).map(tuple),
    timestamp=st.integers(0, 5).map(lambda n: START + timedelta(days=n)),
    commit=COMMITS,
    branch=st.none() | WORDS,
    environment=ENVIRONMENTS,
    experiment=st.none() | WORDS,
    status=st.sampled_from(["ok", "failed", "odd'"]),
    params=RECORDS,
    origin=st.sampled_from(Origin),
    group=st.none() | WORDS,
    dirty=st.none() | st.booleans(),
)


def quoted(text):
    out = "".join(
        char
        if char in string.ascii_letters + string.digits + " *?%_/-=.'" and char != "\\"
        else f"\\U{ord(char):08x}"
        for char in text
    )
    return f'"{out}"'


TEXTS = st.one_of(WORDS.map(quoted), st.sampled_from(["main", "dev", "true", "ok", "1", "1.5"]))
NUMERALS = st.sampled_from(
    ["0", "1", "-1", "1.5", "2", "1e308", "5e-324", "inf", "-inf", "9223372036854775808",
     "18446744073709551615", "-9223372036854775808", "9007199254740992", ".5"]
)  # fmt: skip
PATTERNS = st.sampled_from(["*", "a*", "*b", "?", "*1*", "m?in", "", "*'*", "*\\0*"]).map(
    lambda text: f'"{text}"'
)
PREFIXES = st.sampled_from(["a", "ab", "abc", "ABC", "ü", "run-", "3f", "0", "v1", "f", "1"])
ORDERS = st.sampled_from(["<", "<=", ">", ">="])
SAME = st.sampled_from(["=", "!="])
LIKE = st.sampled_from(["~", "!~"])
TEXT_FIELDS = st.sampled_from(["branch", "experiment", "status", "origin", "group", "baseline"])
PREFIX_FIELDS = st.sampled_from(["run", "commit", "machine"])
ANY_FIELDS = st.sampled_from(
    ["param.k", "param.lr", "param.a.b", "param.'x y'", "param.a", "param.a.b.c", "tag.k",
     "tag.size", "tag.'x y'", "derived.k", "derived.a.b"]
)  # fmt: skip
METRIC_FIELDS = st.sampled_from(
    ["metric.time", "metric.mem", "metric.'a b'", "metric.'s/n/time'", "metric.'n/time'"]
)
TIMES = st.sampled_from(["2026-01-03T00:00Z", "57d", "2026-01-01T00:00:00+00:00", "1w"])


def joined(*parts):
    return st.tuples(*(st.just(p) if isinstance(p, str) else p for p in parts)).map(" ".join)


def among(fields, values):
    several = st.lists(values, min_size=1, max_size=3).map(", ".join)
    return joined(fields, st.sampled_from(["in", "not in"]), "(", several, ")")


TESTS = st.one_of(
    joined(TEXT_FIELDS | PREFIX_FIELDS | ANY_FIELDS, LIKE, PATTERNS),
    joined(TEXT_FIELDS | ANY_FIELDS, SAME, TEXTS),
    joined(PREFIX_FIELDS, SAME, PREFIXES),
    joined(ANY_FIELDS, ORDERS, TEXTS | NUMERALS),
    joined(ANY_FIELDS, SAME, NUMERALS),
    joined(METRIC_FIELDS, ORDERS | SAME, NUMERALS),
    joined("points", ORDERS | SAME, st.sampled_from(["0", "1", "2", "1.5"])),
    joined("dirty", SAME, st.sampled_from(["true", "no"])),
    joined("time", ORDERS, TIMES),
    joined(st.sampled_from(["since", "until"]), TIMES),
    joined(TEXT_FIELDS | PREFIX_FIELDS | ANY_FIELDS | METRIC_FIELDS | st.just("dirty"), "exists"),
    among(TEXT_FIELDS | ANY_FIELDS, TEXTS | NUMERALS),
    among(PREFIX_FIELDS, PREFIXES),
    among(METRIC_FIELDS, NUMERALS),
)
QUERIES = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        joined("not (", inner, ")"),
        joined("(", inner, ")", "and", "(", inner, ")"),
        joined("(", inner, ")", "or", "(", inner, ")"),
    ),
    max_leaves=6,
)
SORTS = st.lists(
    joined(
        st.sampled_from(["run", "branch", "commit", "time", "status", "points", "machine", "dirty"])
        | METRIC_FIELDS
        | st.sampled_from(["param.k", "param.lr", "param.a", "derived.k"])
    ).flatmap(lambda field: st.sampled_from([field, f"{field}:desc"])),
    max_size=2,
)  # fmt: skip


# Has every key, so that no question is refused for a name that no run has.
BASE = Run(
    id="base",
    points=[
        Point(
            name="n",
            scenario="s",
            tags={"k": "1", "size": "100", "x y": "main"},
            metrics={name: Metric(value=1.0) for name in METRICS},
        )
    ],
    timestamp=START + timedelta(days=2),
    branch="main",
    params={"k": 1, "lr": "x", "a": {"b": 2, "b.c": True}, "x y": "main"},
)
BASE_DERIVED = {"k": 1.5, "a": {"b": "main"}}


class Both:
    """A store, and the same runs in a dictionary."""

    def __init__(self):
        self.store = graven.Store("memory://", durable=False, views="none")
        self.saved = {}

    def save(self, run):
        self.store.save(run)
        stamp = self.store.headers()
        stamp = next(h.stamp for h in stamp if h.run_id == run.id)
        self.saved[run.id] = oracle.Saved(self.store.load(run.id), stamp)

    def check(self, where, sort=None, limit=None, skip=0):
        query, order = parse(where, now=NOW), parse_sort(sort)
        expected = oracle.select(query, order, self.saved.values())
        expected = expected[skip:] if limit is None else expected[skip : skip + limit]
        found = self.store.select_ids(query, sort=sort, limit=limit, skip=skip)
        assert found == expected, (where, sort)
        assert [
            h.run_id for h in self.store.select(query, sort=sort, limit=limit, skip=skip)
        ] == found


def make_both(runs, derived=()):
    both = Both()
    both.save(BASE)
    for run in runs:
        both.save(run)
    for run, record in zip(list(both.saved), [BASE_DERIVED, *derived], strict=False):
        if record is not None:
            both.store.put_derived(run, record)
            both.saved[run].derived = record
    return both


SETTINGS = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SETTINGS
@given(
    st.lists(RUNS, min_size=1, max_size=7, unique_by=lambda run: run.id),
    st.lists(st.none() | RECORDS, max_size=4),
    st.lists(
        st.tuples(QUERIES, SORTS, st.none() | st.integers(0, 4), st.integers(0, 2)),
        min_size=5,
        max_size=25,
    ),
)
def test_answers_are_those_of_a_plain_reading(runs, derived, questions):
    both = make_both(runs, derived)
    first = next(iter(both.saved))
    both.store.set_baseline(first, "main")
    both.saved[first].baselines.add("main")
    for where, sort, limit, skip in questions:
        note(f"{where!r} {sort}")
        both.check(where, sort, limit, skip)
    both.store.close()


@pytest.mark.parametrize("field", ["run", "commit", "machine"])
def test_as_many_values_as_are_allowed_are_answered(field):
    both = make_both([])
    value = {"run": BASE.id, "commit": "a", "machine": "0"}[field]
    lists = ", ".join(["zz"] * (MAX_VALUES - 1))
    assert both.store.select_ids(f"{field} in ({lists})") == []
    expected = both.store.select_ids(f"{field} = {value}")
    assert both.store.select_ids(f"{field} in ({lists}, {value})") == expected
    both.store.close()


CHANGES = st.one_of(
    st.tuples(st.just("save"), RUNS),
    st.tuples(st.just("delete"), IDS),
    st.tuples(st.just("restore"), IDS),
    st.tuples(st.just("relabel"), IDS, WORDS.filter(bool)),
    st.tuples(st.just("derive"), IDS, RECORDS),
    st.tuples(st.just("detach"), IDS),
    st.tuples(st.just("anew")),
    st.tuples(st.just("ask"), QUERIES, SORTS),
    st.tuples(st.just("ask"), QUERIES, SORTS),
)


class Changed(Both):
    """Two handles of one store, whose catalog is one file, and what was deleted."""

    def __init__(self, folder):
        self.store = graven.Store(folder, durable=False, views="none")
        self.handles = [self.store, graven.Store(folder, durable=False, views="none")]
        self.saved = {}
        self.gone = {}

    def do(self, change, *values):
        self.handles.reverse()
        self.store = self.handles[0]
        if change == "ask":
            self.check(*values)
        elif change == "save":
            derived = self.saved[values[0].id].derived if values[0].id in self.saved else None
            self.gone.pop(values[0].id, None)
            self.save(values[0])
            self.saved[values[0].id].derived = derived or {}
        elif change == "restore" and values[0] in self.gone:
            self.store.restore(values[0])
            self.saved[values[0]] = self.gone.pop(values[0])
            self.stamp(values[0])
            names = [one.name for one in self.store.attachments(values[0])]
            if "derived/metrics" not in names:
                self.saved[values[0]].derived = {}
        elif change == "anew":
            self.store.reindex()
        elif values[0] in self.saved:
            self.of_run(change, *values)

    def of_run(self, change, run_id, *values):
        saved = self.saved[run_id]
        if change == "delete":
            self.store.delete(run_id)
            self.gone[run_id] = self.saved.pop(run_id)
        elif change == "relabel":
            self.store.relabel(run_id, branch=values[0])
            saved.run = self.store.load(run_id)
            self.stamp(run_id)
        elif change == "derive":
            self.store.put_derived(run_id, values[0])
            saved.derived = values[0]
        elif change == "detach" and saved.derived:
            self.store.detach(run_id, "derived/metrics")
            saved.derived = {}

    def stamp(self, run_id):
        self.saved[run_id].stamp = next(h.stamp for h in self.store.headers() if h.run_id == run_id)


@SETTINGS
@given(st.lists(CHANGES, min_size=4, max_size=20))
def test_answers_stay_right_whatever_is_changed(tmp_path_factory, changes):
    both = Changed(tmp_path_factory.mktemp("changed"))
    both.save(BASE)
    both.store.put_derived("base", BASE_DERIVED)
    both.saved["base"].derived = BASE_DERIVED
    for change in changes:
        note(repr(change))
        both.do(*change)
    for field in ("metric.time", "param.k", "derived.k", "tag.k"):
        both.check(f"{field} exists", ["metric.time", "derived.k:desc"])
    for handle in both.handles:
        handle.close()


def test_a_run_that_is_named_whole_is_nobodys_beginning(tmp_path):
    store = graven.Store(tmp_path / "s", durable=False)
    for number in (1, 10, 11):
        store.save(sample_run(f"t-{number}", minute=number))
    assert store.select_ids("run = t-1") == ["t-1"]
    assert store.select_ids("run in (t-1, x)") == ["t-1"]
    assert store.select_ids("run = t-1 or points = 9") == ["t-1"]
    assert store.select_ids("not run = t-1") == ["t-11", "t-10"]
    store.delete("t-1")
    assert store.select_ids("run = t-1") == ["t-11", "t-10"]
