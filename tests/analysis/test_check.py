"""The gate fails on what got worse, and says when it cannot tell."""

from __future__ import annotations

import math

from graven.analysis import compare_runs, judge
from graven.model import MetricDef, MetricDirection, PointStatus


def check(old, new, **options):
    strict = options.pop("strict", False)
    return judge(compare_runs(old, new, **options), strict=strict)


def test_it_passes_when_nothing_got_worse(run, point):
    result = check(run(point(time=1.0)), run(point(time=1.0), id="b"))
    assert (result.passed, result.failures, result.mistakes, result.judged) == (True, (), (), 1)


def test_regressions_are_listed_worst_first_and_from_zero_above_all(run, point):
    old = run(point("a", time=1.0), point("b", time=1.0), point("c", time=0.0))
    new = run(point("a", time=1.5), point("b", time=3.0), point("c", time=1.0), id="b")
    result = check(old, new)
    assert not result.passed
    assert [row.name for row in result.failures] == ["c", "b", "a"]


def test_a_point_that_fails_now_fails_the_check(run, point):
    new = run(point(status=PointStatus.FAILED), id="b")
    assert not check(run(point(time=1.0)), new).passed


def test_a_point_that_failed_before_too_does_not(run, point):
    bad = point("bad", status=PointStatus.FAILED)
    result = check(run(bad, point(time=1.0)), run(bad, point(time=1.0), id="b"))
    assert result.passed


def test_removed_and_nan_are_doubtful_and_fail_only_when_strict(run, point):
    old = run(point("a", time=1.0), point("b", time=1.0), point("c", time=1.0))
    new = run(point("a", time=1.0), point("b", time=math.nan), id="b")
    assert check(old, new).passed
    assert [row.name for row in check(old, new).doubtful] == ["b", "c"]
    assert not check(old, new, strict=True).passed


def test_different_machines_are_a_mistake_and_no_regression(run, point):
    result = check(run(point(time=1.0)), run(point(time=9.0), id="b"), machines=("aa", "bb"))
    assert not result.passed
    assert result.failures == ()
    assert [mistake.kind for mistake in result.mistakes] == ["incomparable-machines"]


def test_nothing_in_common_is_a_mistake(run, point):
    result = check(run(point("a", time=1.0)), run(point("b", time=1.0), id="b"))
    assert [mistake.kind for mistake in result.mistakes] == ["nothing-compared"]
    undirected = check(run(point(x=1.0)), run(point(x=2.0), id="b"))
    assert [mistake.kind for mistake in undirected.mistakes] == ["nothing-judged"]
    assert undirected.to_dict()["mistakes"][0]["kind"] == "nothing-judged"


def test_why_nothing_is_judged_is_said(run, point):
    millis = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    one = run(point(time=1.0))
    (units,) = check(one, run(point(time=999.0), id="b", defs=millis)).mistakes
    assert units.hint == "their units have changed: set a baseline that has the new ones"
    (nan,) = check(one, run(point(time=math.nan), id="b")).mistakes
    assert nan.hint == "measure again: their values are no numbers"
    (way,) = check(run(point(x=1.0)), run(point(x=2.0), id="b")).mistakes
    assert way.hint.startswith("say which way is better")
