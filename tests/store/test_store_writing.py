"""Saving, overwriting, deleting, restoring, relabelling, attaching."""

import json
import unicodedata

import pytest

from graven import Metric, Point, Run, Store
from graven.backends.memory import MemoryBackend
from graven.errors import Conflict, InvalidInput, NotFound
from graven.store import GravenWarning
from graven.testing.faulty import FaultyBackend
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run

BAD_IDS = [
    "..",
    ".",
    "../x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "a\0b",
    "a\nb",
    "\x7f",
    "x" * 300,
    "é" * 60,
    "CON",
    "con.txt",
    "nul",
    "LPT1.json",
    "com¹",
    " a",
    "a ",
    "latest",
    "\ud800",
]


def test_save_returns_the_path_of_a_view_that_says_the_same(store):
    path = store.save(sample_run("a"))
    assert path == store.path / "runs" / "a.json"
    record = json.loads(path.read_text())
    assert record.pop("object_id") == store.headers()[0].object_id
    assert Run.from_dict(record) == sample_run("a")


@pytest.mark.parametrize("run_id", BAD_IDS)
def test_an_id_that_could_leave_the_store_changes_nothing(store, run_id, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput) as caught:
        store.save(sample_run(run_id))
    assert caught.value.exit_code == 2
    assert caught.value.fields["field"] == "run id"
    assert sorted(tmp_path.rglob("*")) == before
    assert store.count() == 0


@pytest.mark.parametrize("run_id", [5, b"a", ("a",)])
def test_an_id_that_is_no_text_is_refused(store, run_id):
    with pytest.raises(InvalidInput):
        store.save(sample_run(run_id))
    assert store.count() == 0


@pytest.mark.parametrize("run_id", [".hid", "a.b", "x%2fy", "ü", "a:b", "a*?b", "a~2", "x" * 200])
def test_an_odd_id_goes_round_and_stays_inside(store, run_id):
    path = store.save(sample_run(run_id))
    assert path.parent == store.path / "runs"
    assert path.exists()
    check_store(store, {run_id: sample_run(run_id)})


def test_ids_that_differ_in_case_only_get_a_view_each(store):
    paths = {store.save(sample_run(name)) for name in ("run", "Run", "RUN")}
    assert len({str(path).lower() for path in paths}) == 3
    check_store(store, {name: sample_run(name) for name in ("run", "Run", "RUN")})


def test_an_id_is_the_same_in_each_unicode_form(store):
    composed = "caf\u00e9"
    split = unicodedata.normalize("NFD", composed)
    path = store.save(sample_run(split, 1.0))
    assert store.save(sample_run(composed, 2.0)) == path
    assert [p.name for p in (store.path / "runs").iterdir()] == [path.name]
    assert store.count() == 1
    assert store.load(split) == store.load(composed)
    assert store.resolve(split).run_id == composed
    store.attach(split, "logs/" + split, b"x")
    assert store.read_attachment(split, "logs/" + split) == b"x"
    store.delete(split)
    assert store.restore(split).run_id == composed
    check_store(store)


def test_a_second_save_under_an_id_replaces_the_first(store, open_store):
    store.save(sample_run("a", 1.0))
    store.save(sample_run("a", 2.0))
    check_store(store, {"a": sample_run("a", 2.0)})
    check_store(open_store(), {"a": sample_run("a", 2.0)})


def test_the_same_run_twice_stands_once(store):
    store.save(sample_run("a"))
    store.save(sample_run("a"))
    check_store(store, {"a": sample_run("a")})


@pytest.mark.parametrize(
    ("run", "field"),
    [
        (sample_run("a", points=(Point(name="p", scenario="s", tags={"k": 5}),)), "points[0]"),
        (
            sample_run(
                "a",
                points=(Point(name="p", scenario="s", metrics={"m": Metric(value=2**53 + 1)}),),
            ),
            "points[0].metrics.m.value",
        ),
        (
            sample_run(
                "a", points=(Point(name="p", scenario="s", metrics={"m": Metric(value="1")}),)
            ),
            "points[0].metrics.m.value",
        ),
        (sample_run("a", branch="\ud800"), "branch"),
        (sample_run("a", metadata={"n": 2**70}), "metadata"),
    ],
)
def test_a_field_that_cannot_be_stored_is_named_and_nothing_changes(store, run, field):
    store.save(sample_run("a"))
    with pytest.raises(InvalidInput) as caught:
        store.save(run)
    assert field in caught.value.message
    check_store(store, {"a": sample_run("a")})


