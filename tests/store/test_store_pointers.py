"""Baselines and tags: compare-and-swap, history, damage."""

import json
from functools import partial

import pytest

from graven import Store
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable, Conflict, Corrupt, InvalidInput, NotFound
from graven.testing.faulty import FaultyBackend
from graven.testing.invariants import check_store
from graven.testing.racing import race
from graven.testing.runs import sample_run


@pytest.fixture
def full(store):
    for name in ("a", "b", "c"):
        store.save(sample_run(name))
    return store


def test_a_baseline_moves_and_remembers(full):
    for name in ("a", "b", "c"):
        full.baselines.set("main", name, message=f"now {name}")
    values = full.baselines.history("main")
    assert [(v.run, v.seq, v.message) for v in values] == [
        ("c", 3, "now c"),
        ("b", 2, "now b"),
        ("a", 1, "now a"),
    ]
    assert full.get_baseline() == sample_run("c")
    assert dict(full.baselines) == {"main": sample_run("c")}
    check_store(full)


def test_setting_what_stands_already_writes_nothing(full):
    full.set_baseline("a")
    before = full.baselines.entry("main")
    full.set_baseline("a")
    assert full.baselines.entry("main") == before


def test_a_deleted_baseline_stays_as_a_file_and_in_history(full):
    full.set_baseline("a")
    full.baselines.delete("main")
    assert full.get_baseline() is None
    assert list(full.baselines) == []
    assert json.loads((full.path / "refs/baselines/main.json").read_text())["run"] is None
    full.set_baseline("b")
    assert [v.run for v in full.baselines.history("main")] == ["b", None, "a"]
    with pytest.raises(NotFound):
        full.baselines.delete("other")
    check_store(full)


def test_a_tag_stays_where_it_is(full):
    full.tags.set("v1", "a")
    with pytest.raises(Conflict) as caught:
        full.tags.set("v1", "b")
    assert caught.value.fields["actual"] == "a"
    full.tags.set("v1", "a")
    full.tags.set("v1", "b", force=True)
    full.tags.delete("v1")
    full.tags.set("v1", "c")
    assert full.tags["v1"] == sample_run("c")


def test_what_was_expected_is_compared(full):
    full.set_baseline("a")
    stands = full.baselines.entry("main").object
    with pytest.raises(Conflict):
        full.baselines.set("main", "b", expect="0" * 64)
    full.baselines.set("main", "b", expect=stands)


def test_a_baseline_of_no_run_is_refused_and_keeps_the_old(full):
    full.set_baseline("a")
    with pytest.raises(NotFound, match="nope"):
        full.set_baseline("nope")
    assert full.baselines.entry("main").run == "a"


@pytest.mark.parametrize("name", ["", "..", "a/b", "nul", "x" * 300, "a\0", None, 5])
def test_a_name_that_is_none_is_refused(full, name):
    with pytest.raises(InvalidInput):
        full.set_baseline("a", name)
    assert not list((full.path / "refs").rglob("*.json")) if (full.path / "refs").exists() else True


def test_names_in_two_cases_are_two(full):
    full.set_baseline("a", "Main")
    full.set_baseline("b", "main")
    assert full.get_baseline("Main").id == "a"
    assert full.get_baseline("main").id == "b"
    assert list(full.baselines) == ["Main", "main"]


def test_a_run_saved_by_another_store_object_a_moment_ago_can_be_set(full, open_store):
    other = open_store()
    assert other.count() == 3
    full.save(sample_run("new"))
    other.set_baseline("new")
    assert full.get_baseline().id == "new"


def test_many_writers_make_one_chain(full, open_store):
    stores = [open_store() for _ in range(4)]
    names = ("a", "b", "c")

    def move(store, number):
        for step in range(6):
            store.set_baseline(names[(number + step) % 3])

    race([partial(move, store, number) for number, store in enumerate(stores)])
    seqs = [value.seq for value in full.baselines.history("main")]
    assert seqs == list(range(len(seqs), 0, -1))
    check_store(full)


@pytest.mark.parametrize("method", ["put_if_absent", "put_if_version"])
def test_a_lost_answer_is_no_conflict(full, method):
    if method == "put_if_version":
        full.set_baseline("b")
    faulty = FaultyBackend(LocalBackend(full.path))
    store = Store(full.path, backend=faulty)
    faulty.lose_answer(method=method)
    store.set_baseline("a")
    assert [v.run for v in full.baselines.history("main")].count("a") == 1
    assert full.get_baseline().id == "a"


def test_a_failure_that_cannot_be_settled_is_said(full):
    faulty = FaultyBackend(LocalBackend(full.path))
    store = Store(full.path, backend=faulty)
    faulty.lose_answer(method="put_if_absent")
    faulty.fail(2, method="get_with_version")
    with pytest.raises(BackendUnavailable):
        store.set_baseline("a")
    assert full.baselines.entry("main").run in (None, "a")


DAMAGE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff",
    b'{"run": "a"}',
    b"[" * 100_000,
    b'{"run":"a","object":"zz","seq":1,"previous":null,"write_id":"w","by":"","at":"","message":""}',
]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_baseline_file_stops_nothing_else(full, content):
    full.set_baseline("a")
    full.set_baseline("b", "good")
    (full.path / "refs/baselines/main.json").write_bytes(content)
    assert len(full.list_runs()) == 3
    assert full.latest().id
    assert full.stats().runs == 3
    assert full.baselines.names() == ["good", "main"]
    assert full.get_baseline("good").id == "b"
    assert full.resolve("good").run_id == "b"
    with pytest.raises(Corrupt) as caught:
        full.get_baseline("main")
    assert "refs/baselines/main.json" in caught.value.message
    report = full.fsck()
    assert [d.place for d in report.damage] == ["refs/baselines/main.json"]
    with pytest.raises(Corrupt):
        full.delete("c")  # nobody can tell whether the baseline stands for it
    full.delete("c", force=True)
    assert full.count() == 2


def test_strangers_among_the_refs_are_named_and_left(full):
    full.set_baseline("a")
    folder = full.path / "refs" / "baselines"
    (folder / "README").write_text("x")
    (folder / "BIG.json").write_text("x")
    (folder / "link.json").symlink_to("/etc/passwd")
    assert list(full.baselines) == ["main"]
    report = full.fsck("full")
    assert report.ok
    assert len(report.garbage) == 2
    with pytest.raises(Corrupt, match="symbolic link"):
        full.baselines.entry("link")
    with pytest.raises(Corrupt, match="symbolic link"):
        full.set_baseline("a", "link")
