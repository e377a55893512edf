"""Each rule of the gate, on the smallest histories and samples that show it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from graven.analysis import JudgedBy, Verdict, Ways, compare_runs
from graven.analysis.history import History, PastRun
from graven.errors import InvalidInput
from graven.model import Metric, MetricDef, MetricDirection, Point, Run

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = ("s", "p", (), "time")
USUAL = [1.00, 1.01, 0.99, 1.02, 0.98, 1.00, 1.01, 0.99, 1.02, 0.98, 1.00, 1.03]  # fence near 1.05


def one(value, samples=None, *, name="time", unit="s", direction="lower", hours=0, **fields):
    metric = Metric(value=value, samples=None if samples is None else tuple(samples), **fields)
    return Run(
        id=f"run-{value}-{hours}",
        timestamp=NOW + timedelta(hours=hours),
        points=(Point(name="p", scenario="s", metrics={name: metric}),),
        metric_defs={name: MetricDef(name=name, unit=unit, direction=MetricDirection(direction))},
    )


def history(values, confirming=(), *, before=None, cut=None, moving=False):
    """``before`` of the values are not after the baseline; all, if not given."""
    count = len(values)
    split = count if before is None else before
    times = [NOW + timedelta(hours=index - split + 1) for index in range(count)]
    return History(
        columns={KEY: 0},
        runs=[PastRun(run_id=str(i), timestamp=t, commit=None) for i, t in enumerate(times)],
        values=np.array(values, dtype=float).reshape(-1, 1),
        confirming=np.array(confirming, dtype=float).reshape(-1, 1),
        baseline_at=NOW,
        cuts={} if cut is None else {KEY: times[cut]},
        moving=moving,
    )


def row_of(old, new, past=None, **options):
    return compare_runs(old, new, history=past, **options).rows[0]


def verdict(old, new, past=None, **options):
    row = row_of(old, new, past, **options)
    return str(row.verdict), str(row.judged_by)


# --- by history ---


@pytest.mark.parametrize(
    ("now", "confirming", "wanted"),
    [
        (1.04, [], "no-change"),  # within the fences
        (1.07, [], "suspect"),  # beyond them, not beyond the worst by 5 %
        (1.07, [1.09], "regression"),  # another run agrees
        (1.07, [1.01], "suspect"),
        (1.07, [0.8], "suspect"),  # unusual, but the other way
        (1.07, [math.nan], "suspect"),
        (1.20, [], "regression"),  # beyond all of them by more than 5 %
        (0.935, [], "no-change"),  # better, in this run alone
        (0.935, [0.92], "improvement"),
        (0.80, [], "improvement"),
    ],
)
def test_with_ten_runs_the_history_decides(now, confirming, wanted):
    past = history(USUAL, confirming)
    assert verdict(one(1.0), one(now, hours=1), past) == (wanted, "history")


def test_worse_than_all_of_a_past_of_several_levels_is_suspect():
    past = history([1.0, 1.01, 0.99, 1.0, 1.02, 1.0, 1.5, 1.51, 1.49, 1.5, 1.52, 1.5])
    assert past.usual()[KEY].high > 1.7
    row = row_of(one(1.0), one(1.7), past)
    assert (str(row.verdict), row.note) == ("suspect", "beyond all, but past runs differ as much")
    assert verdict(one(1.0), one(1.55), past)[0] == "no-change"  # not by the minimum effect
    assert verdict(one(1.5), one(0.8), past)[0] == "no-change"  # further the other way


def test_more_is_better_turns_it_round():
    def rate(value, hours=0):
        return one(value, unit="ops/s", direction="higher", hours=hours)

    assert verdict(rate(1.0), rate(0.935, 1), history(USUAL)) == ("suspect", "history")
    assert verdict(rate(1.0), rate(0.935, 1), history(USUAL, [0.9])) == ("regression", "history")
    assert verdict(rate(1.0), rate(1.2, 1), history(USUAL)) == ("improvement", "history")


def test_nine_runs_are_no_history():
    assert verdict(one(1.0), one(1.07), history(USUAL[:9])) == ("regression", "ratio")


def test_a_value_that_never_wavered_is_judged_at_once():
    past = history([100.0] * 10)
    assert verdict(one(100.0), one(106.0), past) == ("regression", "history")
    assert verdict(one(100.0), one(105.0), past) == ("no-change", "history")


def test_the_samples_must_exclude_that_nothing_changed():
    old = one(1.0, [0.9, 1.0, 1.1] * 3)
    sure, unsure = one(1.2, [1.19, 1.2, 1.21] * 3), one(1.2, [0.8, 1.2, 1.6] * 3)
    assert verdict(old, sure, history(USUAL)) == ("regression", "history")
    assert verdict(old, unsure, history(USUAL)) == ("suspect", "history")


def test_from_a_usual_zero_the_floor_decides():
    assert verdict(one(0.0), one(1.0), history([0.0] * 12)) == ("regression", "history")


def test_negative_values_are_judged_by_their_distance():
    past = history([-v for v in USUAL])
    assert verdict(one(-1.0), one(-0.8), past) == ("regression", "history")
    assert verdict(one(-1.0), one(-1.2), past) == ("improvement", "history")


def test_what_gets_worse_after_the_baseline_never_becomes_usual():
    drifted = history([*USUAL, *[1.3] * 40], before=len(USUAL))
    assert verdict(one(1.0), one(1.3, hours=50), drifted)[0] == "regression"


def test_a_baseline_at_a_new_level_is_held_to_the_runs_that_follow_it():
    level = [0.7 * v for v in USUAL]
    past = history([*USUAL * 3, *level], before=37)
    assert verdict(one(0.7), one(0.72, hours=20), past) == ("no-change", "history")
    assert verdict(one(0.7), one(1.0, hours=20), past) == ("regression", "history")


def test_against_a_lucky_baseline_a_usual_value_is_no_regression():
    lucky = row_of(one(0.935), one(1.0), history(USUAL))
    assert (lucky.verdict, lucky.note) == (Verdict.NO_CHANGE, "usual, but the baseline is not")
    assert row_of(one(0.7), one(1.0), history(USUAL)).verdict is Verdict.SUSPECT
    assert row_of(one(0.7), one(1.2), history(USUAL)).verdict is Verdict.REGRESSION


def test_better_than_the_baseline_is_no_regression_whatever_was_usual():
    assert verdict(one(1.3), one(1.2), history([*USUAL, *USUAL]))[0] != "regression"


def test_a_baseline_that_nobody_set_is_one_run_among_others():
    past = history(USUAL, [1.21], moving=True)
    assert verdict(one(1.21), one(1.20), past) == ("regression", "history")
    assert verdict(one(0.7), one(1.0), past) == ("no-change", "history")


def test_an_accepted_change_cuts_the_history():
    values = [*USUAL, *[1.3, 1.31, 1.29] * 4]
    after = history(values, cut=12)
    assert verdict(one(1.3), one(1.32, hours=1), after) == ("no-change", "history")
    # of a baseline before it nothing is held
    moved = history(values, before=12, cut=12)
    assert verdict(one(1.0), one(1.32, hours=50), moved) == ("no-change", "history")
    assert verdict(one(1.0), one(1.5, hours=50), moved) == ("regression", "history")


def test_the_very_value_of_a_baseline_that_nothing_is_held_to_is_judged_like_its_neighbours():
    past = history(USUAL, [1.2], moving=True)
    for value in (1.2, 1.201):
        assert verdict(one(1.2), one(value, hours=1), past) == ("regression", "history")
    assert verdict(one(1.2), one(1.2, hours=1), history([1.0], moving=True)) == (
        "no-change",
        "ratio",
    )
    faster = history([1.0] * 12 + [0.5] * 12, before=12, cut=12)
    for value in (1.0, 1.001):
        assert verdict(one(1.0), one(value, hours=24), faster) == ("regression", "history")
    few = history([1.0] * 12 + [0.5] * 4, before=12, cut=12)
    assert verdict(one(1.0), one(1.0, hours=24), few) == ("not-enough-data", "history")
    uncut = history([1.0] * 12 + [0.5] * 12, before=12)
    assert verdict(one(1.0), one(1.0, hours=24), uncut) == ("no-change", "ratio")


def test_soon_after_an_accepted_change_it_waits():
    soon = row_of(one(1.0), one(1.32, hours=20), history([*USUAL, 1.3, 1.31], before=12, cut=12))
    assert soon.verdict is Verdict.NOT_ENOUGH_DATA
    assert "set a new baseline, or wait for 8 more runs" in soon.note


def test_gaps_and_infinities_are_no_history():
    values = [*USUAL[:9], math.nan, math.inf, -math.inf]
    assert verdict(one(1.0), one(1.07), history(values))[1] == "ratio"


# --- by samples ---


def spread(middle, count=10, width=0.01):
    return [middle * (1 + width * (i - (count - 1) / 2)) for i in range(count)]


def sampled(middle, count=10, width=0.01):
    return one(middle, spread(middle, count, width))


def test_samples_that_differ_are_a_regression_or_an_improvement():
    row = row_of(sampled(1.0), sampled(1.2))
    assert (row.verdict, row.judged_by) == (Verdict.REGRESSION, JudgedBy.SAMPLES)
    assert row.p_adjusted < 0.01
    assert row.effect.lower < 1.2 < row.effect.upper
    assert verdict(sampled(1.2), sampled(1.0)) == ("improvement", "samples")


def test_samples_that_differ_by_less_than_the_minimum_effect_do_not_count():
    assert verdict(sampled(1.0, width=0.001), sampled(1.04, width=0.001)) == (
        "no-change",
        "samples",
    )


def test_noisy_samples_are_not_enough_and_the_row_says_how_many_more():
    row = row_of(sampled(1.0, width=0.2), sampled(1.1, width=0.2))
    assert row.verdict is Verdict.NOT_ENOUGH_DATA
    assert row.more_samples > 10
    assert row.note.startswith(f"about {row.more_samples} more samples a side")


def test_the_more_tests_the_less_one_of_them_counts():
    def many(middle, count):
        points = [
            Point(
                name=f"p{i}",
                scenario="s",
                metrics={"time": Metric(value=m, samples=tuple(spread(m, 5)))},
            )
            for i, m in enumerate([middle, *[1.0 + i / 1e4 for i in range(count - 1)]])
        ]
        defs = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)}
        return Run(id=f"{middle}", timestamp=NOW, points=tuple(points), metric_defs=defs)

    def first(count):
        row = compare_runs(many(1.0, count), many(1.5, count)).rows[0]
        return row.verdict, row.more_samples

    assert first(1) == (Verdict.REGRESSION, None)
    # others of the suite that did not change leave it less than five samples can show
    unchanged = compare_runs(many(1.0, 40), many(1.5, 40)).rows
    assert unchanged[0].verdict in (Verdict.REGRESSION, Verdict.NOT_ENOUGH_DATA)
    assert unchanged[0].p_adjusted >= unchanged[0].p


def test_processes_count_once_each():
    old = one(1.0, spread(1.0) * 2, sample_groups=(10, 10))
    new = one(1.2, spread(1.2) * 2, sample_groups=(10, 10))
    row = row_of(old, new)
    assert row.effect.samples == (2, 2)
    assert row.judged_by is JudgedBy.RATIO


def test_samples_that_are_no_numbers_are_left_out_and_counted():
    new = one(1.2, [*spread(1.2), math.nan, math.inf])
    row = row_of(sampled(1.0), new)
    assert (row.verdict, row.effect.samples) == (Verdict.REGRESSION, (10, 10))
    assert row.note == "2 samples are no finite numbers and left out"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([0.0] * 9, [1.0] * 9),
        ([-1.0] * 9, [-0.5] * 9),
        ([1.0] * 9, [2.0] * 9),
        ([math.nan] * 9, [1.0] * 9),
        ([], [1.0]),
        ([1e308] * 9, [1.7e308] * 9),
        ([5e-324] * 9, [1e308] * 9),
    ],
)
def test_degenerate_samples_have_a_verdict_and_raise_nothing(old, new):
    row = row_of(one(old[0] if old and old[0] == old[0] else 1.0, old), one(new[0], new))
    assert row.verdict in (Verdict.REGRESSION, Verdict.NO_CHANGE)
    row.to_dict()


# --- by the ratio alone ---


def test_one_value_a_side_is_judged_by_its_ratio_and_says_so():
    assert verdict(one(1.0), one(1.06)) == ("regression", "ratio")
    assert verdict(one(1.0), one(1.05)) == ("no-change", "ratio")
    assert verdict(one(1.0), one(math.inf)) == ("regression", "ratio")


def test_a_few_samples_that_overlap_are_not_enough():
    row = row_of(one(1.0, [0.5, 1.0, 1.5]), one(1.2, [0.7, 1.2, 1.7]))
    assert (row.verdict, row.more_samples) == (Verdict.NOT_ENOUGH_DATA, 2)
    assert verdict(one(1.0, [1.0, 1.01]), one(1.2, [1.2, 1.21])) == ("regression", "ratio")


def test_the_user_may_say_what_decides():
    by_ratio = Ways().with_flags(("ratio",))
    assert verdict(one(1.0), one(1.07), history(USUAL), ways=by_ratio) == ("regression", "ratio")
    by_samples = Ways.from_config({"s/p/*": "samples"})
    assert verdict(sampled(1.0), sampled(1.1), history(USUAL), ways=by_samples) == (
        "regression",
        "samples",
    )
    both = by_samples.with_flags(("time=ratio",))
    assert verdict(sampled(1.0), sampled(1.1), ways=both) == ("regression", "ratio")
    for wrong in ("history", "", "time=", "x=1"):
        with pytest.raises(InvalidInput):
            Ways().with_flags((wrong,))
    with pytest.raises(InvalidInput):
        Ways.from_config({"time": 5})
    with pytest.raises(InvalidInput):
        Ways.from_config([1])


# --- the interval ---


def test_every_row_with_samples_has_the_same_interval_every_time():
    first = row_of(sampled(1.0), sampled(1.01), seed=("a", "b")).effect
    assert row_of(sampled(1.0), sampled(1.01), seed=("a", "b")).effect == first
    assert row_of(sampled(1.0), sampled(1.01), seed=("a", "c")).effect != first
    assert first.to_dict()["samples"] == [10, 10]


def test_rows_that_are_not_judged_have_an_interval_too():
    old, new = sampled(1.0), sampled(1.2)
    row = row_of(old, new, directions={"time": MetricDirection.INFO})
    assert (row.verdict, row.judged_by) == (Verdict.NO_DIRECTION, None)
    assert row.effect.ratio == pytest.approx(1.2)


def test_a_history_that_begins_with_the_baseline_is_no_excuse_for_what_came_later():
    def past(values):
        return history(values, before=1)

    assert verdict(one(1.0), one(1.04, hours=50), past(USUAL * 3)) == ("no-change", "history")
    assert verdict(one(1.0), one(1.07, hours=50), past(USUAL * 3))[0] == "suspect"
    for good in (4, 10, 20):
        left = past([*(USUAL * 2)[:good], *[1.3, 1.31] * 20])
        assert verdict(one(1.0), one(1.3, hours=99), left)[0] == "regression"
