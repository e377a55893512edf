"""Tail of Student's t distribution, without scipy."""

from __future__ import annotations

import math

_TINY = 1e-300
_ENOUGH = 1e-15
_STEPS = 10_000


def two_sided_p(t: float, freedom: float) -> float:
    """The chance of a t at least this far from zero, with so many degrees of freedom.

    It is the regularised incomplete beta function I_x(freedom/2, 1/2) at
    x = freedom / (freedom + t^2) (Abramowitz and Stegun, 26.7.1 and 26.5.27).
    """
    if math.isnan(t):
        return 1.0
    if math.isinf(t):
        return 0.0
    square = t * t
    total = freedom + square
    if math.isinf(total):
        return 0.0
    return _incomplete_beta(freedom / 2, 0.5, freedom / total, square / total)


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """I_x(a, b), with ``rest`` = 1 - x given apart so that no digits are lost near 1."""
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # there the fraction converges for the other tail
        return 1 - _incomplete_beta(b, a, rest, x)
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log(rest)
    )  # fmt: skip
    return math.exp(log_front) / a * _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, from the front (Lentz)."""
    upper, lower, value = 1.0, 0.0, 1.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        lower = 1 / _away(1 + term * lower)
        upper = _away(1 + term / upper)
        value *= upper * lower
        if abs(upper * lower - 1) < _ENOUGH:
            break
    return 1 / value


def _away(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
