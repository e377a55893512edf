"""The questions: list, latest, headers, query, trend, and what is asked wrongly."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from graven import Metric, Point
from graven.errors import Corrupt, InvalidInput, NotFound
from graven.formats.canonical import encode
from graven.formats.header import Header
from graven.formats.packbuild import Item
from graven.ids import hash_bytes
from graven.store.session import Intent
from graven.testing.runs import sample_run


def ids(runs):
    return [run.id for run in runs]


def test_list_is_newest_first_and_ties_by_the_later_write(store):
    for name, minute in (("b", 0), ("a", 0), ("c", 5), ("d", -5)):
        store.save(sample_run(name, minute=minute))
    assert ids(store.list_runs()) == ["c", "a", "b", "d"]
    assert store.latest().id == "c"
    assert store.count() == 4


def test_times_of_other_zones_sort_by_the_moment(store):
    early = datetime.fromisoformat("2026-01-01T23:30:00-05:00")
    late = datetime.fromisoformat("2026-01-02T05:00:00+00:00")
    store.save(sample_run("late", timestamp=late))
    store.save(sample_run("early", timestamp=early))
    assert ids(store.list_runs()) == ["late", "early"]
    assert store.load("early").timestamp.isoformat() == early.isoformat()


@pytest.mark.parametrize("year", [1, 1969, 9998])
def test_times_far_away_are_kept(store, year):
    moment = datetime(year, 6, 1, tzinfo=UTC)
    store.save(sample_run("a", timestamp=moment))
    assert store.headers()[0].timestamp == moment
    assert store.load("a").timestamp == moment


def test_a_branch_is_matched_exactly_and_none_never(store):
    for name, branch in (("a", "main"), ("b", "Main"), ("c", None), ("d", "main2")):
        store.save(sample_run(name, branch=branch))
    assert ids(store.list_runs(branch="main")) == ["a"]
    assert store.latest("main").id == "a"
    with pytest.raises(NotFound, match="nowhere"):
        store.latest("nowhere")


def test_an_empty_store_answers_nothing(store):
    assert store.list_runs() == []
    assert store.query() == []
    assert store.series() == []
    assert store.get_baseline() is None
    assert store.extract_trend("time", "sort/quick", {}).points == ()
    with pytest.raises(NotFound) as caught:
        store.latest()
    assert isinstance(caught.value, FileNotFoundError)


def test_headers_filter(store):
    store.save(sample_run("a", commit="a" * 40, experiment="x", status="failed", group="g"))
    store.save(sample_run("b", commit="abcdef12", origin="simulated", minute=1))
    store.save(sample_run("c", minute=2))

    def found(**wanted):
        return sorted(header.run_id for header in store.headers(**wanted))

    start = sample_run("a").timestamp
    assert found() == ["a", "b", "c"]
    assert found(commit="aaaa") == ["a"]
    assert found(commit="a" * 40) == ["a"]
    assert found(commit="abc") == ["b"]
    assert found(experiment="x") == found(status="failed") == found(group="g") == ["a"]
    assert found(status="ok") == ["b", "c"]
    assert found(origin="simulated") == ["b"]
    assert found(since=start + timedelta(minutes=1)) == ["b", "c"]
    assert found(until=start + timedelta(minutes=1)) == ["a"]
    assert found(limit=1) == ["c"]
    store.delete("c")
    assert found() == ["a", "b"]
    assert found(include_deleted=True) == ["a", "b", "c"]


def two_points(run_id, **fields):
    points = (
        Point(name="p", scenario="s", tags={"a": "1"}, metrics={"m": Metric(value=1)}),
        Point(
            name="p",
            scenario="t",
            tags={"b": "2"},
            metrics={"m": Metric(value=2), "n": Metric(value=3)},
        ),
    )
    return sample_run(run_id, points=points, **fields)


def test_query_wants_all_pairs_on_one_point(store):
    store.save(two_points("two"))
    store.save(sample_run("none", points=()))
    assert ids(store.query(a="1")) == ["two"]
    assert ids(store.query(a="1", b="2")) == []
    assert ids(store.query(a=None)) == ["two"]
    assert ids(store.query(a=None, b=None)) == []
    assert ids(store.query()) == ["two"]
    assert ids(store.query(self="x")) == []


def test_query_forgets_what_was_deleted_and_replaced(store):
    store.save(two_points("a"))
    assert ids(store.query(a="1")) == ["a"]
    store.save(sample_run("a"))
    assert store.query(a="1") == []
    assert ids(store.query(size="10")) == ["a"]
    store.delete("a")
    assert store.query() == []
    store.restore("a")
    assert ids(store.query(size="10")) == ["a"]


def values(series):
    return [point.value for point in series.points]


def test_a_trend_takes_the_first_fitting_point_of_each_run(store):
    for minute in range(4):
        store.save(two_points(f"r{minute}", minute=minute, commit=f"{minute}" * 40))
    assert values(store.extract_trend("m", "p", {})) == [1] * 4
    assert values(store.extract_trend("m", "p", {"b": "2"})) == [2] * 4
    assert values(store.extract_trend("n", "p", {})) == [3] * 4
    assert values(store.extract_trend("m", "p", {}, scenario="t")) == [2] * 4
    assert values(store.extract_trend("m", "p", {"a": "9"})) == []
    series = store.extract_trend("m", "p", {}, n_runs=2)
    assert [(p.run_id, p.commit) for p in series.points] == [("r2", "2" * 40), ("r3", "3" * 40)]
    assert len(store.extract_trend("m", "p", {}, n_runs=0).points) == 4


def test_a_trend_shows_bounds_and_branches(store):
    store.save(sample_run("a", 1.0, branch="main"))
    store.save(sample_run("b", 2.0, branch="topic", minute=1))
    series = store.extract_trend("time", "sort/quick", {}, branch="main")
    assert [(p.value, p.lower, p.upper) for p in series.points] == [(1.0, 0.5, 1.5)]


def test_a_trend_over_many_kinds_of_runs_is_in_order(store):
    for minute in range(60):  # more definitions than are asked apart
        point = Point(
            name="p", scenario="s", tags={"v": str(minute)}, metrics={"m": Metric(value=minute)}
        )
        store.save(sample_run(f"r{minute:02}", points=(point,), minute=minute))
    assert values(store.extract_trend("m", "p", {})) == list(range(60))
    assert values(store.extract_trend("m", "p", {}, n_runs=3)) == [57, 58, 59]


def test_a_run_that_is_not_there_is_a_file_not_found_error_too(store):
    with pytest.raises(FileNotFoundError, match="Run not found: nope"):
        store.load("nope")


@pytest.mark.parametrize("name", ["", "..", "../store", "a\0b", "\ud800", "x" * 10_000])
def test_a_name_that_no_run_can_have_is_not_found_or_refused(store, name):
    store.save(sample_run("a"))
    for ask in (store.load, store.resolve, store.delete, store.restore, store.attachments):
        with pytest.raises((NotFound, InvalidInput)):
            ask(name)
    assert store.count() == 1


@pytest.mark.parametrize("name", [None, 5, b"a", ["a"]])
def test_a_name_that_is_no_text_is_refused(store, name):
    for ask in (store.load, store.resolve, store.delete, store.restore, store.attachments):
        with pytest.raises(InvalidInput):
            ask(name)


@pytest.mark.parametrize("value", ["\ud800", object(), ["x"], 2**80])
def test_a_question_with_an_odd_value_leaves_the_catalog_whole(store, value):
    store.save(sample_run("a"))
    before = store._index.catalog.path
    assert store.count() == 1
    inode = (store.path / "cache" / "catalog.sqlite").stat().st_ino
    for ask in (
        lambda: store.headers(branch=value),
        lambda: store.query(size=value),
        lambda: store.headers(limit=value),
    ):
        with pytest.raises((InvalidInput, TypeError)):
            ask()
    assert store._index.catalog.path == before
    assert (store.path / "cache" / "catalog.sqlite").stat().st_ino == inode


def test_headers_come_in_pages_in_the_order_of_the_whole(store, monkeypatch):
    monkeypatch.setattr("graven.store.reading._PAGE", 3)
    monkeypatch.setattr("graven.store.reading._FIRST_PAGE", 2)
    with store.batch() as batch:
        for n in range(23):  # ties of time within a page and across its edge
            batch.save(sample_run(f"r{n:02d}", n, minute=n // 5, branch="abc"[n % 3]))
    for n in (1, 8, 9, 22):
        store.delete(f"r{n:02d}")
    for wanted in ({}, {"include_deleted": True}, {"branch": "b"}, {"limit": 7}, {"limit": 0}):
        assert list(store.iter_headers(**wanted)) == store.headers(**wanted)


def test_a_listing_goes_on_while_others_save_and_delete(store, open_store, monkeypatch):
    monkeypatch.setattr("graven.store.reading._FIRST_PAGE", 2)
    with store.batch() as batch:
        for n in range(10):
            batch.save(sample_run(f"r{n}", n, minute=n))
    listing = store.iter_headers()
    seen = [next(listing).run_id]
    other = open_store()
    other.save(sample_run("new", minute=99))
    other.delete("r0")
    other.delete("r9")  # seen already
    other.reindex()
    seen += [header.run_id for header in listing]
    assert seen == [f"r{n}" for n in range(9, 0, -1)]


def test_a_trend_leaves_out_the_oldest_for_a_negative_number(store):
    for n in range(4):
        store.save(sample_run(f"r{n}", n, minute=n))
    points = store.extract_trend("time", "sort/quick", {}).points
    assert len(points) == 4
    assert store.extract_trend("time", "sort/quick", {}, n_runs=-3).points == points[3:]
    assert store.extract_trend("time", "sort/quick", {}, n_runs=-9).points == ()


@pytest.mark.parametrize(
    ("damage", "how"),
    [
        ({"status": "ok"}, "states what goes without saying"),
        ({"value": bytes(9)}, "cut short"),
        ({"samples": bytes(9), "sample_counts": [7]}, "cut short"),
        ({"timestamp": "soon"}, "malformed"),
    ],
)
def test_what_cannot_be_decoded_names_the_run_and_the_object(store, damage, how):
    store.save(sample_run("bad"))
    good = store.get_object(store.resolve("bad").object_id)
    kind, version, body = msgspec.msgpack.decode(good)
    data = encode([kind, version, body | damage])
    object_id = hash_bytes(data)
    header = Header(10**15, None, None, None, "ok", "measured", 1, None)
    store._session.commit(
        [Item(object_id, "run", data)], [Intent("runs/bad", object_id, header=header)]
    )
    with pytest.raises(Corrupt, match=f"^run bad: object {object_id.hex()}: .*{how}") as caught:
        _ = store.load("bad").points  # they are decoded when first looked at
    assert caught.value.fields["run"] == "bad"
    assert caught.value.fields["object"] == object_id.hex()


def test_removed_runs_stand_where_they_were_removed(store):
    for n in range(3):
        store.save(sample_run(f"r{n}", n, minute=n))
    store.save(sample_run("ahead", timestamp=datetime(2999, 1, 1, tzinfo=UTC)))
    store.delete("r1")
    store.delete("r0")
    for limit in (None, 2, 3):
        found = store.headers(include_deleted=True, limit=limit)
        assert [h.run_id for h in found] == ["ahead", "r0", "r1", "r2"][:limit]
        assert list(store.iter_headers(include_deleted=True, limit=limit)) == found
    recent = {"include_deleted": True, "since": sample_run("x", minute=99).timestamp}
    assert [h.run_id for h in store.headers(**recent)] == ["ahead", "r0", "r1"]
    assert [h.run_id for h in store.iter_headers(**recent)] == ["ahead", "r0", "r1"]
