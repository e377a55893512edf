"""What killed makers of archives leave beside them, and what archives are a part of."""

import os
import signal
import subprocess
import sys
import time

import pytest

import graven
from graven.errors import Corrupt
from graven.porcelain.clone import clone
from graven.store import Store
from graven.sync.bundle import create_bundle, list_bundle
from graven.sync.difference import ExactRuns, Selection
from graven.sync.leftovers import remove_leftovers, work_folder
from graven.testing.runs import sample_run

PREFIX = ".tmp-bundle-"
AN_HOUR_AGO = (time.time() - 3600,) * 2

HOLDER = """
import sys, time
from graven.sync.leftovers import work_folder
with work_folder(sys.argv[1], ".tmp-bundle-") as folder:
    open(folder + "/part", "w").write("x")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store", durable=False)
    for n in range(3):
        store.save(sample_run(f"r{n}", minute=n, branch="main" if n else "dev"))
    return store


def test_the_folder_of_a_living_process_stays_and_that_of_a_killed_one_goes(store, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    folder = process.stdout.readline().strip()
    os.utime(folder, AN_HOUR_AGO)
    try:
        assert remove_leftovers(str(tmp_path), PREFIX) == []
        create_bundle(store, tmp_path / "a.zip")
        assert os.path.exists(folder)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    create_bundle(store, tmp_path / "b.zip")
    assert not os.path.exists(folder)


def test_a_folder_that_was_made_just_now_and_other_things_stay(tmp_path):
    young, old = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    stranger, file = tmp_path / "bundle-x", tmp_path / f"{PREFIX}file"
    for folder in (young, old, stranger):
        folder.mkdir()
    file.write_text("x")
    for path in (old, stranger, file):
        os.utime(path, AN_HOUR_AGO)
    (tmp_path / f"{PREFIX}link").symlink_to(stranger)
    assert remove_leftovers(str(tmp_path), PREFIX) == [str(old)]
    assert young.exists()
    assert stranger.exists()
    assert file.exists()
    assert remove_leftovers(str(tmp_path / "nowhere"), PREFIX) == []


def test_the_work_folder_goes_with_an_error_too(tmp_path):
    with pytest.raises(KeyError), work_folder(str(tmp_path), PREFIX) as folder:
        assert os.path.isdir(folder)
        raise KeyError
    assert os.listdir(tmp_path) == []


def test_a_check_that_fails_leaves_what_was_there(store, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"old")

    def refuse(made):
        assert graven.open(f"zip://{made}").count() == 3
        raise Corrupt("no")

    with pytest.raises(Corrupt, match="no"):
        create_bundle(store, tmp_path / "x.zip", force=True, check=refuse)
    assert (tmp_path / "x.zip").read_bytes() == b"old"
    assert [name for name in os.listdir(tmp_path) if name.startswith(".tmp")] == []


def test_exactly_these_runs_without_deletions_and_pointers(store, tmp_path):
    store.set_baseline("r1")
    store.attach("r1", "artifacts/x", b"x")
    store.attach("r2", "artifacts/x", b"y")
    store.delete("r0")
    create_bundle(store, tmp_path / "x.zip", selection=ExactRuns(frozenset(["r1"])))
    inside = graven.open(tmp_path / "x.zip")
    assert [h.run_id for h in inside.headers(include_deleted=True)] == ["r1"]
    assert [ref.name for ref in inside.iter_refs()] == ["runs/r1", "runs/r1/artifacts/x"]
    assert list(inside.baselines) == []


def test_an_archive_says_what_it_is_a_part_of(store, tmp_path):
    create_bundle(store, tmp_path / "whole.zip")
    assert list_bundle(tmp_path / "whole.zip").partial == ()
    create_bundle(store, tmp_path / "dev.zip", selection=Selection(branch="dev"))
    assert list_bundle(tmp_path / "dev.zip").partial == (Selection(branch="dev"),)
    part = Selection(branch="main", attachments=False)
    clone(str(store.path), str(tmp_path / "part"), selection=part)
    create_bundle(graven.open(tmp_path / "part"), tmp_path / "of-part.zip")
    found = list_bundle(tmp_path / "of-part.zip")
    assert found.partial == (part,)
    assert found.to_dict()["partial"] == [part._asdict()]
    assert (found.runs, found.deleted) == (2, 0)
