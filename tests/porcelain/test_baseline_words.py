"""Baselines that are found: the latest of a branch, the merge base, a revision."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven.errors import InvalidInput, NotFound
from graven.ingest import ancestors, merge_base
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.baseline_words import find_baseline
from graven.porcelain.check import check
from graven.porcelain.compare import compare

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFS = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)}


def make_run(number, value=1.0, **fields):
    point = Point(name="p", scenario="s", metrics={"time": Metric(value=value)})
    given = {
        "id": f"r{number}", "timestamp": START + timedelta(hours=number), "branch": "main",
        "environment": {"cpu": "Box", "cores": 4}, "metric_defs": DEFS, "points": (point,),
    }  # fmt: skip
    return Run(**{**given, **fields})


@pytest.fixture
def store(tmp_path):
    return graven.init(tmp_path / "store", durable=False)


@pytest.fixture
def repo(tmp_path):
    """main: a - b - c; feature: b - d - e, checked out. Returns the folder and the hashes."""
    folder = tmp_path / "repo"
    folder.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }  # fmt: skip

    def git(*words):
        done = subprocess.run(
            ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    hashes = {}

    def commit(name):
        git("commit", "-q", "--allow-empty", "-m", name)
        hashes[name] = git("rev-parse", "HEAD")

    commit("a")
    commit("b")
    git("checkout", "-q", "-b", "feature")
    commit("d")
    commit("e")
    git("checkout", "-q", "main")
    commit("c")
    git("checkout", "-q", "feature")
    return folder, hashes


def test_a_name_that_was_set_comes_first(store):
    store.save(make_run(1))
    store.save(make_run(2))
    store.baselines.set("latest", "r1")
    found = find_baseline(store, "latest", store.load("r2"))
    assert (found.run.id, found.name, found.moving) == ("r1", "latest", False)


def test_the_latest_of_a_branch_is_before_the_run_and_of_its_machine(store):
    store.save(make_run(1))
    store.save(make_run(2, environment={"cpu": "Other", "cores": 4}))
    store.save(make_run(3, branch="dev"))
    store.save(make_run(4))
    current = store.load("r3")
    found = find_baseline(store, "latest@main", current)
    assert (found.run.id, found.name, found.moving) == ("r1", "latest@main", True)
    assert find_baseline(store, "latest@main", store.load("r4")).run.id == "r1"
    assert find_baseline(store, "latest", store.load("r4")).run.id == "r1"
    with pytest.raises(NotFound) as caught:
        find_baseline(store, "latest", current)
    assert caught.value.kind == "baseline-missing"


def test_a_revision_is_a_baseline_too(store):
    store.save(make_run(1))
    store.save(make_run(2))
    assert find_baseline(store, "r1", store.load("r2")).run.id == "r1"
    for word in ("nope", "a:b", "x/y"):
        with pytest.raises(NotFound) as caught:
            find_baseline(store, word, store.load("r2"))
        assert caught.value.kind == "baseline-missing"


def test_the_merge_base_is_the_nearest_measured_commit(store, repo, monkeypatch):
    folder, hashes = repo
    monkeypatch.chdir(folder)
    store.save(make_run(1, commit=hashes["a"]))
    store.save(make_run(3, commit=hashes["c"]))
    store.save(make_run(5, commit=hashes["e"], branch="feature"))
    current = store.load("r5")
    assert find_baseline(store, "merge-base", current).run.id == "r1"
    store.save(make_run(2, commit=hashes["b"]))
    found = find_baseline(store, "merge-base:main", current)
    assert (found.run.id, found.moving) == ("r2", True)
    assert found.name == f"merge-base:main ({hashes['b'][:12]})"
    assert check(store, baseline="merge-base:main", run="r5").passed
    assert compare(store, "merge-base", "r5").baseline.id == "r2"


def test_a_commit_is_not_its_own_baseline(store, repo, monkeypatch):
    folder, hashes = repo
    monkeypatch.chdir(folder)
    store.save(make_run(1, commit=hashes["a"]))
    store.save(make_run(2, commit=hashes["b"]))
    assert find_baseline(store, "merge-base:main", store.load("r2")).run.id == "r1"


def test_without_a_merge_base_it_says_so(store, repo, tmp_path, monkeypatch):
    folder, hashes = repo
    store.save(make_run(5, commit=hashes["e"], branch="feature"))
    current = store.load("r5")
    for word in ("merge-base:nope", "merge-base:--all", "merge-base:-q"):
        with pytest.raises(InvalidInput) as caught:
            find_baseline(store, word, current, folder)
        assert caught.value.kind == "no-merge-base"
    with pytest.raises(InvalidInput):
        find_baseline(store, "merge-base", current, tmp_path)
    with pytest.raises(NotFound) as missing:  # there is one, nobody measured it
        find_baseline(store, "merge-base", current, folder)
    assert missing.value.kind == "baseline-missing"
    monkeypatch.chdir(folder)
    assert check(store, baseline="merge-base", allow_missing=True).passed


def test_git_is_asked_for_bases_and_ancestors(repo):
    folder, hashes = repo
    assert merge_base(folder) == hashes["b"]
    assert merge_base(folder, "main", hashes["c"]) == hashes["c"]
    assert merge_base(folder, "main", "ff" * 20) == hashes["b"]  # unknown here: HEAD
    assert ancestors(folder, hashes["c"], 9) == [hashes[n] for n in "cba"]
    assert ancestors(folder, hashes["c"], 1) == [hashes["c"]]
    assert ancestors(folder, "nope", 9) == []
