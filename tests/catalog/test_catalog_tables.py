"""What the catalog knows of tables and of loose objects."""

import pytest

from graven import Store
from graven.catalog.places import locate, locate_many
from graven.catalog.questions import Filter
from graven.catalog.tables import table_names, table_notes, visible_tables
from graven.ids import hash_bytes
from graven.testing.runs import sample_run


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "s", durable=False, views="none")
    for number in range(3):
        store.save(sample_run(f"r{number}", branch=f"b{number}", experiment="e"))
        store.attach(f"r{number}", "tables/t", b"%d" % number)
        store.attach(f"r{number}", "artifacts/tables/t", b"none")
    store.attach("r1", "tables/x", b"1")
    yield store
    store.close()


def ask(store, question, **arguments):
    return store.parts.index.ask(lambda catalog: question(catalog, **arguments))


def test_tables_of_a_name_with_their_runs(store):
    found = ask(store, visible_tables, name="t", wanted=Filter())
    assert [(k.run_id, k.branch, k.experiment) for k in found] == [
        (f"r{n}", f"b{n}", "e") for n in range(3)
    ]
    assert found[1].object_id == hash_bytes(b"1")
    (one,) = ask(store, visible_tables, name="t", wanted=Filter(branch="b2"))
    assert one.run_id == "r2"
    assert ask(store, visible_tables, name="tables/t", wanted=Filter()) == []
    assert ask(store, table_names) == [("t", 3), ("x", 1)]


def test_what_is_deleted_is_not_there(store):
    store.delete("r0")
    store.detach("r1", "tables/t")
    found = ask(store, visible_tables, name="t", wanted=Filter())
    assert [key.run_id for key in found] == ["r2"]
    assert ask(store, table_names) == [("t", 1), ("x", 1)]


def test_the_question_has_an_index(store):
    rows = store.parts.index.ask(
        lambda catalog: catalog.rows(
            "EXPLAIN QUERY PLAN SELECT f.run_id FROM ref f WHERE"
            " substr(f.name, length(f.run_id) + 7, 7) = 'tables/'"
            " AND substr(f.name, length(f.run_id) + 7) = ?",
            ("tables/t",),
        )
    )
    assert any("ref_by_table" in row[-1] for row in rows)


def test_notes(store):
    notes = ask(store, table_notes, name="t", run_ids=["r0", "r2", "nobody"])
    assert {run_id: note["size"] for run_id, note in notes.items()} == {"r0": 1, "r2": 1}


def test_a_loose_object_is_the_last_choice(store):
    data = b"1"
    key = store.parts.session.put_loose(hash_bytes(data), data)
    store.parts.index.refresh_loose()
    places = ask(store, locate, object_id=hash_bytes(data))
    assert [place.loose for place in places] == [False, True]
    assert places[1].key == key
    assert places[0].key == f"packs/{places[0].pack}"
    store.parts.backend.delete(key)
    assert store.parts.index.first_standing(places) == places[0]
    assert store.parts.index.first_standing(places[1:]) is None
    store.parts.index.refresh_loose()
    assert len(ask(store, locate_many, ids=[hash_bytes(data)])[hash_bytes(data)]) == 1
