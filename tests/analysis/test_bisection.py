"""The search for the commit that moved a metric."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.analysis.bisection import Bisection, EndFailed, bisect, relative_change


def search(values: list[float | None], *, repeat: int = 1, threshold: float = 0.05) -> Bisection:
    def measure(index: int) -> list[float] | None:
        value = values[index]
        return None if value is None else [value]

    return bisect(len(values), measure, threshold=threshold, repeat=repeat)


@given(st.integers(2, 300), st.data())
def test_a_step_is_found_wherever_it_is(count: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, count - 1))
    found = search([10.0] * step + [11.0] * (count - step))
    assert (found.good.index, found.bad.index) == (step - 1, step)
    assert found.moved
    assert found.step == pytest.approx(0.1)
    assert len(found.tried) <= 2 + math.ceil(math.log2(count))


@given(st.integers(3, 80), st.data())
def test_failures_are_gone_round(count: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, count - 1))
    failing = data.draw(st.sets(st.integers(1, count - 2)))
    values: list[float | None] = [10.0] * step + [11.0] * (count - step)
    for index in failing:
        values[index] = None
    found = search(values)
    assert found.good.index < step <= found.bad.index
    between = set(range(found.good.index + 1, found.bad.index))
    assert between <= failing
    assert {candidate.index for candidate in found.skipped} == between


def test_a_gain_and_negative_values_and_zero_are_steps_too() -> None:
    assert search([10.0, 10.0, 5.0]).bad.index == 2
    assert search([-1.0, -2.0, -2.0]).bad.index == 1
    assert search([0.0, 0.0, 3.0, 3.0]).bad.index == 2
    assert search([5.0, 5.0, 0.0]).bad.index == 2
    assert search([1.0, math.inf]).bad.index == 1


def test_what_is_no_number_when_measured_again_says_nothing() -> None:
    said = {0: [10.0], 1: [15.0, math.nan, 11.0, 10.0], 2: [20.0]}

    def measure(index: int) -> list[float]:
        return [said[index].pop(0) if len(said[index]) > 1 else said[index][0]]

    found = bisect(3, measure, threshold=0.05, repeat=2)
    middle = next(each for each in found.tried if each.index == 1)
    assert not any(map(math.isnan, middle.values))


def test_what_did_not_move_is_not_searched() -> None:
    found = search([10.0, 99.0, 10.4])
    assert not found.moved
    assert [candidate.index for candidate in found.tried] == [0, 2]
    assert found.change == pytest.approx(0.04)


def test_an_end_that_fails_ends_it() -> None:
    with pytest.raises(EndFailed) as caught:
        search([1.0, 2.0, None])
    assert caught.value.index == 2
    with pytest.raises(EndFailed):
        search([math.nan, 2.0])


def test_what_does_not_come_out_as_before_is_not_confirmed() -> None:
    answers = {0: [1.0], 1: [1.0, 2.0], 2: [2.0]}
    asked = []

    def measure(index: int) -> list[float]:
        asked.append(index)
        return [answers[index][min(asked.count(index) - 1, len(answers[index]) - 1)]]

    found = bisect(3, measure, threshold=0.05)
    assert (found.good.index, found.bad.index, found.confirmed) == (1, 2, False)
    assert search([1.0, 1.0, 2.0]).confirmed


def test_a_value_between_the_ends_is_measured_again() -> None:
    answers = {0: [1.0], 1: [1.45, 2.0, 2.0], 2: [2.0]}
    asked = []

    def measure(index: int) -> list[float]:
        asked.append(index)
        return [answers[index][min(asked.count(index) - 1, len(answers[index]) - 1)]]

    found = bisect(3, measure, threshold=0.05, repeat=2)
    assert asked.count(1) == 3  # 1.45 and 2.0, whose median is clear, and once to confirm
    assert (found.bad.index, found.bad.unclear) == (1, False)


def test_a_value_that_stays_between_them_is_called_unclear() -> None:
    found = search([1.0, math.sqrt(2.0), 2.0], repeat=3)
    middle = found.tried[2]
    assert middle.unclear
    assert len(middle.values) == 7  # three, three more, and once to confirm


def test_a_gradual_rise_has_a_step_smaller_than_the_whole() -> None:
    found = search([1.0 + n / 10 for n in range(11)])
    assert found.change == pytest.approx(1.0)
    assert found.step is not None
    assert found.step < 0.1


def test_noise_is_borne_by_repeating() -> None:
    rng = random.Random(7)
    right = 0
    for _ in range(100):
        step = rng.randrange(1, 64)

        def measure(index: int, step: int = step) -> list[float]:
            return [(1.0 if index < step else 1.3) * rng.lognormvariate(0, 0.05) for _ in range(5)]

        right += bisect(64, measure, threshold=0.05, repeat=2).bad.index == step
    assert right >= 95


def test_changes_without_a_ratio_have_none() -> None:
    assert relative_change(0.0, 1.0) is None
    assert relative_change(math.inf, 1.0) is None
    assert relative_change(2.0, 2.0) == 0.0
