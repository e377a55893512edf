"""Experiment manifests, scopes, locators."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from graven.errors import Conflict, InvalidInput, NotFound
from graven.model import Metric, Point, Run
from graven.store.locators import Locator, parse_locator
from graven.testing.runs import sample_run

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(run_id, hour=0, value=1.0, **fields):
    point = Point(name="p", scenario="s", tags={"k": "v"}, metrics={"m": Metric(value=value)})
    return Run(id=run_id, timestamp=START + timedelta(hours=hour), points=(point,), **fields)


# --- manifests ---


def test_every_version_stays_and_the_latest_answers(store, open_store):
    first = store.put_manifest("exp:1.0", {"params": {"lr": [0.1, 0.2]}})
    second = store.put_manifest("exp:1.0", {"params": {"lr": [0.3]}})
    again = store.put_manifest("exp:1.0", first.record)
    fresh = open_store()
    assert fresh.get_manifest("exp:1.0") == first.record
    assert fresh.manifests("exp:1.0") == [again, second, first]
    assert len({m.version for m in (first, second, again)}) == 3
    assert again.object_id == first.object_id
    assert fresh.get_manifest("exp:1") is None
    assert fresh.fsck("full").ok


IDS = ["a:1", "a_1", "a%3a1", "a/1", "a", "A:1", "../up", "..", ".", "a:1_b", "é", "C:\\x"]
IDS.append("x" * 512)


def test_no_two_ids_share_anything(store):
    for number, experiment in enumerate(IDS):
        store.put_manifest(experiment, {"number": number})
        store.scoped(experiment).save(run(f"run-{number}"))
    for number, experiment in enumerate(IDS):
        view = store.scoped(experiment)
        assert [m.record for m in view.manifests()] == [{"number": number}]
        assert [r.id for r in view.list_runs()] == [f"run-{number}"]
    found = store.list_experiments()
    assert [(e.experiment, e.runs, e.manifests) for e in found] == [
        (experiment, 1, 1) for experiment in sorted(IDS)
    ]


def test_experiments_are_counted_where_they_have_runs_or_manifests(store):
    assert store.list_experiments() == []
    store.save(sample_run("none"))
    store.save(run("r1", experiment="with runs"))
    store.save(run("r2", experiment="with runs"))
    store.put_manifest("described", {})
    found = [(e.experiment, e.runs, e.manifests) for e in store.list_experiments()]
    assert found == [("described", 0, 1), ("with runs", 2, 0)]
    store.delete("r1")
    store.delete("r2")
    assert [e.experiment for e in store.list_experiments()] == ["described"]


@pytest.mark.parametrize("experiment", ["", None, 7, "a\0b", "a\nb", "\ud800", "x" * 513])
def test_ids_that_none_may_have(store, experiment):
    for call in (
        lambda: store.put_manifest(experiment, {}),
        lambda: store.get_manifest(experiment),
        lambda: store.scoped(experiment),
    ):
        with pytest.raises(InvalidInput) as error:
            call()
        assert error.value.kind == "bad-name"


def test_records_that_cannot_be_kept(store):
    for record in ([1], {"x": object()}, {"x": 2**70}):
        with pytest.raises(InvalidInput):
            store.put_manifest("e", record)
    assert store.manifests("e") == []


def test_manifests_outlive_a_reindex(store):
    store.put_manifest("e", {"v": 1})
    store.put_manifest("e", {"v": 2})
    store.reindex()
    assert [m.record["v"] for m in store.manifests("e")] == [2, 1]


# --- scopes ---


@pytest.fixture
def views(store):
    one, two = store.scoped("exp:1"), store.scoped("exp:2")
    for hour in range(3):
        one.save(run(f"one-{hour}", hour, value=hour, branch="main"))
        two.save(run(f"two-{hour}", hour + 10, value=100 + hour, branch="dev"))
    store.save(run("neither", 50))
    return one, two


def test_a_view_shows_its_runs_and_no_other(views):
    one, two = views
    assert [r.id for r in one.list_runs()] == ["one-2", "one-1", "one-0"]
    assert [r.experiment for r in two.iter_runs()] == ["exp:2"] * 3
    assert [h.run_id for h in two.headers()] == ["two-2", "two-1", "two-0"]
    assert [h.run_id for h in one.iter_headers(limit=1)] == ["one-2"]
    assert one.headers(experiment="exp:2") == one.headers()
    assert one.count() == 3
    assert one.latest().id == "one-2"
    assert one.load_rev("latest~2").id == "one-0"
    assert [r.id for r in one.query(k="v")] == ["one-2", "one-1", "one-0"]
    assert one.query(k="other") == []
    trend = one.extract_trend("m", "p", {})
    assert [p.value for p in trend.points] == [0, 1, 2]
    assert [p.value for p in two.extract_trend("m", "p", {}, n_runs=1).points] == [102]
    assert one.list_runs("dev") == []
    with pytest.raises(NotFound):
        one.latest("dev")


def test_a_run_of_another_experiment_is_not_found(store, views):
    one, _ = views
    store.attach("two-0", "logs/x", b"x")
    store.baselines.set("main", "two-0")
    for call in (
        lambda: one.load("two-0"),
        lambda: one.load_rev("two-0"),
        lambda: one.load_rev("main"),
        lambda: one.resolve(store.resolve("two-0").object_id),
        lambda: one.load("neither"),
        lambda: one.attach("two-0", "logs/x", b"y"),
        lambda: one.attachments("two-0"),
        lambda: one.read_attachment("two-0", "logs/x"),
        lambda: one.put_result("two-0", "x", 1),
        lambda: one.live_log("two-0", "x"),
        lambda: one.delete("two-0"),
        lambda: one.relabel("two-0", branch="x"),
        lambda: one.set_baseline("two-0"),
    ):
        with pytest.raises(NotFound):
            call()
    assert store.read_attachment("two-0", "logs/x") == b"x"


def test_its_own_runs_take_everything(store, views):
    one, _ = views
    one.attach("one-0", "artifacts/x", b"x")
    one.put_result("one-0", "r", [1])
    one.put_derived("one-0", {"d": 1})
    one.relabel("one-0", branch="other")
    assert [a.name for a in store.attachments("one-0")] == [
        "artifacts/x", "derived/metrics", "results/r",
    ]  # fmt: skip
    assert one.get_result("one-0", "r").data == [1]
    assert one.load("one-0").branch == "other"
    one.delete("one-0")
    assert one.count() == 2
    assert "attach" in dir(one)
    with pytest.raises(AttributeError):
        one.reindex  # noqa: B018  it is not there
    with pytest.raises(AttributeError):
        one.tags  # noqa: B018  names belong to the whole store


def test_tensors_and_tables_are_those_of_its_runs(store, views):
    pa = pytest.importorskip("pyarrow")
    one, two = views
    one.tensors.put_batch("one-0", 0, {"layer": {"key": np.arange(3)}})
    assert one.tensors.batches("one-0") == [0]
    with pytest.raises(NotFound):
        one.tensors.batches("two-0")
    with pytest.raises(AttributeError):
        one.tensors.no_such_thing  # noqa: B018  it is not there
    one.put_table("one-0", "trades", pa.table({"x": [1]}))
    two.put_table("two-0", "trades", pa.table({"x": [2]}))
    with pytest.raises(NotFound):
        one.get_table("two-0", "trades")
    assert store.scan("trades").to_table().num_rows == 2
    assert one.scan("trades").to_table()["x"].to_pylist() == [1]
    assert one.scan("trades", {"experiment": "exp:2"}).to_table()["x"].to_pylist() == [1]
    with pytest.raises(InvalidInput):
        one.scan("trades", pa.compute.field("x") == 1)


def test_a_view_takes_no_run_of_another(store, views):
    one, two = views
    with pytest.raises(InvalidInput) as error:
        one.save(run("x", experiment="exp:2"))
    assert error.value.kind == "other-experiment"
    with pytest.raises(Conflict) as error:
        one.save(run("two-0"))
    assert error.value.kind == "run-elsewhere"
    with pytest.raises(InvalidInput):
        one.relabel("one-0", experiment="exp:2")
    with pytest.raises(Conflict), one.batch() as batch:
        batch.save(run("new"))
        batch.save(run("two-1"))
    assert one.count() == two.count() == 3
    assert store.load("two-0").experiment == "exp:2"


def test_a_batch_belongs_to_the_experiment(views):
    one, _ = views
    with one.batch() as batch:
        batch.save(run("b1", 20), attachments={"logs/x": b"x"})
        batch.save(run("b2", 21, experiment="exp:1"))
        assert batch.run_ids == ["b1", "b2"]
    assert [r.id for r in one.list_runs()][:2] == ["b2", "b1"]
    assert one.read_attachment("b1", "logs/x") == b"x"


def test_a_view_has_its_manifests(store, views):
    one, two = views
    one.put_manifest({"v": 1})
    assert one.get_manifest() == store.get_manifest("exp:1") == {"v": 1}
    assert two.get_manifest() is None


# --- locators ---


def test_locators_stay_true_when_the_store_moves(store, tmp_path, open_store):
    store.save(sample_run("run 1"))
    store.attach("run 1", "artifacts/a b#c?.txt", b"content")
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "in ner").write_bytes(b"inner")
    store.attach("run 1", "artifacts/f", tmp_path / "f")
    whole = store.locator("run 1", "artifacts/a b#c?.txt")
    inner = store.locator("run 1", "artifacts/f", "in ner")
    assert whole == f"graven:{store.store_id}/runs/run%201/artifacts/a%20b%23c%3F.txt"
    assert str(tmp_path) not in whole
    store.close()
    store.path.rename(tmp_path / "moved")
    moved = open_store("moved")
    assert moved.open_locator(whole).read() == b"content"
    assert moved.open_locator(inner).read() == b"inner"
    other = open_store("other")
    with pytest.raises(NotFound) as error:
        other.open_locator(whole)
    assert error.value.kind == "other-store"


def test_locators_are_read_as_they_are_written():
    store_id = "ab" * 16
    for locator in (
        Locator(store_id),
        Locator(store_id, "run/1"),
        Locator(store_id, "r", "artifacts/../../x"),
        Locator(store_id, "r", "artifacts//x"),
        Locator(store_id, "é", "logs/%41", "a/b #c"),
    ):
        assert parse_locator(str(locator)) == locator


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "graven:", "graven:xyz", "/etc/passwd", "file:///etc/passwd", None,
        "graven:" + "ab" * 16 + "/refs/x", "graven:" + "AB" * 16,
        "graven:" + "ab" * 16 + "/runs/", "graven:" + "ab" * 16 + "/runs/r/evil/x",
        "graven:" + "ab" * 16 + "/runs/r/artifacts/%ff",
        "graven:" + "ab" * 16 + "/runs/r/artifacts/a%00b",
        "graven:" + "ab" * 16 + "/runs/r#x",
    ],
)  # fmt: skip
def test_what_is_no_locator(store, text):
    with pytest.raises(InvalidInput):
        store.open_locator(text)


def test_a_locator_of_a_run_opens_nothing(store):
    with pytest.raises(InvalidInput):
        store.open_locator(store.locator("a"))
    with pytest.raises(InvalidInput):
        store.locator(name="artifacts/x")
