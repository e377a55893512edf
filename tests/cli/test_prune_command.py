"""``graven prune``."""

from __future__ import annotations

import io
import sys

import pytest

from graven.model import Metric, Point
from graven.testing.runs import sample_run


def ids(call):
    return [row[0] for row in call("log").rows()]


def test_without_a_terminal_it_must_be_said_that_nobody_is_asked(call, store):
    answer = call("prune", "--keep-last", "1")
    assert answer.code == 2
    assert answer.rows() == [["remove", "r2"], ["remove", "r1"]]
    assert "nobody is there to be asked" in answer.err
    assert "--yes" in answer.err
    assert ids(call) == ["r3", "r2", "r1"]


def test_yes_removes_and_dry_run_does_not(call, store):
    call("baseline", "set", "r1")
    dry = call("prune", "--keep-last", "1", "--dry-run", "--yes")
    assert dry.code == 0
    assert dry.rows() == [["remove", "r2"], ["spare", "r1", "is baselines/main"]]
    assert dry.err == "nothing was removed\n"
    assert len(ids(call)) == 3
    done = call("prune", "--keep-last", "1", "--yes")
    assert done.code == 0
    assert "removed 1 run; 'graven gc' frees the space" in done.err
    assert ids(call) == ["r3", "r1"]
    assert call("prune", "--keep-last", "1", "--no-keep-baselines", "-y").code == 0
    assert ids(call) == ["r3"]
    assert call("show", "baselines/main").code == 0


def test_an_empty_plan_says_so_and_is_no_failure(call, store):
    answer = call("prune", "--keep-last", "9")
    assert (answer.code, answer.out, answer.err) == (0, "", "nothing was removed\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "nothing says which runs are to go"),
        (["--where", ""], "the query is empty, so every run would fit it"),
        (["--where", " \n", "--keep-last", "1"], "the query is empty"),
        (["--branch", "mian"], "did you mean 'main'?"),
        (["--rank", "tim", "--keep-top", "1"], "did you mean 'time'?"),
        (["--rank", "time"], "'rank' and 'keep_top' go together"),
        (["--keep-last", "0"], "keep-last"),
        (["--older-than", "soon"], "--older-than"),
        (["--tag", "n"], "is not KEY=VALUE"),
        (["--keep-last", "1", "--archive", ""], "is empty"),
    ],
)
def test_bad_input_removes_nothing(call, store, words, text):
    answer = call("prune", "--yes", *words)
    assert answer.code == 2
    assert text in answer.err
    assert len(ids(call)) == 3


def test_the_best_are_kept_as_the_metric_says(call, store):
    head, row = call("rank", "time", "--top", "1").rows()
    best = dict(zip(head, row, strict=True))["run"]
    kept = call("prune", "--rank", "time", "--keep-top", "1", "--dry-run").rows()
    assert {row[1] for row in kept} == {"r1", "r2", "r3"} - {best}
    turned = call("prune", "--rank", "time", "--keep-top", "1", "--desc", "--dry-run").rows()
    assert best in {row[1] for row in turned}


def test_which_way_is_better_is_never_guessed_where_runs_are_deleted(call, store):
    point = Point(name="p", scenario="s", metrics={"odd": Metric(value=1.0)})
    for run_id in ("r1", "r2"):
        store.save(sample_run(run_id, points=(point,), metric_defs={}))
    words = ("prune", "--rank", "odd", "--keep-top", "1", "--yes")
    answer = call(*words)
    assert answer.code == 2
    assert "nobody said which way of 'odd' is better" in answer.err
    assert "--asc" in answer.err
    assert call(*words, "--asc").code == 0


def test_rank_tags_and_age(call, store):
    answer = call("prune", "--rank", "time", "--keep-top", "1", "--asc", "-n", "--tag", "n=10")
    assert answer.rows() == [["remove", "r3"], ["remove", "r2"]]
    assert call("prune", "--older-than", "2026-01-02T13:30:00+00:00", "-n").rows() == [
        ["remove", "r1"]
    ]
    assert len(call("prune", "--older-than", "1h", "-n").rows()) == 3


def test_the_archive_is_made_first(call, store, tmp_path):
    answer = call("prune", "--keep-last", "1", "--archive", "old.zip", "--yes")
    assert answer.code == 0
    assert "old.zip: 2 runs" in answer.err
    assert [row[0] for row in call("-C", "old.zip", "log").rows()] == ["r2", "r1"]
    again = call("prune", "--older-than", "0d", "--archive", "old.zip", "--yes")
    assert again.code == 4
    assert ids(call) == ["r3"]


def test_json_is_one_document(call, store):
    (record,) = call("prune", "--keep-last", "2", "--json", "-n").records()
    assert record["schema"] == "graven.prune/1"
    assert record["dry_run"] is True
    assert record["done"] is None
    assert record["plan"]["runs"] == ["r1"]
    assert record["plan"]["first"] == record["plan"]["last"] == "2026-01-02T13:00:00+00:00"
    assert record["plan"]["garbage_bytes"] > 0
    (record,) = call("prune", "--keep-last", "2", "--json", "--yes").records()
    assert record["done"] == {"removed": ["r1"], "spared": [], "archive": None}
    refused = call("prune", "--keep-last", "1", "--json")
    assert refused.code == 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("typed", "left"), [("y\n", 1), ("n\n", 3), ("", 3)])
def test_on_a_terminal_it_asks(call, store, monkeypatch, typed, left):
    errors = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", errors)
    answer = call("prune", "--keep-last", "1", "--color", "always")
    assert "to be removed" in answer.out
    assert "remove 2 runs? [y/N]" in errors.getvalue()
    assert answer.code == (0 if left == 1 else 2)
    monkeypatch.undo()
    assert store.count() == left