def test_a_value_without_a_json_form_is_a_type_error_as_in_calibrax(store):
    with pytest.raises(TypeError):
        store.save(sample_run("a", metadata={"z": 1j}))
    assert store.count() == 0


def test_nan_and_infinities_are_kept(store):
    values = [float("nan"), float("inf"), float("-inf")]
    metrics = {f"m{i}": Metric(value=value) for i, value in enumerate(values)}
    store.save(sample_run("a", points=(Point(name="p", scenario="s", metrics=metrics),)))
    found = store.load("a").points[0].metrics
    assert str([found[f"m{i}"].value for i in range(3)]) == "[nan, inf, -inf]"
    check_store(store)


# --- views ---


def test_views_none_writes_none(store, open_store):
    store.config.set("views", "none")
    other = open_store()
    path = other.save(sample_run("a"))
    with other.batch() as batch:
        batch.save(sample_run("b"))
    assert not path.exists()
    assert other.count() == 2


def test_a_view_that_cannot_be_written_is_a_warning(store):
    store.save(sample_run("a"))
    (store.path / "runs" / "b.json").mkdir()
    with pytest.warns(GravenWarning, match="view of run b"):
        store.save(sample_run("b"))
    with pytest.warns(GravenWarning, match="view of run b"), store.batch() as batch:
        batch.save(sample_run("b", 2.0))
    assert store.load("b") == sample_run("b", 2.0)


def test_a_views_folder_that_is_a_link_is_a_warning_and_nothing_leaves(store, tmp_path):
    store.save(sample_run("a"))
    (tmp_path / "outside").mkdir()
    (store.path / "runs" / "a.json").unlink()
    (store.path / "runs").rmdir()
    (store.path / "runs").symlink_to(tmp_path / "outside")
    with pytest.warns(GravenWarning, match="view of run b"):
        store.save(sample_run("b"))
    with pytest.warns(GravenWarning, match="view of run a"):
        store.delete("a")
    assert list((tmp_path / "outside").iterdir()) == []
    assert [h.run_id for h in store.headers()] == ["b"]


def test_views_are_written_anew_and_old_ones_go(store):
    for name in ("a", "b"):
        store.save(sample_run(name))
    (store.path / "runs" / "a.json").write_text("{}")
    (store.path / "runs" / "gone.json").write_text("{}")
    (store.path / "runs" / "README.txt").write_text("mine")
    assert store.write_views() == 2
    names = sorted(p.name for p in (store.path / "runs").iterdir())
    assert names == ["README.txt", "a.json", "b.json"]
    assert json.loads((store.path / "runs" / "a.json").read_text())["id"] == "a"


# --- delete and restore ---


def test_a_deleted_run_is_gone_with_its_view_and_says_so(store):
    path = store.save(sample_run("a"))
    store.delete("a")
    assert not path.exists()
    assert store.list_runs() == []
    with pytest.raises(NotFound) as caught:
        store.load("a")
    assert caught.value.kind == "run-deleted"
    assert "restore" in caught.value.hint
    with pytest.raises(NotFound):
        store.delete("a")
    check_store(store, {})


def test_restore_brings_run_and_attachments_back(store, open_store):
    path = store.save(sample_run("a", branch="main", commit="a" * 40))
    store.attach("a", "logs/out", b"text")
    before = store.headers()[0]
    store.delete("a")
    header = store.restore("a")
    assert header._replace(stamp=0) == before._replace(stamp=0)
    assert header.stamp > before.stamp
    assert path.exists()
    assert open_store().read_attachment("a", "logs/out") == b"text"
    check_store(store, {"a": sample_run("a", branch="main", commit="a" * 40)})


