"""``graven steps`` and ``trend --steps``."""

from __future__ import annotations

import pytest


@pytest.fixture
def stepped(store, a_run):
    with store.batch() as batch:
        for number in range(10, 50):
            wavering = 1 + 0.01 * (number % 3 - 1)
            batch.save(a_run(number, time=(1.0 if number < 30 else 1.5) * wavering))
    return store


def test_steps_are_a_row_each(call, stepped):
    header, row = call("steps").rows()
    assert header[:3] == ["state", "worse", "change"]
    found = dict(zip(header, row, strict=True))
    assert (found["state"], found["worse"], found["change"]) == ("new", "worse", "0.5")
    assert (found["run"], found["last_run"], found["metric"]) == ("r30", "r29", "time")
    assert (found["unit"], found["tags"]) == ("s", "n=10")


def test_steps_as_json(call, stepped):
    (record,) = call("steps", "time", "--json").records()
    assert record["schema"] == "graven.steps/1"
    assert (record["branch"], record["runs"]) == ("main", 43)
    assert record["steps"][0]["run_id"] == "r30"


def test_accept_reject_undo(call, stepped):
    done = call("steps", "--accept", "r30", "-m", "new\tallocator")
    assert (done.code, done.err) == (0, "1 step accepted\n")
    row = call("steps").rows()[1]
    assert (row[0], row[-1]) == ("accepted", "new\\x09allocator")
    assert call("steps", "--reject", "r30").err == "1 step rejected\n"
    assert call("steps").rows() == []
    assert call("steps", "--all").rows()[1][0] == "rejected"
    assert call("steps", "--undo", "r30", "--json").records()[0]["state"] is None
    assert call("steps").rows()[1][0] == "new"


def test_a_run_without_a_step(call, stepped):
    answer = call("steps", "--accept", "r12")
    assert answer.code == 3
    assert "no step begins at run r12" in answer.err
    assert "r30" in answer.err


def test_bad_usage(call, stepped):
    assert call("steps", "--accept", "r30", "--reject", "r30").code == 2
    assert call("steps", "-m", "why").code == 2
    assert call("steps", "--since", "when").code == 2
    assert call("steps", "timme").code == 3


def test_a_store_without_runs(call, tmp_path):
    call("init")
    answer = call("steps")
    assert answer.code == 3
    assert "holds no metric" in answer.err


def test_a_trend_tells_its_steps(call, stepped):
    rows = call("trend", "time", "--steps").rows()
    assert [row[3] for row in rows if row[-1] == "new"] == ["r30"]
    call("steps", "--accept", "r30")
    (record,) = call("trend", "time", "--steps", "--json").records()
    assert [step["state"] for step in record["steps"]] == ["accepted"]
    assert "steps" not in call("trend", "time", "--json").records()[0]


def test_people_see_marks(call, stepped, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    shown = call("trend", "time", "--steps", "--color", "always").out
    assert "^" in shown
    call("steps", "--reject", "r30", "-m", "noise")
    assert "x" in call("trend", "time", "--steps", "--color", "always").out
    assert "+50.0%" in call("steps", "--all", "--color", "always").out


def test_what_was_said_is_pushed_and_pulled_and_the_later_word_wins(call, stepped, team):
    call("steps", "--accept", "r30", "-m", "here")
    call("push")
    (there,) = team.step_annotations()
    assert (there.run_id, there.state, there.message) == ("r30", "accepted", "here")
    team.annotate_step(there.series, "r30", "rejected", message="there")
    call("pull")
    assert [(one.state, one.message) for one in stepped.step_annotations()] == [
        ("rejected", "there")
    ]
    assert [one.message for one in stepped.step_history(there.series)] == ["there", "here"]
    call("clone", team.url, "copy")
    assert call("-C", "copy", "steps", "--all").rows()[1][0] == "rejected"
    call("pull", "--no-artifacts")
    call("clone", team.url, "part", "--no-artifacts")
    assert call("-C", "part", "steps", "--all").rows()[1][0] == "rejected"
