"""The gate replayed over a past: what it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from graven.analysis.history import LEAST, History, PastRun
from graven.analysis.replay import ENOUGH, Side, replay

START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [("s", name, (), "time") for name in "ab"]
UP, DOWN = Side(sign=1, relative=0.05), Side(sign=-1, relative=0.05)
WAVE = [1.0, 1.01, 0.99] * 20


def past(*columns, cuts=None):
    values = np.array(columns, dtype=float).T
    runs = [
        PastRun(run_id=str(i), timestamp=START + timedelta(hours=i), commit=None)
        for i in range(len(values))
    ]
    return History(
        columns={key: at for at, key in enumerate(KEYS[: len(columns)])},
        runs=runs,
        values=values,
        confirming=np.empty((0, len(columns))),
        baseline_at=START,
        cuts=cuts or {},
    )


def test_what_only_wavers_never_fires():
    alarms = replay(past(WAVE), {KEYS[0]: UP})
    assert (alarms.fired, alarms.suspected, alarms.series) == (0, 0, 1)
    assert alarms.comparisons == len(WAVE) - LEAST - 1
    assert alarms.share is None or alarms.comparisons >= ENOUGH


def test_a_lone_outlier_is_suspect_two_in_a_row_fire_and_an_extreme_one_at_once():
    one, two, extreme = ([*WAVE] for _ in range(3))
    one[40] = 1.055
    two[40] = two[41] = 1.055
    extreme[40] = 1.2
    found = [replay(past(column), {KEYS[0]: UP}) for column in (one, two, extreme)]
    # 1.055 is 4.5 % over the highest before: only a second one makes it a regression
    assert [(alarms.fired, alarms.suspected) for alarms in found] == [(0, 1), (1, 1), (1, 0)]


def test_direction_and_minimum_effect_count():
    better = [*WAVE[:-1], 0.8]
    assert replay(past(better), {KEYS[0]: UP}).fired == 0
    assert replay(past(better), {KEYS[0]: DOWN}).fired == 1
    assert replay(past(better), {KEYS[0]: Side(sign=-1, relative=0.5)}).fired == 0


def test_gaps_are_passed_over_and_series_are_counted_together():
    gaps = [np.nan if i % 4 == 0 else v for i, v in enumerate(WAVE)]
    alarms = replay(past(WAVE, gaps), {KEYS[0]: UP, KEYS[1]: UP})
    assert (alarms.series, alarms.fired) == (2, 0)
    assert alarms.comparisons == (60 - LEAST - 1) + (45 - LEAST - 1)


def test_what_was_before_an_accepted_change_does_not_count():
    step = [*WAVE[:30], *[v * 1.5 for v in WAVE[:30]]]
    assert replay(past(step), {KEYS[0]: UP}).fired > 0
    cut = {KEYS[0]: START + timedelta(hours=30)}
    assert replay(past(step, cuts=cut), {KEYS[0]: UP}).fired == 0


def test_nothing_to_replay_is_no_share():
    for alarms in (
        replay(past(WAVE), {}),
        replay(past([]), {KEYS[0]: UP}),
        replay(past([1.0]), {KEYS[0]: UP}),
        replay(past([np.nan] * 50), {KEYS[0]: UP}),
        replay(past([np.inf] * 50), {KEYS[0]: UP}),
    ):
        assert (alarms.comparisons, alarms.share) == (0, None)
        assert alarms.to_dict()["share"] is None


def test_from_a_zero_the_floor_decides():
    counts = [*[0.0] * 30, 3.0, 3.0, *[0.0] * 10]
    assert replay(past(counts), {KEYS[0]: UP}).fired == 2
    assert replay(past(counts), {KEYS[0]: Side(sign=1, relative=0.05, floor=3.0)}).fired == 0
    alarms = replay(past(counts), {KEYS[0]: Side(sign=1, relative=0.05, floor=2.0)})
    assert (alarms.fired, alarms.suspected) == (2, 0)
