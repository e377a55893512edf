"""A command driven over real commits until the one that moved a metric is found."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from contextlib import suppress
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


def test_a_search_goes_on_with_what_files_said(
    project: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    command = f"exec(open('program.py').read()); open({str(count)!r}, 'a').write('x')"
    wanted = Wanted(command=(PYTHON, "-c", command), files=("out.json",), metric="time")
    bisect_commits(store, "HEAD~2", "HEAD", wanted, repo=project)
    again = bisect_commits(store, "HEAD~2", "HEAD", wanted, repo=project)
    assert count.stat().st_size == 2  # these files do not say on which machine
    monkeypatch.setattr("graven.porcelain.bisect.capture_environment", lambda: {"cpu": "other"})
    other = bisect_commits(store, "HEAD~2", "HEAD", wanted, repo=project)
    assert count.stat().st_size == 4
    assert other.experiment != again.experiment


def test_another_command_is_measured_anew(project: Path, store: Store) -> None:
    first = bisect_commits(store, "HEAD~4", "HEAD~3", WRITES, repo=project)
    assert first.step == pytest.approx(1.0)
    turned = "s = open('program.py').read().replace('2.0', '0.5'); exec(s)"
    other = Wanted(command=(PYTHON, "-c", turned), files=WRITES.files, metric="time")
    second = bisect_commits(store, "HEAD~4", "HEAD~3", other, repo=project)
    assert second.step == pytest.approx(-0.5)
    assert second.experiment != first.experiment
    timed = Wanted(command=WRITES.command, time=True)
    third = bisect_commits(store, "HEAD~4", "HEAD~3", timed, repo=project, repeat=1)
    assert third.series.scenario == "command"


def test_a_command_whose_run_is_saved_already_is_confirmed(project: Path, store: Store) -> None:
    known = "id=commit, timestamp=AT, environment={'cpu': 'elsewhere'}, commit=commit,"
    known += "experiment=os.environ['GRAVEN_EXPERIMENT'],"
    same = SAVES.replace("commit=commit,", known)
    at = "import datetime; AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)\n"
    wanted = Wanted(command=(PYTHON, "-c", at + same))
    for _ in range(2):
        report = bisect_commits(store, "HEAD~4", "HEAD~3", wanted, repo=project / "inner")
        assert report.confirmed
        assert [each.error for each in report.tried] == [None, None]


def test_a_commit_that_writes_no_result_but_rubbish_is_gone_round(
    project: Path, store: Store
) -> None:
    rubbish = (
        "s = open('program.py').read(); exec(s)\nif '# 7' in s: open('out.json', 'w').write('{')"
    )
    wanted = Wanted(command=(PYTHON, "-c", rubbish), files=("out.json",), metric="time")
    report = bisect_commits(store, "HEAD~6", "HEAD~2", wanted, repo=project)  # 5 .. 9, middle 7
    assert report.bad.commit.subject == "change 8"
    (failed,) = [each for each in report.tried if each.commit.subject == "change 7"]
    assert "is not JSON" in (failed.error or "")


def test_numbers_of_another_unit_are_no_step(project: Path, store: Store) -> None:
    number = "int(open('../program.py').read().split('#')[1])"
    saves = SAVES.replace('float(open("value").read())', f"1000 if {number} == 8 else 1").replace(
        'unit=""', f"unit='ms' if {number} == 8 else 's'"
    )
    wanted = Wanted(command=(PYTHON, "-c", saves))
    with pytest.raises(InvalidInput, match=r"bad commit .* no value of the series in 's'"):
        bisect_commits(store, "HEAD~4", "HEAD~3", wanted, repo=project / "inner")


@pytest.mark.parametrize("pattern", ["", "/tmp/out.json"])
def test_files_outside_of_the_tree_are_refused(project: Path, store: Store, pattern: str) -> None:
    wanted = Wanted(command=WRITES.command, files=(pattern,))
    with pytest.raises(InvalidInput, match="no pattern of files in the tree"):
        bisect_commits(store, "HEAD~4", "HEAD~3", wanted, repo=project)


def test_other_worktrees_are_left_alone(project: Path, store: Store, tmp_path: Path) -> None:
    git(project, "worktree", "add", "-q", "--detach", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")  # as on a disk that is not there now
    try:
        bisect_commits(store, "HEAD~4", "HEAD~3", WRITES, repo=project)
        (tmp_path / "away").rename(tmp_path / "mine")
        assert git(tmp_path / "mine", "rev-parse", "HEAD") == git(project, "rev-parse", "HEAD")
    finally:
        git(project, "worktree", "remove", "--force", str(tmp_path / "mine"))


def test_the_branch_checked_out_may_be_without_a_commit(
    project: Path, store: Store, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", str(project), "copy")
    git(tmp_path / "copy", "checkout", "-q", "--orphan", "new")
    report = bisect_commits(store, "main~4", "main~3", WRITES, repo=tmp_path / "copy")
    assert report.bad.commit.subject == "change 8"


def test_a_repository_that_a_command_makes_does_not_stay(project: Path, store: Store) -> None:
    made = "import os, subprocess; assert not os.path.exists('clone');"
    made += "subprocess.run(['git', 'init', '-q', 'clone'], check=True)"
    wanted = Wanted(command=(PYTHON, "-c", made), time=True)
    bisect_commits(store, "HEAD~4", "HEAD~3", wanted, repo=project, repeat=2, threshold=1000.0)


def test_what_a_command_started_ends_with_it(project: Path, store: Store, tmp_path: Path) -> None:
    held = tmp_path / "held"
    inner = f"import fcntl, time; f = open({str(held)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
    inner += "f.write('x'); f.flush(); time.sleep(60)"
    outer = f"import subprocess; subprocess.run([{PYTHON!r}, '-c', {inner!r}])"
    wanted = Wanted(command=(PYTHON, "-c", outer), time=True)
    with pytest.raises(InvalidInput, match="took over 3 s"):
        bisect_commits(store, "HEAD~1", "HEAD", wanted, repo=project, timeout=3)
    assert held.read_text() == "x"
    with held.open() as file:
        for _ in range(100):  # a signal takes a moment
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)
    pytest.fail("what the command started is still there")


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
