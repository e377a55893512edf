"""A command driven over real commits until the one that moved a metric is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import graven
from graven import Store
from graven.errors import InvalidInput, NotFound
from graven.porcelain.bisect import BisectReport, Wanted, bisect_commits

FAILS = {6}
STEP = 8  # the first commit with the new value
COUNT = 12

# What a commit's own program does: it writes a file in hyperfine's form.
PROGRAM = """
import json, sys
value = {value}
if value is None:
    sys.exit("does not build")
json.dump({{"results": [{{"command": "work", "times": [value, value * 1.01, value * 0.99],
    "mean": value, "stddev": 0.01, "median": value, "user": 0.1, "system": 0.1,
    "min": value * 0.99, "max": value * 1.01}}]}}, open("out.json", "w"))
"""
SAVES = """
import os, graven
from graven.model import *
commit = os.environ["GRAVEN_COMMIT"]
point = Point(name="p", scenario="s", metrics={"score": Metric(value=float(open("value").read()))})
run = Run(points=(point,), commit=commit, metric_defs={
    "score": MetricDef(name="score", unit="", direction=MetricDirection.HIGHER)})
graven.Store(os.environ["GRAVEN_STORE"]).save(run)
"""


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.invalid", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "-b", "main")
    (folder / "inner").mkdir()
    for number in range(COUNT):
        value = None if number in FAILS else 2.0 if number >= STEP else 1.0
        (folder / "program.py").write_text(f"{PROGRAM.format(value=value)}# {number}\n")
        (folder / "inner/value").write_text("5" if number >= STEP else "9")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"change {number}")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


PYTHON = sys.executable
WRITES = Wanted(command=(PYTHON, "program.py"), files=("out.json",), metric="time")


def subjects(report: BisectReport) -> tuple[str, str]:
    return report.good.commit.subject, report.bad.commit.subject


def test_the_commit_is_found_and_every_run_kept(project: Path, store: Store) -> None:
    before = git(project, "status", "--porcelain=v2", "--branch")
    told: list[tuple[str, float | None]] = []
    report = bisect_commits(
        store, f"HEAD~{COUNT - 1}", "HEAD", WRITES, repo=project,
        on_tried=lambda commit, value, unit: told.append((commit.subject, value)),
    )  # fmt: skip
    assert subjects(report) == (f"change {STEP - 1}", f"change {STEP}")
    assert (report.moved, report.worse, report.confirmed) == (True, True, True)
    assert report.step == pytest.approx(1.0)
    assert told[:2] == [("change 0", 1.0), (f"change {COUNT - 1}", 2.0)]
    kept = store.headers(experiment=report.experiment)
    assert {run for each in report.tried for run in each.runs} == {run.run_id for run in kept}
    assert {run.branch for run in kept} == {None}
    assert git(project, "status", "--porcelain=v2", "--branch") == before
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_a_commit_that_fails_is_gone_round_and_kept_as_failed(project: Path, store: Store) -> None:
    report = bisect_commits(store, "HEAD~6", "HEAD~2", WRITES, repo=project)  # 5 .. 9, middle 7
    assert subjects(report) == ("change 7", "change 8")
    wide = bisect_commits(store, "HEAD~7", "HEAD~3", WRITES, repo=project)  # 4 .. 8, middle 6
    assert subjects(wide) == ("change 7", "change 8")
    (failed,) = [each for each in wide.tried if each.error]
    assert failed.commit.subject == "change 6"
    assert failed.error is not None
    assert "does not build" in failed.error
    assert store.load(failed.runs[0]).status == "failed"


def test_what_lies_between_failures_is_one_of_several(project: Path, store: Store) -> None:
    # Only 6, which fails, lies between 5 and 7; by this command the metric moves there.
    command = (
        "import re; text = open('program.py').read(); number = int(text.split('#')[1]);"
        "exec(re.sub('value = 1.0', f'value = {1.0 + number}', text))"
    )
    wanted = Wanted(command=(PYTHON, "-c", command), files=("out.json",), metric="time")
    report = bisect_commits(store, "HEAD~6", "HEAD~4", wanted, repo=project)
    assert subjects(report) == ("change 5", "change 7")
    assert [each.commit.subject for each in report.skipped] == ["change 6"]


def test_a_search_goes_on_where_it_was_broken_off(
    project: Path, store: Store, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = f"exec(open('program.py').read()); open({str(count)!r}, 'a').write('x')"
    wanted = Wanted(command=(PYTHON, "-c", command), time=True, metric="time")

    def stop(commit: object, value: float | None, unit: str) -> None:
        if count.stat().st_size == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bisect_commits(store, "HEAD~2", "HEAD", wanted, repo=project, repeat=1, on_tried=stop,
                       threshold=0)  # fmt: skip
    assert len(git(project, "worktree", "list").splitlines()) == 1
    bisect_commits(store, "HEAD~2", "HEAD", wanted, repo=project, repeat=1, threshold=1000.0)
    assert count.stat().st_size == 2  # both ends were there


def test_a_command_may_save_runs_itself_and_runs_where_the_person_stands(
    project: Path, store: Store
) -> None:
    wanted = Wanted(command=(PYTHON, "-c", SAVES))
    report = bisect_commits(store, "HEAD~9", "HEAD", wanted, repo=project / "inner")
    assert subjects(report) == ("change 7", "change 8")
    assert report.series.metric == "score"
    assert report.worse is True


def test_ends_that_do_not_differ_are_an_answer(project: Path, store: Store) -> None:
    report = bisect_commits(store, "HEAD~2", "HEAD", WRITES, repo=project)
    assert not report.moved
    assert report.change == 0.0
    assert len(report.tried) == 2


@pytest.mark.parametrize(
    ("good", "bad", "wanted", "message"),
    [
        ("HEAD", "HEAD~1", WRITES, "no ancestor"),
        ("HEAD", "HEAD", WRITES, "the same commit"),
        ("HEAD~1", "HEAD", Wanted(command=("no-such-program",), time=True), "no such command"),
        ("HEAD~1", "HEAD", Wanted(command=("./nothing",), time=True), "good commit .* no such"),
        ("HEAD~1", "HEAD", Wanted(command=(PYTHON, "-c", "")), "saved no run"),
        ("HEAD~1", "HEAD", Wanted(command=(PYTHON, "-c", ""), files=("*.json",)), "wrote no file"),
        ("HEAD~1", "HEAD", Wanted(command=(PYTHON, "-c", "exit(3)"), time=True), "exit code 3"),
        ("HEAD~1", "HEAD", Wanted(command=()), "no command"),
        (
            "HEAD~1",
            "HEAD",
            Wanted(command=WRITES.command, files=WRITES.files, metric="nothing"),
            "no value of the series",
        ),
        ("HEAD~6", "HEAD", WRITES, None),
    ],
)
def test_mistakes_are_named(
    project: Path, store: Store, good: str, bad: str, wanted: Wanted, message: str | None
) -> None:
    if message is None:  # the only one of these that is none
        assert bisect_commits(store, good, bad, wanted, repo=project).moved
        return
    with pytest.raises(InvalidInput, match=message):
        bisect_commits(store, good, bad, wanted, repo=project)
    assert len(git(project, "worktree", "list").splitlines()) == 1


def test_unknown_commits_and_folders_are_named(project: Path, store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no commit 'nope'"):
        bisect_commits(store, "nope", "HEAD", WRITES, repo=project)
    with pytest.raises(NotFound, match="no commit '--all'"):
        bisect_commits(store, "--all", "HEAD", WRITES, repo=project)
    with pytest.raises(InvalidInput, match="no git checkout"):
        bisect_commits(store, "a", "b", WRITES, repo=tmp_path / "none")


def test_several_series_must_be_told_apart(project: Path, store: Store) -> None:
    wanted = Wanted(command=WRITES.command, files=WRITES.files)
    with pytest.raises(InvalidInput, match="series fit"):
        bisect_commits(store, "HEAD~3", "HEAD", wanted, repo=project)


def test_a_command_that_takes_too_long_has_failed(project: Path, store: Store) -> None:
    wanted = Wanted(command=(PYTHON, "-c", "import time; time.sleep(60)"), time=True)
    with pytest.raises(InvalidInput, match=r"took over 0\.2 s"):
        bisect_commits(store, "HEAD~1", "HEAD", wanted, repo=project, timeout=0.2)


def test_variables_of_git_lead_nowhere_else(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    report = bisect_commits(store, "HEAD~4", "HEAD~3", WRITES, repo=project)
    assert report.bad.commit.subject == "change 8"


def test_the_module_is_not_part_of_the_public_face() -> None:
    assert "bisect" not in graven.__all__
