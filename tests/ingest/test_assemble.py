from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from graven.errors import InvalidInput
from graven.ingest import GitFacts, Overrides, read_path
from graven.model import MetricDirection

COMMIT = "c" * 40
GIT = GitFacts(
    commit=COMMIT, branch="main", commit_time=datetime(2026, 11, 1, tzinfo=UTC), dirty=True
)


def test_the_users_words_win(read, document):
    when = datetime(2026, 1, 2, tzinfo=UTC)
    run = read(
        document("pytest-benchmark.json"),
        overrides=Overrides(
            branch="b",
            commit="abc",
            time=when,
            tags={"size": "mine", "ci": "yes"},
            machine="m",
            experiment="e",
            group="g",
            direction={"time": "higher"},
            run_id="my-run",
        ),
    ).run
    assert (run.id, run.branch, run.commit, run.timestamp) == ("my-run", "b", "abc", when)
    assert (run.experiment, run.group, run.environment["machine"]) == ("e", "g", "m")
    assert run.points[0].tags == {"kind": "a[b]", "size": "mine", "ci": "yes"}
    assert run.metric_defs["time"].direction is MetricDirection.HIGHER
    assert run.metric_defs["time"].direction_source == "declared"
    # The file's commit time and dirty flag are another commit's.
    assert (run.commit_time, run.dirty, run.guessed) == (None, None, ())


def test_a_time_that_is_given_is_not_guessed(read, document):
    when = datetime(2026, 1, 2, tzinfo=UTC)
    run = read(document("hyperfine.json"), overrides=Overrides(time=when)).run
    assert (run.timestamp, run.guessed) == (when, ())


def test_a_direction_of_no_metric_is_said(read, document):
    item = read(document("hyperfine.json"), overrides=Overrides(direction={"speed": "higher"}))
    assert any("'speed'" in note for note in item.notes)


@pytest.mark.parametrize(
    "wrong",
    [
        Overrides(run_id="../x"),
        Overrides(time=datetime(2026, 1, 1)),
        Overrides(branch=""),
        Overrides(direction={"time": "up"}),
        Overrides(tags={"a": 1}),
    ],
)
def test_words_no_run_can_carry_are_refused(data, wrong):
    with pytest.raises(InvalidInput):
        read_path(data / "hyperfine.json", overrides=wrong)


def test_the_same_file_is_the_same_run_wherever_it_lies(data, tmp_path):
    path = tmp_path / "copy.json"
    path.write_bytes((data / "pytest-benchmark.json").read_bytes())
    (one,), (other,) = read_path(data / "pytest-benchmark.json"), read_path(path, git=GIT)
    assert one.run.id == other.run.id
    assert len(one.run.id) == 20
    assert one.run == other.run


def test_other_words_make_another_run(data):
    path = data / "hyperfine.json"
    said = [
        Overrides(),
        Overrides(branch="a"),
        Overrides(tags={"branch": "a"}),
        Overrides(time=datetime(2026, 1, 1, tzinfo=UTC)),
    ]
    assert len({read_path(path, overrides=words)[0].run.id for words in said}) == len(said)


def test_git_fills_what_is_open_and_says_so(read, document):
    run = read(document("hyperfine.json"), git=GIT).run
    assert (run.commit, run.branch, run.dirty) == (COMMIT, "main", True)
    assert run.commit_time == GIT.commit_time
    assert run.guessed == ("timestamp", "commit", "branch", "commit_time", "dirty")


def test_git_on_a_detached_head_gives_no_branch(read, document):
    run = read(document("hyperfine.json"), git=replace(GIT, branch=None)).run
    assert run.branch is None
    assert "branch" not in run.guessed


def test_git_says_nothing_of_another_commit(read, document):
    given = document("pytest-benchmark.json")
    given["commit_info"]["branch"] = None
    run = read(given, git=GIT).run
    assert (run.branch, run.guessed) == (None, ())
    run = read(document("hyperfine.json"), git=GIT, overrides=Overrides(commit="d" * 40)).run
    assert (run.branch, run.commit_time, run.dirty) == (None, None, None)


def test_git_completes_the_commit_that_file_and_work_tree_share(read, document):
    given = document("pytest-benchmark.json")
    given["commit_info"] = {"id": COMMIT}
    run = read(given, git=GIT).run
    assert (run.branch, run.commit_time) == ("main", GIT.commit_time)
    assert run.dirty is None  # the tree as it is now is not the tree that was measured
    assert run.guessed == ("branch", "commit_time")


def test_a_run_older_than_the_commit_is_not_of_it(read, document):
    later = replace(GIT, commit_time=datetime(2026, 12, 1, tzinfo=UTC))
    item = read(document("hyperfine.json"), git=later)
    assert item.run.commit is None
    assert any("older" in note for note in item.notes)


def test_secrets_leave_the_run_and_the_kept_file(read, document):
    given = document("google-benchmark.json")
    given["context"]["api_token"] = "abc"
    item = read(given)
    assert item.run.environment["google-benchmark"]["api_token"] == "[removed by graven]"
    assert item.raw is None
    assert "environment.google-benchmark.api_token" in item.notes[0]


def test_a_lossless_record_is_cleaned_too(read, document):
    given = document("calibrax.json")
    given["environment"]["GITHUB_TOKEN"] = "abc"
    assert read(given).run.environment["GITHUB_TOKEN"] == "[removed by graven]"


def test_the_format_and_what_was_noted_stay_with_the_run(read, document):
    given = document("hyperfine-one.json")
    assert read(given).run.metadata["ingest"] == {"format": "hyperfine"}
    given["results"] *= 2
    item = read(given)
    assert item.run.metadata["ingest"]["notes"] == list(item.notes)
