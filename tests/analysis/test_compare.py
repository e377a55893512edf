"""Every pair of values gets exactly one row with the right verdict."""

from __future__ import annotations

import math

import pytest

from graven.analysis import Thresholds, Verdict, compare_runs
from graven.model import MetricDef, MetricDirection, PointStatus

INF = math.inf


def verdicts(comparison):
    return [(row.metric, str(row.verdict)) for row in comparison.rows]


@pytest.mark.parametrize(
    ("metric", "old", "new", "verdict"),
    [
        ("time", 100.0, 105.0, "no-change"),
        ("time", 1.0, 1.05, "no-change"),  # 1.05 - 1.0 is above 0.05 in float64
        ("time", 0.1, 0.105, "no-change"),
        ("time", 100.0, 105.001, "regression"),
        ("time", 100.0, 94.0, "improvement"),
        ("time", 100.0, 95.0, "no-change"),
        ("rate", 100.0, 94.0, "regression"),
        ("rate", 100.0, 106.0, "improvement"),
        ("time", -100.0, -90.0, "regression"),
        ("time", 0.0, 0.0, "no-change"),
        ("time", 0.0, 1e-12, "regression"),
        ("rate", 0.0, 1.0, "improvement"),
        ("time", 1.0, 0.0, "improvement"),
        ("time", 1.0, INF, "regression"),
        ("time", INF, INF, "no-change"),
        ("time", INF, 1.0, "improvement"),
        ("time", math.nan, 1.0, "not-a-number"),
        ("time", 1.0, math.nan, "not-a-number"),
    ],
)
def test_a_change_is_judged_by_direction_and_threshold(run, point, metric, old, new, verdict):
    comparison = compare_runs(run(point(**{metric: old})), run(point(**{metric: new}), id="b"))
    assert verdicts(comparison) == [(metric, verdict)]


def test_a_run_is_unchanged_against_itself_even_with_equal_names_in_two_scenarios(run, point):
    same = run(point("p", "small", time=100.0), point("p", "large", time=1.0))
    comparison = compare_runs(same, same)
    assert {row.verdict for row in comparison.rows} == {Verdict.NO_CHANGE}
    assert "compared with itself" in comparison.warnings[0]


def test_two_versions_of_one_run_are_not_the_same(run, point):
    old, new = run(point(time=1.0)), run(point(time=9.0))  # of one id, as a baseline may keep it
    comparison = compare_runs(old, new, seed=("aa", "bb"))
    assert comparison.warnings == ("run run is compared with another version of it",)


def test_from_zero_the_absolute_floor_decides_and_the_row_says_so(run, point):
    thresholds = Thresholds(floors=(("time", 0.5),))
    old = run(point(time=0.0))
    below = compare_runs(old, run(point(time=0.5), id="b"), thresholds=thresholds).rows[0]
    above = compare_runs(old, run(point(time=0.6), id="b"), thresholds=thresholds).rows[0]
    assert (below.verdict, above.verdict) == (Verdict.NO_CHANGE, Verdict.REGRESSION)
    assert above.change is None
    assert above.note == "the baseline is zero, so there is no ratio; the floor is 0.5"


def test_added_and_removed_points_and_metrics_are_named(run, point):
    old = run(point("gone", time=1.0), point("both", time=1.0, rate=2.0))
    new = run(point("both", time=1.0, memory=3.0), point("new", time=1.0), id="b")
    comparison = compare_runs(old, new)
    assert [(row.name, row.metric, str(row.verdict)) for row in comparison.rows] == [
        ("gone", "time", "removed"),
        ("both", "time", "no-change"),
        ("both", "rate", "removed"),
        ("both", "memory", "added"),
        ("new", "time", "added"),
    ]


def test_tags_are_part_of_the_key_in_any_order(run, point):
    old = run(point(time=1.0, tags={"a": "1", "b": "2"}))
    new = run(point(time=1.0, tags={"b": "2", "a": "1"}), id="b")
    assert verdicts(compare_runs(old, new)) == [("time", "no-change")]


def test_a_point_that_fails_now_is_worse_and_one_that_failed_before_is_not(run, point):
    bad = {"status": PointStatus.FAILED, "error": "Traceback\nboom"}
    old = run(point("a", time=1.0), point("b", **bad), point("c", **bad))
    new = run(point("a", **bad), point("b", **bad), point("c", time=1.0), id="b")
    rows = compare_runs(old, new).rows
    assert [(row.name, row.metric, str(row.verdict), row.worse) for row in rows] == [
        ("a", None, "failed", True),
        ("b", None, "failed", None),
        ("c", None, "improvement", False),
        ("c", "time", "added", None),
    ]
    assert rows[0].note == "ok in the baseline, fails now: boom"


def test_skipped_points_are_told_apart_from_removed_ones(run, point):
    new = run(point("a", status=PointStatus.SKIPPED), id="b")
    rows = compare_runs(run(point("a", time=1.0)), new).rows
    assert [str(row.verdict) for row in rows] == ["skipped"]