def test_a_restored_run_is_told_also_if_it_cannot_be_looked_at_any_more():
    backend = FaultyBackend(MemoryBackend())
    store = Store("memory://x", backend=backend, views="none")
    store.save(sample_run("a", branch="main", commit="a" * 40))
    before = store.headers()[0]
    store.delete("a")
    backend.inner.put = fail_after(backend, backend.inner.put)
    assert store.restore("a") == before
    assert store.headers()[0]._replace(stamp=0) == before._replace(stamp=0)


def fail_after(backend, put):
    def put_then_fail(key, data, *, durable=True):
        put(key, data, durable=durable)
        backend.fail(method="listing_token")

    return put_then_fail


def test_attachments_of_an_earlier_life_stay_dead(store):
    store.save(sample_run("a"))
    store.attach("a", "logs/old", b"old")
    store.delete("a")
    store.save(sample_run("a", 2.0))
    assert store.attachments("a") == []
    store.attach("a", "logs/new", b"new")
    store.delete("a")
    store.restore("a")
    assert [found.name for found in store.attachments("a")] == ["logs/new"]
    check_store(store, {"a": sample_run("a", 2.0)})


def test_restoring_twice_over_keeps_what_was_attached(store):
    store.save(sample_run("a"))
    store.attach("a", "logs/x", b"1")
    for _ in range(3):
        store.delete("a")
        store.restore("a")
    store.save(sample_run("a", 3.0))
    store.delete("a")
    store.restore("a")
    assert store.read_attachment("a", "logs/x") == b"1"
    assert store.load("a") == sample_run("a", 3.0)


def test_two_deletions_at_once_can_be_undone_with_the_attachments(store, open_store):
    from graven.store.session import Intent

    store.save(sample_run("a"))
    store.attach("a", "logs/x", b"1")
    for other in (store, open_store()):  # both have looked before either has written
        other._session.observe(other._header("a").stamp)
    for other in (store, open_store()):
        other._session.commit([], [Intent("runs/a", None)])
    store.restore("a")
    assert store.read_attachment("a", "logs/x") == b"1"


def test_restore_refuses_what_is_not_deleted_or_never_was(store):
    store.save(sample_run("a"))
    with pytest.raises(Conflict):
        store.restore("a")
    with pytest.raises(NotFound):
        store.restore("b")


def test_a_run_under_a_baseline_is_deleted_by_force_only(store):
    store.save(sample_run("a"))
    store.attach("a", "logs/x", b"1")
    store.set_baseline("a")
    store.tags.set("v1", "a")
    with pytest.raises(Conflict) as caught:
        store.delete("a")
    assert "baselines/main" in caught.value.message
    assert "tags/v1" in caught.value.message
    assert store.count() == 1
    store.delete("a", force=True)
    assert store.get_baseline() == sample_run("a")
    assert store.tags["v1"] == sample_run("a")
    with pytest.raises(NotFound):
        store.attachments("a")
    check_store(store, {})


# --- relabel ---


def test_relabel_keeps_numbers_attachments_and_where_it_came_from(store):
    with store.batch() as batch:
        batch.save(
            sample_run("a"), note={"source": "x.json"}, attachments={"artifacts/raw/x": b"{}"}
        )
    changed = store.relabel("a", branch="topic", metadata={"by": "me"})
    assert changed == store.load("a") == sample_run("a", branch="topic", metadata={"by": "me"})
    assert store.read_attachment("a", "artifacts/raw/x") == b"{}"
    assert json.loads(store.headers(branch="topic")[0].note) == {"source": "x.json"}
    check_store(store)


@pytest.mark.parametrize("field", ["points", "id", "extra", "colour"])
def test_relabel_refuses_what_is_no_label(store, field):
    store.save(sample_run("a"))
    with pytest.raises(InvalidInput) as caught:
        store.relabel("a", **{field: "x"})
    assert caught.value.fields["field"] == field
    assert store.load("a") == sample_run("a")


