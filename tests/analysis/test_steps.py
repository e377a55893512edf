"""Steps of one series: change points with runs, directions and what people said."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from graven.analysis.steps import SeriesValues, Settings, find_steps
from graven.model import MetricDef, MetricDirection

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class OneRun:
    run_id: str
    timestamp: datetime
    commit: str | None


@dataclass
class Said:
    run_id: str
    state: str
    by: str = "ada"
    at: str = "2026"
    message: str = "why"


def series(values, direction=MetricDirection.LOWER, source="declared"):
    known = MetricDef(name="time", unit="s", direction=direction, direction_source=source)
    runs = [OneRun(f"r{at}", START + timedelta(days=at), f"c{at}") for at in range(len(values))]
    return SeriesValues(
        scenario="s", name="p", tags={"n": "1"}, metric="time", definition=known,
        runs=runs, values=values,
    )  # fmt: skip


def wavering(level, count):
    return [level * (1 + 0.01 * (at % 3 - 1)) for at in range(count)]


STEPPED = [*wavering(1.0, 20), *wavering(1.5, 20)]


def test_a_step_lies_after_the_last_run_with_a_number():
    values = [*STEPPED[:18], float("nan"), float("inf"), *STEPPED[20:]]
    (step,) = find_steps(series(values))
    assert (step.last_run_id, step.run_id) == ("r17", "r20")


def test_a_step_lies_between_two_runs():
    (step,) = find_steps(series(STEPPED))
    assert (step.last_run_id, step.run_id) == ("r19", "r20")
    assert (step.last_commit, step.commit) == ("c19", "c20")
    assert (step.before, step.after, step.unit) == (1.0, 1.5, "s")
    assert (step.change, step.state, step.worse) == (0.5, "new", True)
    assert step.to_dict()["timestamp"] == step.timestamp.isoformat()


@pytest.mark.parametrize(
    ("direction", "source", "worse"),
    [
        (MetricDirection.HIGHER, "declared", False),
        (MetricDirection.LOWER, "tool", True),
        (MetricDirection.LOWER, "unknown", None),
        (MetricDirection.INFO, "declared", None),
    ],
)
def test_better_and_worse_follow_the_direction(direction, source, worse):
    (step,) = find_steps(series(STEPPED, direction, source))
    assert step.worse is worse


def test_a_threshold_of_the_metric_counts():
    assert find_steps(series(STEPPED), settings=Settings(magnitude=0.6)) == []


def test_what_was_said_of_a_step_is_told_with_it_even_a_few_runs_away():
    (step,) = find_steps(series(STEPPED), [Said("r22", "accepted")])
    assert (step.run_id, step.state, step.message, step.change) == ("r22", "accepted", "why", 0.5)


def test_a_step_that_only_people_see_is_told_too():
    new, marked = find_steps(series(STEPPED), [Said("r33", "accepted")])
    assert (new.state, new.run_id) == ("new", "r20")
    assert (marked.run_id, marked.state, marked.p) == ("r33", "accepted", None)
    assert (marked.before, marked.after) == (1.5, 1.5)


def test_two_annotations_near_a_step_are_both_told():
    found = find_steps(series(STEPPED), [Said("r19", "rejected"), Said("r20", "accepted")])
    assert [(step.run_id, step.state) for step in found] == [
        ("r19", "rejected"), ("r20", "accepted"),
    ]  # fmt: skip


def test_annotations_of_other_runs_and_of_the_first_say_nothing():
    found = find_steps(series(STEPPED), [Said("elsewhere", "accepted"), Said("r0", "accepted")])
    assert [step.run_id for step in found] == ["r20"]


@pytest.mark.parametrize("values", [[], [1.0], [2.0] * 50, [float("nan")] * 50])
def test_nothing_to_see(values):
    assert find_steps(series(values)) == []


def test_an_annotation_among_values_that_are_no_numbers():
    (step,) = find_steps(series([float("nan")] * 10), [Said("r5", "accepted")])
    assert step.change is None
    assert step.worse is None
