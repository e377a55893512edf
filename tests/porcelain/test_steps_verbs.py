"""Which runs steps are looked for in, and marking them."""

from datetime import UTC, datetime, timedelta

import pytest

from graven import Store
from graven.errors import NotFound
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.steps import Selection, list_steps, mark_steps, steps_by_series
from graven.porcelain.trend import trend

START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)


def run(at, value, *, cpu="EPYC", branch="main", names=("p", "q"), defs=None, **more):
    wavering = value * (1 + 0.01 * (at % 3 - 1))
    made = tuple(
        Point(name=name, scenario="s", metrics={"time": Metric(value=wavering)}) for name in names
    )
    return Run(
        id=f"r{at:03}", timestamp=START + timedelta(days=at), points=made, branch=branch,
        commit=f"{at:040x}", environment={"cpu": cpu}, metric_defs=defs or {"time": TIME}, **more,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store", durable=False, author="ada")
    with store.batch() as batch:
        for at in range(40):
            batch.save(run(at, 1.0 if at < 20 else 1.5))
    return store


def test_all_series_are_looked_at(store):
    answer = list_steps(store)
    assert [(step.name, step.run_id) for step in answer.steps] == [("p", "r020"), ("q", "r020")]
    assert (answer.branch, answer.runs, answer.series, answer.elsewhere) == ("main", 40, 2, 0)
    assert answer.to_dict()["steps"][0]["run_id"] == "r020"


def test_runs_of_other_branches_and_machines_are_not_mixed_in(store):
    with store.batch() as batch:
        for at in range(40, 60):
            batch.save(run(at, 9.0, branch="dev"))
        for at in range(60, 75):
            batch.save(run(at, 5.0, cpu="old"))
        batch.save(run(75, 1.5))
    answer = list_steps(store)
    assert {step.run_id for step in answer.steps} == {"r020"}
    assert (answer.branch, answer.runs, answer.elsewhere) == ("main", 41, 15)
    mixed = list_steps(store, Selection(all_machines=True))
    assert "r060" in {step.run_id for step in mixed.steps}
    assert list_steps(store, Selection(branch="dev")).runs == 20
    other = list_steps(store, Selection(all_branches=True))
    assert (other.branch, other.runs) == (None, 61)


def test_the_branch_of_most_runs_where_there_is_no_main(tmp_path):
    store = Store(tmp_path / "s", durable=False)
    for at in range(7):
        store.save(run(at, 1.0, branch="a" if at < 3 else None))
    assert (list_steps(store).branch, list_steps(store).runs) == (None, 4)


def test_names_that_nothing_has(store):
    with pytest.raises(NotFound, match="timme") as error:
        list_steps(store, Selection(metric="timme"))
    assert "time" in error.value.hint
    with pytest.raises(NotFound, match="branch") as error:
        list_steps(store, Selection(branch="x"))
    assert error.value.hint == "there is main (40)"
    with pytest.raises(NotFound, match="machine"):
        list_steps(store, Selection(machine="x"))


def test_accept_reject_and_undo(store):
    assert len(mark_steps(store, Selection(), "r020", "accepted", "meant")) == 2
    assert {step.state for step in list_steps(store).steps} == {"accepted"}
    mark_steps(store, Selection(point="p"), "r020", "rejected")
    assert [step.state for step in list_steps(store).steps] == ["rejected", "accepted"]
    mark_steps(store, Selection(), "r020", None)
    assert {step.state for step in list_steps(store).steps} == {"new"}


def test_a_run_without_a_step_is_marked_only_where_the_series_is_named(store):
    with pytest.raises(NotFound) as error:
        mark_steps(store, Selection(metric="time", point="*"), "r010", "accepted")
    assert "r020" in error.value.hint
    mark_steps(store, Selection(metric="time", point="p"), "r010", "accepted")
    assert [step.run_id for step in list_steps(store).steps][-1] == "r010"
    mark_steps(store, Selection(metric="time", point="p"), "r010", None)
    assert len(list_steps(store).steps) == 2


def test_what_was_said_where_no_step_is_shown_can_be_taken_back(store):
    with store.batch() as batch:
        batch.save(run(40, 1.5, branch="dev"))
        batch.save(run(41, 1.5, names=("other",)))
    named = Selection(metric="time", point="p")
    for run_id in ("r000", "r040"):  # the first of all, and one of another branch
        mark_steps(store, named, run_id, "accepted")
        assert [said.run_id for said in store.step_annotations()] == [run_id]
        mark_steps(store, Selection(), run_id, None)
        assert store.step_annotations() == []
    with pytest.raises(NotFound, match="r041 has no value of this series"):
        mark_steps(store, named, "r041", "accepted")
    with pytest.raises(NotFound, match="nothing was said of a step at run r020"):
        mark_steps(store, Selection(), "r020", None)


def test_the_unit_is_that_of_the_runs_that_are_looked_at(store):
    other = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    with store.batch() as batch:
        batch.save(run(40, 1500.0, branch="dev", defs=other))
        batch.save(run(41, 1500.0, cpu="old", defs=other, names=("p", "new")))
        batch.save(run(42, 1.5))  # whose machine is looked at
    answer = list_steps(store)
    assert [(step.name, step.unit) for step in answer.steps] == [("p", "s"), ("q", "s")]
    assert (answer.series, answer.warnings) == (2, ())


def test_the_nearest_steps_are_named_first(store):
    with store.batch() as batch:
        for at in range(40, 60):
            batch.save(run(at, 3.0))
    with pytest.raises(NotFound) as error:
        mark_steps(store, Selection(), "r018", "accepted")
    assert error.value.hint == "there is one at r020, r040"
    with pytest.raises(NotFound) as error:
        mark_steps(store, Selection(), "r045", "accepted")
    assert error.value.hint == "there is one at r040, r020"


def test_steps_since(store):
    since = START + timedelta(days=21)
    assert list_steps(store, Selection(since=since)).steps == ()


def test_the_threshold_of_the_store_counts(store):
    store.config.set("thresholds", {"time": 0.6})
    assert list_steps(store).steps == ()


def test_a_unit_that_changed_is_told(store):
    known = MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)
    for at in range(40, 52):
        store.save(run(at, 1500.0, defs={"time": known}))
    answer = list_steps(store)
    assert answer.steps == ()
    assert answer.warnings == (
        "time is in 'ms' now; values in other units are another series, and are left out:"
        " 80 in 's'",
    )