@pytest.mark.parametrize(
    "changes", [{"branch": 5}, {"status": None}, {"metadata": 3}, {"timestamp": "now"}]
)
def test_relabel_refuses_a_value_of_the_wrong_type(store, changes):
    store.save(sample_run("a"))
    with pytest.raises((InvalidInput, TypeError)):
        store.relabel("a", **changes)
    check_store(store, {"a": sample_run("a")})


# --- attachments ---


def test_attachments_of_all_sizes_come_back(store):
    import random

    store.save(sample_run("a"))
    noise = random.Random(7).randbytes
    bodies = {f"artifacts/{n}": noise(n) for n in (0, 1, 2**20, 2**20 + 1, 5 * 2**20)}
    for name, body in bodies.items():
        store.attach("a", name, body)
    assert {a.name: a.size for a in store.attachments("a")} == {
        name: len(body) for name, body in bodies.items()
    }
    for name, body in bodies.items():
        assert store.read_attachment("a", name) == body
    check_store(store)


def test_an_attachment_is_replaced_under_its_name(store):
    store.save(sample_run("a"))
    store.attach("a", "logs/x", b"1")
    store.attach("a", "logs/x", b"2")
    assert store.read_attachment("a", "logs/x") == b"2"
    assert len(store.attachments("a")) == 1


@pytest.mark.parametrize(
    "name",
    ["", "logs", "logs/", "else/x", "/logs/x", "logs/\0", "logs/\n", "logs/" + "x" * 2000, 5],
)
def test_an_attachment_name_that_is_none_is_refused(store, name):
    store.save(sample_run("a"))
    with pytest.raises(InvalidInput):
        store.attach("a", name, b"x")
    assert store.attachments("a") == []


def test_attachment_names_are_data_and_never_paths(store, tmp_path):
    store.save(sample_run("a"))
    store.attach("a", "logs/../../../../evil", b"x")
    assert store.read_attachment("a", "logs/../../../../evil") == b"x"
    assert not [p for p in tmp_path.rglob("*") if "evil" in p.name]


def test_an_attachment_needs_its_run(store):
    with pytest.raises(NotFound):
        store.attach("a", "logs/x", b"x")
    with pytest.raises(NotFound):
        store.attachments("a")
    store.save(sample_run("a"))
    with pytest.raises(NotFound):
        store.read_attachment("a", "logs/x")


# --- calibrax's doors ---


def test_ingest_saves_the_one_run_of_a_file_and_keeps_the_file(store, tmp_path):
    file = tmp_path / "r.json"
    file.write_text(json.dumps(sample_run("a").to_dict()))
    assert store.ingest(file) == store.load("a")
    assert store.ingest(file, format="auto").id == "a"
    assert store.count() == 1
    check_store(store)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b'{"id": "x"}'])
def test_a_file_that_is_no_result_changes_nothing(store, tmp_path, content):
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        store.ingest(file)
    assert "bad.json" in caught.value.message
    assert store.count() == 0


def test_export_asv_writes_a_folder(store, tmp_path):
    store.save(sample_run("a", commit="a" * 40))
    assert store.export_asv(tmp_path / "asv") == tmp_path / "asv"
    assert list((tmp_path / "asv").rglob("*.json"))


def test_a_removed_run_is_found_by_a_prefix(store):
    store.save(sample_run("0123456789abcdef"))
    store.save(sample_run("0123456789ffffff"))
    store.save(sample_run("fedcba9876543210"))
    for run_id in ("0123456789abcdef", "0123456789ffffff"):
        store.delete(run_id)
    with pytest.raises(NotFound, match="fits several: 0123456789abcdef, 0123456789ffffff"):
        store.restore("01234567")
    with pytest.raises(NotFound, match="was deleted") as caught:
        store.load_rev("0123456789ab")
    assert "graven restore 0123456789abcdef" in caught.value.hint
    assert store.restore("0123456789ab").run_id == "0123456789abcdef"
    with pytest.raises(Conflict, match="is not deleted"):
        store.restore("fedcba98")
    with pytest.raises(NotFound) as caught:
        store.restore("0123456")
    assert "graven log --deleted" in caught.value.hint
