"""What is said of steps: kept, replaced, taken back, copied, and gone with its run."""

import json

import pytest

from graven import Store
from graven.catalog.trends import SeriesName
from graven.errors import InvalidInput, NotFound
from graven.formats.manifest import decode_manifest
from graven.ids import parse_object_id
from graven.store.annotations import series_key
from graven.testing.runs import sample_run

TIME = SeriesName("sort", "quick", {"n": "10"}, "time")
RATE = SeriesName("sort", "quick", {"n": "10"}, "rate")


@pytest.fixture
def store(open_store):
    store = open_store(author="ada")
    for run_id in ("a", "b", "c"):
        store.save(sample_run(run_id))
    return store


def said(store, series=None):
    return [(one.run_id, one.series.metric, one.state) for one in store.step_annotations(series)]


def test_a_step_is_accepted_with_all_that_was_said(store):
    store.annotate_step(TIME, "b", "accepted", message="new allocator")
    (found,) = store.step_annotations()
    assert found.series == TIME
    assert (found.run_id, found.state) == ("b", "accepted")
    assert (found.by, found.message) == ("ada", "new allocator")
    assert found.timestamp == store.load("b").timestamp
    assert json.dumps(found.to_dict())


def test_series_are_told_apart(store):
    store.annotate_step(TIME, "b", "accepted")
    store.annotate_step(RATE, "b", "rejected")
    assert said(store, TIME) == [("b", "time", "accepted")]
    assert said(store, RATE) == [("b", "rate", "rejected")]
    assert sorted(said(store)) == [("b", "rate", "rejected"), ("b", "time", "accepted")]


def test_a_series_is_its_tags_in_any_order_and_form():
    one = SeriesName("s", "e\u0301", {"a": "1", "b": "2"}, "m")
    two = SeriesName("s", "\u00e9", {"b": "2", "a": "1"}, "m")
    assert series_key(one) == series_key(two)
    assert series_key(one) != series_key(one._replace(metric="n"))
    assert series_key(TIME) == "2496f082bd1f4d29"  # it stands in stores


def test_the_later_word_counts_and_the_earlier_stays_readable(store):
    store.annotate_step(TIME, "b", "accepted", message="one")
    store.annotate_step(TIME, "b", "rejected", message="two")
    store.annotate_step(TIME, "b", None)
    store.annotate_step(TIME, "c", "accepted", message="three")
    assert said(store) == [("c", "time", "accepted")]
    history = [(one.run_id, one.state, one.message) for one in store.step_history(TIME)]
    assert history == [
        ("c", "accepted", "three"),
        ("b", "withdrawn", ""),
        ("b", "rejected", "two"),
        ("b", "accepted", "one"),
    ]
    assert store.step_history(RATE) == []


def test_saying_the_same_again_writes_nothing(store):
    assert store.annotate_steps([(TIME, "b"), (RATE, "b")], "accepted") == 2
    packs = store.stats().packs
    assert store.annotate_steps([(TIME, "b"), (RATE, "b")], "accepted") == 0
    assert store.annotate_steps([(TIME, "c")], None) == 0
    assert store.stats().packs == packs


def test_many_are_one_transaction(store):
    packs = store.stats().packs
    many = [(SeriesName("s", f"n{i}", {}, "time"), "abc"[i % 3]) for i in range(300)]
    assert store.annotate_steps(many, "accepted") == 300
    assert store.stats().packs == packs + 1
    assert len(store.step_annotations()) == 300


def test_the_record_says_it_too(store):
    store.annotate_step(TIME, "b", "accepted", message="new allocator")
    (found,) = store.attachments("b", "annotations/")
    assert found.name == f"annotations/steps/{series_key(TIME)}"
    record = decode_manifest(store.parts.index.get(parse_object_id(found.object_id)))
    assert record.type == found.kind == "step"
    assert record.data["series"] == TIME._asdict()
    assert (record.data["state"], record.data["by"]) == ("accepted", "ada")
    assert b"new allocator" in store.read_attachment("b", found.name)


def test_it_goes_with_its_run_and_comes_back_with_it(store):
    store.annotate_step(TIME, "b", "accepted")
    store.delete("b")
    assert said(store) == []
    store.restore("b")
    assert said(store) == [("b", "time", "accepted")]


def test_it_survives_repack_gc_and_reindex(store):
    store.annotate_step(TIME, "b", "accepted")
    store.repack(every=True)
    store.gc()
    store.reindex()
    assert said(store) == [("b", "time", "accepted")]
    assert store.fsck("full", strict=True).ok


def test_the_latest_word_wins_in_copies(store, tmp_path):
    from graven.sync.bundle import create_bundle

    store.annotate_step(TIME, "b", "accepted", message="yes")
    create_bundle(store, tmp_path / "copy.zip")
    with_it = Store(f"zip://{tmp_path}/copy.zip", create=False, readonly=True)
    assert [one.message for one in with_it.step_annotations(TIME)] == ["yes"]
    with_it.close()


def test_what_only_has_the_name_of_one_is_passed_over(store):
    store.attach("b", "annotations/steps/0123456789abcdef", b"{}")
    store.attach("b", "annotations/steps/xyz", b"", metadata={"step": 1})
    assert said(store) == []


@pytest.mark.parametrize("state", ["", "ok", 1])
def test_another_state_is_refused(store, state):
    with pytest.raises(InvalidInput, match="state"):
        store.annotate_step(TIME, "b", state)


def test_a_run_that_is_not_there(store):
    with pytest.raises(NotFound):
        store.annotate_step(TIME, "z", "accepted")
    store.delete("b")
    with pytest.raises(NotFound):
        store.annotate_step(TIME, "b", "accepted")


def test_a_message_without_end_is_refused(store):
    with pytest.raises(InvalidInput, match="4,096"):
        store.annotate_step(TIME, "b", "accepted", message="x" * 5000)
