"""Answers of the catalog against the plain reading of all runs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven import Metric, Point, Run, Store
from graven.catalog import trends

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["sort", "e\u0301"]
METRICS = ["time", "mem"]
TAGS = [{}, {"k": "1"}, {"k": "2"}, {"k": "1", "j": "1"}, {"j": "1"}]

points = st.builds(
    Point,
    name=st.sampled_from(NAMES),
    scenario=st.sampled_from(["cpu", "gpu"]),
    tags=st.sampled_from(TAGS),
    metrics=st.dictionaries(
        st.sampled_from(METRICS),
        st.builds(
            Metric,
            value=st.integers(0, 99).map(float),
            lower=st.none() | st.just(-1.0),
            upper=st.none() | st.just(100.5),
        ),
        max_size=2,
    ),
)
runs = st.builds(
    Run,
    id=st.integers(0, 9).map(lambda n: f"r{n}"),
    timestamp=st.integers(0, 3).map(lambda n: START + timedelta(minutes=n)),
    branch=st.sampled_from([None, "main", "dev"]),
    commit=st.sampled_from([None, "ab" * 20, "v1"]),
    points=st.lists(points, max_size=3).map(tuple),
)
stores = st.lists(runs, max_size=10)


def fill(saved, deleted):
    """A store in memory and the runs that live in it, by id, in the order of their last save."""
    fill.number = getattr(fill, "number", 0) + 1
    store = Store(f"memory://trends-{fill.number}")
    living = {}
    for run in saved:
        store.save(run)
        living.pop(run.id, None)
        living[run.id] = run
    for run_id in deleted & living.keys():
        store.delete(run_id)
        del living[run_id]
    return store, living


def newest_first(runs):
    """The order of every answer: by timestamp, runs of the same moment by the later save."""
    latest_save_first = list(runs)[::-1]
    return sorted(latest_save_first, key=lambda run: run.timestamp, reverse=True)


def brute_force(living, metric, name, tags, branch, scenario):
    found = []
    for run in newest_first(living.values()):
        if branch is not None and run.branch != branch:
            continue
        for point in run.points:
            fits = point.name == name and tags.items() <= point.tags.items()
            if fits and scenario in (None, point.scenario) and metric in point.metrics:
                found.append((run, point.metrics[metric]))
                break
    return found


@given(
    stores,
    st.sets(st.integers(0, 9).map(lambda n: f"r{n}"), max_size=2),
    st.sampled_from(METRICS),
    st.sampled_from(NAMES),
    st.sampled_from(TAGS),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([None, "main"]),
    st.sampled_from([None, "gpu"]),
)
@pytest.mark.parametrize(("merge_limit", "page"), [(48, 1000), (0, 1000), (0, 2)])
def test_trends_are_what_reading_every_run_gives(
    merge_limit, page, saved, deleted, metric, name, tags, n_runs, branch, scenario
):
    store, living = fill(saved, deleted)
    old = trends._MERGE_LIMIT, trends._PAGE
    trends._MERGE_LIMIT, trends._PAGE = merge_limit, page
    try:
        series = store.extract_trend(
            metric, name, tags, n_runs=n_runs, branch=branch, scenario=scenario
        )
    finally:
        trends._MERGE_LIMIT, trends._PAGE = old
    expected = brute_force(living, metric, name, tags, branch, scenario)
    expected = expected[: n_runs or None][::-1]
    assert [
        (p.run_id, p.timestamp, p.commit, p.value, p.lower, p.upper) for p in series.points
    ] == [(run.id, run.timestamp, run.commit, m.value, m.lower, m.upper) for run, m in expected]


@given(stores, st.dictionaries(st.sampled_from("kj"), st.sampled_from(["1", "2", None])))
def test_queries_are_what_reading_every_run_gives(saved, wanted):
    store, living = fill(saved, set())
    found = store.query(**wanted)
    assert [run.id for run in found] == [
        run.id
        for run in newest_first(living.values())
        if any(all(p.tags.get(k) == v for k, v in wanted.items()) for p in run.points)
    ]


@given(stores, st.sampled_from([None, "main"]))
def test_all_listings_have_one_order(saved, branch):
    store, living = fill(saved, set())
    expected = [r.id for r in newest_first(living.values()) if branch in (None, r.branch)]
    assert [h.run_id for h in store.headers(branch=branch)] == expected
    assert [run.id for run in store.list_runs(branch)] == expected
    assert [run.id for run in store.iter_runs(branch)] == expected
    assert [h.run_id for h in store.headers(branch=branch, limit=2)] == expected[:2]
    if expected:
        assert store.latest(branch).id == expected[0]
    for steps, run_id in enumerate(expected):
        assert store.resolve(f"latest{'@main' if branch else ''}~{steps}").run_id == run_id


def test_runs_of_one_batch_and_moment_are_listed_last_saved_first():
    store, _ = fill([], set())
    point = Point(name="p", scenario="s", metrics={"m": Metric(value=1.0)})
    with store.batch() as batch:
        for run_id in "bac":
            batch.save(Run(id=run_id, timestamp=START, points=(point,)))
    assert [h.run_id for h in store.headers()] == ["c", "a", "b"]
    assert [run.id for run in store.query()] == ["c", "a", "b"]
    assert [p.run_id for p in store.extract_trend("m", "p", {}).points] == ["b", "a", "c"]


@given(stores)
def test_series_are_those_of_living_runs(saved):
    store, living = fill(saved, set())
    expected = {
        (p.scenario, p.name.replace("e\u0301", "é"), tuple(sorted(p.tags.items())), metric)
        for run in living.values()
        for p in run.points
        for metric in p.metrics
    }
    found = [(s.scenario, s.name, tuple(sorted(s.tags.items())), s.metric) for s in store.series()]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_pairs_split_over_two_points_do_not_match():
    split = Run(
        id="split",
        points=(
            Point(name="p", scenario="s", tags={"a": "1"}),
            Point(name="q", scenario="s", tags={"b": "2"}),
        ),
    )
    both = Run(id="both", points=(Point(name="p", scenario="s", tags={"a": "1", "b": "2"}),))
    empty = Run(id="empty", points=())
    store, _ = fill([split, both, empty], set())
    assert [run.id for run in store.query(a="1", b="2")] == ["both"]
    assert {run.id for run in store.query(a="1", b=None)} == {"split"}
    assert {run.id for run in store.query(c=None)} == {"split", "both"}
    assert {run.id for run in store.query()} == {"split", "both"}
    assert store.query(a="3") == []
    assert store.query(self="x") == []
