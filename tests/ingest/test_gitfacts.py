from __future__ import annotations

import shutil
import subprocess

import pytest

from graven.ingest import git_facts

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
WHEN = "2026-11-01T10:00:00+01:00"


@pytest.fixture
def git(tmp_path, monkeypatch):
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, WHEN)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "T")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "t@example.invalid")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def run(*words):
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


def test_a_checkout_tells_commit_branch_time_and_changes(git, tmp_path):
    git("init", "-q", "-b", "topic")
    assert git_facts(tmp_path) is None  # no commit yet
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-q", "-m", "one")
    facts = git_facts(tmp_path)
    assert facts.commit == git("rev-parse", "HEAD")
    assert (facts.branch, facts.dirty) == ("topic", False)
    assert facts.commit_time.isoformat() == WHEN
    (tmp_path / "untracked").touch()
    assert git_facts(tmp_path).dirty is False
    (tmp_path / "a").write_text("2")
    assert git_facts(tmp_path).dirty is True
    git("checkout", "-q", "--detach")
    assert git_facts(tmp_path).branch is None
    (tmp_path / "sub").mkdir()
    assert git_facts(tmp_path / "sub").commit == facts.commit


def test_the_folder_counts_and_not_the_hook_we_run_in(git, tmp_path, monkeypatch):
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "one")
    head = git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git_facts(tmp_path).commit == head


def test_outside_of_a_checkout_there_is_none(git, tmp_path):
    assert git_facts(tmp_path) is None
    assert git_facts(tmp_path / "missing") is None


def test_without_git_there_is_none(git, tmp_path, monkeypatch):
    git("init", "-q")
    monkeypatch.setenv("PATH", "")
    assert git_facts(tmp_path) is None


def test_a_git_that_hangs_is_left_alone(git, tmp_path, monkeypatch):
    def hang(*words, **more):
        raise subprocess.TimeoutExpired("git", more["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert git_facts(tmp_path) is None


def test_asking_takes_no_locks_and_asks_nobody(git, tmp_path, monkeypatch):
    seen = []

    def record(words, **more):
        seen.append((words, more))
        return subprocess.CompletedProcess(words, 1, "", "")

    monkeypatch.setattr(subprocess, "run", record)
    git_facts(tmp_path)
    (words, more), *_ = seen
    assert more["env"]["GIT_OPTIONAL_LOCKS"] == "0"
    assert more["env"]["GIT_TERMINAL_PROMPT"] == "0"
    assert more["env"]["LC_ALL"] == "C"
    assert more["stdin"] == subprocess.DEVNULL
    assert "core.fsmonitor=false" in words
