"""A full disk and a folder that nobody may write to, as the system itself reports them."""

import errno
import os
import sqlite3

import pytest
from scenes import CHANGES, OLD, State

from graven import Store
from graven.errors import BackendUnavailable
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run


@pytest.fixture
def folder(template, tmp_path):
    import shutil

    shutil.copytree(template, tmp_path / "s")
    shutil.rmtree(tmp_path / "s" / "cache", ignore_errors=True)
    return tmp_path / "s"


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_and_loses_nothing(folder, monkeypatch, change):
    store = Store(folder)
    before = State.of(store)
    packs = sorted((folder / "packs").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", no_space)
        with pytest.raises(BackendUnavailable) as caught:
            CHANGES[change](store, folder)
        assert caught.value.kind == "disk-full"
        assert caught.value.exit_code == 6
        assert "no space left" in caught.value.message
        assert caught.value.hint
    assert sorted((folder / "packs").iterdir()) == packs
    assert State.of(store) == State.of(Store(folder)) == before
    check_store(store)
    CHANGES[change](store, folder)
    check_store(store)


def test_a_disk_that_fills_up_while_syncing_is_said(folder, monkeypatch):
    store = Store(folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(BackendUnavailable) as caught:
            store.save(sample_run("new"))
        assert caught.value.kind == "disk-full"
    check_store(store)


def read_only_system(monkeypatch):
    """As root every folder is writable, so the system's answers are given here."""
    real_open, real_connect = os.open, sqlite3.connect

    def open_(path, flags, *args, **more):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return real_open(path, flags, *args, **more)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def connect(path, *args, **more):
        if path not in (":memory:", ""):  # what has no name needs no place
            raise sqlite3.OperationalError("unable to open database file")
        return real_connect(path, *args, **more)

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(sqlite3, "connect", connect)
    for name in ("mkdir", "makedirs", "unlink", "replace", "rename", "link"):
        monkeypatch.setattr(os, name, refuse)


@pytest.mark.parametrize("readonly", [True, False])
def test_a_read_only_folder_is_read_with_its_catalog_in_memory(folder, monkeypatch, readonly):
    before = State.of(Store(folder, readonly=True))
    read_only_system(monkeypatch)
    store = Store(folder, readonly=readonly)
    assert State.of(store) == before
    assert {run.id for run in store.query(size="10")} == {"a", "b"}
    assert store.fsck("full").ok
    assert store.stats().runs == 2
    assert store.load("a") == OLD["a"]


def test_writing_to_a_read_only_folder_is_refused_clearly(folder, monkeypatch, change):
    read_only_system(monkeypatch)
    store = Store(folder)
    before = State.of(store)
    with pytest.raises(BackendUnavailable) as caught:
        CHANGES[change](store, folder)
    assert caught.value.kind == "denied"
    assert "read-only" in caught.value.message
    assert caught.value.exit_code == 6
    assert State.of(store) == before


def test_no_store_is_made_in_a_read_only_folder(tmp_path, monkeypatch):
    read_only_system(monkeypatch)
    with pytest.raises(BackendUnavailable):
        Store(tmp_path / "s")


def test_without_room_for_the_catalog_questions_are_answered_from_memory(folder, monkeypatch):
    store = Store(folder)
    catalog = store._index.catalog
    real = catalog._make_ours

    def make_ours(connection):
        real(connection)
        if catalog.path is not None:
            connection.execute("PRAGMA max_page_count = 30")

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "_make_ours", make_ours)
        with store.batch() as batch:
            for number in range(2000):
                batch.save(sample_run(f"r{number}"))
        assert store.count() == 2002
        assert len(store.headers()) == 2002
        assert catalog.path is None
        assert store.fsck().ok
    store.close()
    assert Store(folder).count() == 2002