def test_metrics_without_direction_are_shown_and_not_judged(run, point):
    unknown = MetricDef(
        name="x", unit="1", direction=MetricDirection.LOWER, direction_source="unknown"
    )
    info = MetricDef(name="y", unit="1", direction=MetricDirection.INFO)
    defs = {"x": unknown, "y": info}
    old = run(point(x=1.0, y=1.0, z=1.0), defs=defs)
    new = run(point(x=9.0, y=9.0, z=9.0), defs=defs, id="b")
    comparison = compare_runs(old, new)
    assert {str(row.verdict) for row in comparison.rows} == {"no-direction"}
    told = compare_runs(old, new, directions={"x": MetricDirection.LOWER})
    assert verdicts(told)[0] == ("x", "regression")


def test_a_better_founded_direction_wins_over_a_guess(run, point):
    def defs(direction, source):
        return {"x": MetricDef(name="x", unit="1", direction=direction, direction_source=source)}

    old = run(point(x=1.0), defs=defs(MetricDirection.HIGHER, "declared"))
    new = run(point(x=2.0), defs=defs(MetricDirection.LOWER, "unit"), id="b")
    assert verdicts(compare_runs(old, new)) == [("x", "improvement")]


def test_two_definitions_of_a_direction_are_told_and_the_better_founded_one_decides(run, point):
    def defs(direction, source="declared"):
        return {"x": MetricDef(name="x", unit="1", direction=direction, direction_source=source)}

    old = run(point(x=1.0), defs=defs(MetricDirection.HIGHER))
    new = run(point(x=2.0), defs=defs(MetricDirection.LOWER), id="b")
    comparison = compare_runs(old, new)
    assert verdicts(comparison) == [("x", "regression")]
    assert comparison.warnings == (
        "better is higher for 'x' in the baseline and lower now; judged as lower",
    )
    told = compare_runs(old, new, directions={"x": MetricDirection.HIGHER})
    assert (verdicts(told), told.warnings) == ([("x", "improvement")], ())
    guess = run(point(x=2.0), defs=defs(MetricDirection.LOWER, "unknown"), id="b")
    assert compare_runs(old, guess).warnings == ()


def test_a_changed_unit_makes_the_row_incomparable_and_names_both(run, point):
    defs = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    row = compare_runs(run(point(time=1.0)), run(point(time=1.0), defs=defs, id="b")).rows[0]
    assert row.verdict is Verdict.INCOMPARABLE
    assert row.note == "the unit is 's' in the baseline and 'ms' now"


def test_duplicate_keys_are_named_and_never_collapsed(run, point):
    twice = (point(time=1.0), point(time=5.0))
    even = compare_runs(run(*twice), run(*twice, id="b"))
    assert [(row.occurrence, str(row.verdict)) for row in even.rows] == [
        (1, "no-change"),
        (2, "no-change"),
    ]
    assert [(key.in_baseline, key.in_current) for key in even.duplicates] == [(2, 2)]
    odd = compare_runs(run(*twice), run(point(time=1.0), id="b"))
    assert [str(row.verdict) for row in odd.rows] == ["incomparable"]
    assert odd.rows[0].note.startswith("occurs 2 times in the baseline and 1 times now")


def test_different_machines_are_judged_only_when_asked(run, point):
    old, new = run(point(time=1.0)), run(point(time=2.0), id="b")
    refused = compare_runs(old, new, machines=("aa", "bb"))
    assert not refused.comparable
    assert (refused.rows[0].verdict, refused.rows[0].change) == (Verdict.INCOMPARABLE, 1.0)
    allowed = compare_runs(old, new, machines=("aa", "bb"), allow_cross_machine=True)
    assert verdicts(allowed) == [("time", "regression")]
    unknown = compare_runs(old, new, machines=(None, "bb"))
    assert unknown.comparable


def test_origin_and_status_are_warned_about(run, point):
    new = run(point(time=1.0), id="b", origin="simulated", status="failed")
    warnings = compare_runs(run(point(time=1.0)), new).warnings
    assert any("simulated, not measured" in text for text in warnings)
    assert any("'failed'" in text for text in warnings)


def test_metrics_narrow_the_rows(run, point):
    same = run(point(time=1.0, rate=1.0))
    assert verdicts(compare_runs(same, same, metrics={"rate"})) == [("rate", "no-change")]


def test_to_dict_counts_every_verdict(run, point):
    record = compare_runs(run(point(time=2.0)), run(point(time=3.0), id="b")).to_dict()
    assert record["counts"]["regression"] == 1
    assert set(record["counts"]) == {str(verdict) for verdict in Verdict}
    row = record["rows"][0]
    assert (row["percent"], row["ratio"], row["unit"]) == (50.0, 1.5, "s")