def test_trends_are_marked_with_their_own(store):
    trends = trend(store, "time").trends
    marked = steps_by_series(store, trends)
    assert [[step.run_id for step in steps] for steps in marked] == [["r020"], ["r020"]]


def test_questions_do_not_grow_with_the_series(store, monkeypatch):
    many = tuple(f"n{at}" for at in range(300))
    asked = []
    for at in range(40, 44):
        store.save(run(at, 1.0, names=many))
    list_steps(store)
    rows = type(store.parts.index.catalog).rows
    monkeypatch.setattr(
        type(store.parts.index.catalog), "rows",
        lambda self, *args: asked.append(args[0]) or rows(self, *args),
    )  # fmt: skip
    assert list_steps(store).series == 302
    assert len(asked) < 30


def test_runs_of_other_benchmarks_do_not_choose_branch_and_machine(store):
    """One file of another tool, from another machine, used to hide all steps."""
    store.save(run(41, 1.0, cpu="Other", names=("hyper",)))
    for at in range(42, 90):
        store.save(run(at, 1.0, cpu="Other", branch="nightly", names=("hyper",)))
    answer = list_steps(store, Selection(point="p"))
    assert [step.run_id for step in answer.steps] == ["r020"]
    assert (answer.branch, answer.runs, answer.elsewhere, answer.off_branch) == ("main", 40, 0, 0)
    assert list_steps(store).off_branch == 48
