"""Verbs take a store and plain arguments and return values; they print nothing."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven.analysis import Verdict
from graven.errors import Conflict, InvalidInput, NotFound
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.check import check
from graven.porcelain.compare import Rules, compare
from graven.porcelain.config import get_config, set_config, unset_config
from graven.porcelain.export_asv import export_asv
from graven.porcelain.fsck import fsck
from graven.porcelain.ingest import ingest
from graven.porcelain.log import log
from graven.porcelain.pointers import BASELINES, list_pointers, set_pointer
from graven.porcelain.relabel import relabel
from graven.porcelain.rm import remove
from graven.porcelain.show import show
from graven.porcelain.status import status
from graven.porcelain.trend import list_series, trend

START = datetime(2026, 1, 2, tzinfo=UTC)


def make_run(number, *points, **fields):
    return Run(
        id=f"r{number}",
        timestamp=START + timedelta(hours=number),
        points=points or (make_point("p", time=float(number)),),
        metric_defs={"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)},
        **fields,
    )


def make_point(name, scenario="s", **values):
    metrics = {key: Metric(value=value) for key, value in values.items()}
    return Point(name=name, scenario=scenario, metrics=metrics)


@pytest.fixture
def store(tmp_path, capsys):
    store = graven.init(tmp_path / "store")
    with store.batch() as batch:
        for number in (1, 2, 3):
            batch.save(make_run(number))
    yield store
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_log_names_the_refs_of_each_run(store):
    store.baselines.set("main", "r1")
    entries = list(log(store).entries)
    assert [(entry.header.run_id, entry.refs) for entry in entries] == [
        ("r3", ()),
        ("r2", ()),
        ("r1", ("baselines/main",)),
    ]


def test_show_of_an_object_that_is_no_longer_the_runs_value(store):
    before = store.resolve("r1").object_id
    store.relabel("r1", branch="dev")
    assert show(store, before).run.branch is None
    assert show(store, "r1").run.branch == "dev"


def test_compare_takes_directions_from_the_store_and_above_them_the_users(store):
    store.save(make_run(8, make_point("p", loss=1.0)))
    store.save(make_run(9, make_point("p", loss=2.0)))

    def verdict(rules=None):
        return compare(store, "r8", "r9", rules).rows[0].verdict

    assert verdict() is Verdict.NO_DIRECTION
    store.config.set("metric_defs.loss", {"unit": "1", "direction": "lower"})
    assert verdict() is Verdict.REGRESSION
    assert verdict(Rules(directions={"loss": "higher"})) is Verdict.IMPROVEMENT
    assert verdict(Rules(thresholds=("100%",))) is Verdict.NO_CHANGE


@pytest.mark.parametrize(
    "rules",
    [Rules(thresholds=("x",)), Rules(directions={"time": "up"}), Rules(metrics=("tme",)),
     Rules(directions={"tme": "lower"})],
)  # fmt: skip
def test_a_rule_with_a_typo_is_refused(store, rules):
    store.baselines.set("main", "r1")
    with pytest.raises(InvalidInput):
        compare(store, "r1", "r2", rules)
    with pytest.raises(InvalidInput):
        check(store, rules=rules)


def test_check_judges_the_baseline_as_it_was_set(store):
    store.baselines.set("main", "r1")
    store.save(make_run(1, make_point("p", time=100.0)))
    assert not check(store).passed
    assert check(store, baseline="none", allow_missing=True).passed
    with pytest.raises(NotFound) as caught:
        check(store, baseline="none")
    assert caught.value.kind == "baseline-missing"


def test_trend_keeps_scenarios_and_tags_apart(store):
    other = Point(name="p", scenario="t", tags={"n": "1"}, metrics={"time": Metric(value=50.0)})
    store.save(make_run(4, make_point("p", time=4.0), other))
    found = trend(store, "time").trends
    assert [(t.info.scenario, [p.value for p in t.series.points]) for t in found] == [
        ("s", [1.0, 2.0, 3.0, 4.0]),
        ("t", [50.0]),
    ]
    assert [t.info.scenario for t in trend(store, "time", tags={"n": "1"}).trends] == ["t"]
    assert found[0].definition.unit == "s"
    assert [info.scenario for info in list_series(store, scenario="t")] == ["t"]
    assert trend(store, "time", max_series=1).more == 1
    with pytest.raises(NotFound, match="no run has a point 'q'"):
        trend(store, "time", "q")


def test_trend_counts_what_is_not_a_number(store):
    store.save(make_run(4, make_point("p", time=math.nan)))
    (found,) = trend(store, "time").trends
    assert (found.summary.count, found.summary.not_numbers) == (4, 1)


def test_remove_looks_everything_up_before_the_first_goes(store):
    store.baselines.set("main", "r2")
    with pytest.raises(NotFound):
        remove(store, ["r1", "nope"])
    with pytest.raises(Conflict, match="run 'r2' is baselines/main"):
        remove(store, ["r1", "r2"])
    assert store.count() == 3
    assert remove(store, ["latest", "r3"], dry_run=True).run_ids == ("r3",)
    assert remove(store, ["latest", "r3"]).run_ids == ("r3",)
    assert store.count() == 2


def test_relabel_makes_a_guess_a_fact(store):
    store.save(make_run(4, branch="main", commit="abc", guessed=("branch", "commit")))
    report = relabel(store, "r4", {"branch": "dev"})
    assert report.changes == {"branch": ("main", "dev")}
    assert store.load("r4").guessed == ("commit",)
    for changes, clear in (({}, ()), ({"branch": "x"}, ("branch",)), ({"points": "x"}, ())):
        with pytest.raises(InvalidInput):
            relabel(store, "r4", changes, clear=clear)


def test_config_reads_json_and_refuses_what_would_break_later_commands(store):
    assert set_config(store, "thresholds.time", "0.2") == 0.2
    assert set_config(store, "judge_by.*.p99", "ratio") == "ratio"
    assert store.config.get("judge_by") == {"*.p99": "ratio"}
    for key in ("judge_by.time", "judge_by"):
        with pytest.raises(InvalidInput):
            set_config(store, key, "magic")
    assert set_config(store, "note", "plain text") == "plain text"
    assert get_config(store, "thresholds") == {"time": 0.2}
    with pytest.raises(InvalidInput):
        set_config(store, "thresholds.time", "5")
    for key, value in (
        ("metric_defs.loss.direction", "sideways"),
        ("metric_defs.loss.direction", "lower"),  # without a unit
        ("metric_defs.loss", "5"),
        ("metric_defs", "5"),
        ("metric_defs", '{"loss": {"unit": "1", "direction": "up"}}'),
    ):
        with pytest.raises(InvalidInput, match="metric_defs"):
            set_config(store, key, value)
    set_config(store, "metric_defs.loss", '{"unit": "1", "direction": "lower"}')
    set_config(store, "metric_defs.loss.direction", "higher")
    assert str(store.metric_defs["loss"].direction) == "higher"
    unset_config(store, "note")
    with pytest.raises(NotFound):
        get_config(store, "note")


def test_a_damaged_ref_is_listed_with_its_fault(store):
    set_pointer(store, BASELINES, "main", "r1", message="why")
    set_pointer(store, BASELINES, "other", "r2")
    (file,) = (store.path / "refs/baselines").glob("main*.json")
    file.chmod(0o600)
    file.write_text("{")
    found = {pointer.name: pointer.damaged is None for pointer in list_pointers(store, BASELINES)}
    assert found == {"main": False, "other": True}
    assert status(store).to_dict()["baselines"][0]["damaged"]


def test_ingest_reports_progress_in_bytes_looked_at_and_bytes_new(store, tmp_path):
    files = []
    for number in (7, 8):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(make_run(number).to_dict()))
        files.append(file)
    total = sum(file.stat().st_size for file in files)
    ingest(store, files[:1])
    seen = []
    report = ingest(store, files, on_progress=seen.append)
    assert [run.outcome for run in report.runs] == ["unchanged", "saved"]
    assert (report.bytes_read, report.bytes_new) == (total, files[1].stat().st_size)
    assert (seen[-1].done, seen[-1].total, seen[-1].new) == (total, total, report.bytes_new)
    assert json.dumps(report.to_dict())


def test_export_asv_of_one_branch(store, tmp_path):
    store.save(make_run(4, branch="dev", commit="c" * 40))
    report = export_asv(store, tmp_path / "asv", only_branch="dev")
    assert report.points_written == 1
    assert export_asv(store, tmp_path / "none", only_branch="nope").points_written == 0


def test_fsck_is_an_answer(store):
    assert fsck(store, full=True).ok
    assert fsck(store).level == "quick"
    assert fsck(store, strict=True).level == "full"
