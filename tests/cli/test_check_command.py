"""The gate from end to end: what it leans on, what it prints, how it exits."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from graven.model import Metric, MetricDef, MetricDirection, Point

WAVE = [1.0, 1.01, 0.99, 1.02, 0.98]
EVIL = [
    "<script>alert(1)</script>", "a|b", "`x`", "[l](http://h)", "**b**", "\n\n# h", "@team", "#12",
    "</code></details>", "![i](x)", "&lt;", "~~~", "a\u202eb\u0007", "\\", "=cmd()", "x" * 5000,
]  # fmt: skip


@pytest.fixture
def past(store, a_run):
    """Twenty runs before r1 of the store, on main and of its machine."""
    first = store.load("r1").timestamp
    with store.batch() as batch:
        for number in range(20):
            when = first - timedelta(days=20 - number)
            run = a_run(100 + number, time=WAVE[number % 5], rate=100.0, timestamp=when)
            batch.save(run)
    store.baselines.set("main", "r1")
    return store


def check(call, *words):
    answer = call("check", "--json", *words)
    return answer.code, json.loads(answer.out)


def rows(document):
    return {row["metric"]: row for row in document["rows"]}


def test_a_suspect_passes_until_another_run_agrees(call, past, a_run):
    past.save(a_run(5, time=1.07))
    code, answer = check(call, "--run", "r2")
    assert (code, rows(answer)["time"]["judged_by"]) == (0, "history")
    past.delete("r3")
    code, answer = check(call)
    assert (code, rows(answer)["time"]["verdict"]) == (0, "suspect")
    assert check(call, "--strict")[0] == 2
    past.save(a_run(6, time=1.08))
    code, answer = check(call)
    assert (code, rows(answer)["time"]["verdict"]) == (1, "regression")
    # and of the first of the two, looked at again, the second one agrees
    assert check(call, "--run", "r5")[0] == 1


def test_a_repeat_of_the_commit_agrees_too(call, past, a_run):
    past.delete("r3")
    past.save(a_run(5, time=1.07, branch="pr"))
    assert check(call)[0] == 0
    past.save(a_run(6, time=1.08, branch="elsewhere", commit=f"{5:040x}"))
    assert check(call, "--run", "r5")[0] == 1


def test_strict_keeps_the_exit_code_of_a_regression(call, past, a_run):
    past.save(a_run(5, time=1.07, rate=50.0))
    code, answer = check(call, "--strict", "--run", "r5")
    assert (code, answer["mistakes"]) == (1, [])


def test_an_accepted_change_cuts_the_history(call, past, a_run):
    for number in range(5, 17):
        past.save(a_run(number, time=1.5 * WAVE[number % 5]))
    assert check(call)[0] == 1
    series = next(name for name in past.series() if name.metric == "time")
    past.annotate_step(series, "r3", "accepted")
    code, answer = check(call)
    assert (code, rows(answer)["time"]["verdict"]) == (0, "no-change")


def test_it_says_how_often_it_would_have_fired(call, past):
    answer = call("check", "--run", "r2")
    assert "too few to say" in answer.err
    assert "2 by the history" in answer.err or "1 by the history" in answer.err
    _, document = check(call, "--run", "r2")
    assert document["past_alarms"]["fired"] == 0
    assert document["history_runs"] >= 20


def test_the_rate_is_of_the_rule_that_judges(call, past):
    everything = check(call, "--run", "r2")[1]["past_alarms"]
    half = check(call, "--run", "r2", "--judge-by", "rate=samples")[1]["past_alarms"]
    assert half["series"] == everything["series"] - 1
    answer = call("check", "--run", "r2", "--judge-by", "ratio")
    assert "alarm" not in answer.err
    assert "would have fired" not in answer.err


def test_a_rule_about_nothing_is_told(call, past):
    answer = call("check", "--threshold", "tme=1%", "--threshold", "[rt]*=9%")
    assert "warning: --threshold tme=1% is about no metric of the two runs" in answer.err
    assert "[rt]" not in answer.err
    answer = call("compare", "--judge-by", "s/*/nothing=ratio", "--judge-by", "time=ratio")
    assert "warning: --judge-by s/*/nothing=ratio is about no metric" in answer.err
    assert "--judge-by time" not in answer.err


def test_without_a_history_it_says_so(call, store):
    call("baseline", "set", "r1")
    answer = call("check")
    assert answer.err.startswith(
        "judged: 2 by the ratio alone (the history has 1 of 10 comparable runs)"
    )
    assert check(call)[1]["past_alarms"] is None


def test_other_machines_branches_and_units_are_no_history(call, past, a_run):
    old = past.load("r1").timestamp
    milli = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    for number in range(30):
        when = old - timedelta(minutes=30 - number)
        past.save(a_run(200 + number, time=9.0, timestamp=when, environment={"cpu": "Other"}))
        past.save(a_run(300 + number, time=9.0, timestamp=when, branch="dev"))
        past.save(a_run(400 + number, time=9.0, timestamp=when, metric_defs=milli))
    _, answer = check(call, "--run", "r2")
    assert rows(answer)["time"]["history"]["median"] < 1.1


def test_the_user_may_ask_for_the_ratio(call, past, a_run):
    past.delete("r3")
    past.save(a_run(5, time=1.07))
    assert check(call, "--run", "r5", "--judge-by", "time=ratio")[0] == 1
    call("config", "judge_by.time", "ratio")
    assert check(call, "--run", "r5")[0] == 1
    assert check(call, "--run", "r5", "--judge-by", "auto")[0] == 0
    assert call("check", "--judge-by", "magic").code == 2


def test_baselines_are_found_and_missing_ones_are_exit_code_3(call, past, a_run):
    past.save(a_run(5, branch="pr"))
    code, answer = check(call, "--baseline", "latest@main")
    assert (answer["baseline"]["id"], answer["baseline_name"]) == ("r3", "latest@main")
    assert code == 0
    assert call("check", "--baseline", "latest@nope").code == 3
    assert call("check", "--baseline", "latest@nope", "--allow-missing").code == 0
    assert call("check", "--baseline", "merge-base").code == 2
    assert check(call, "--baseline", "r2")[1]["baseline"]["id"] == "r2"


def test_the_format_json_is_the_option_json(call, past):
    assert call("check", "--format", "json").out == call("check", "--json").out
    assert call("check", "--json", "--format", "text").out == call("check").out
    assert call("compare", "r1", "r2", "--format", "json").out == (
        call("compare", "r1", "r2", "--json").out
    )


def evil_runs(a_run):
    defs = {text: MetricDef(name=text, unit=text, direction=MetricDirection.LOWER) for text in EVIL}
    for number, value in ((50, 1.0), (51, 2.0)):
        points = tuple(
            Point(name=text, scenario=text, tags={text: text}, metrics={text: Metric(value=value)})
            for text in EVIL
        )
        failed = Point(name="f", scenario="s", status="ok" if number == 50 else "failed",
                       error=None if number == 50 else EVIL[0],
                       metrics={"t": Metric(value=1.0)})  # fmt: skip
        yield a_run(number, points=(*points, failed), metric_defs=defs, branch="<b>|`")


def test_no_text_of_a_file_can_break_the_comment(call, store, a_run):
    for run in evil_runs(a_run):
        store.save(run)
    store.baselines.set("main", "r50")
    answer = call("check", "--format", "md")
    assert answer.code == 1
    text = answer.out
    # Outside of code elements stands nothing but what graven writes.
    outside = re.sub(r"<code>[^<]*</code>", "", text)
    for word in ("script", "alert", "http", "@team", "cmd", "xxxx", "<b>"):
        assert word not in outside
    for inside in re.findall(r"<code>([^<]*)</code>", text):
        assert re.fullmatch(r"(?:[A-Za-z0-9 ]|&#\d+;|[^\x00-\x7f])*", inside), inside
        assert "\u202e" not in inside
    assert max(len(line) for line in text.splitlines()) < 6000
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {6, 10}  # of runs, and of rows
    ET.fromstring(f"<x>{re.sub(r'&#[0-9]+;', '', text)}</x>")  # all elements are closed


def test_the_comment_begins_with_the_answer_and_folds_what_did_not_change(call, past):
    lines = call("check", "--format", "md").out.splitlines()
    assert lines[0].startswith("**graven check failed**: 1 regression, 1 unchanged")
    assert "**Regressions**" in lines
    assert "<details><summary>No change (1)</summary>" in lines
    passed = call("compare", "r1", "r2", "--format", "md").out
    assert passed.startswith("**graven compare**: 2 unchanged\n")


def test_a_long_section_is_cut(call, store, a_run):
    def points(value):
        return tuple(
            Point(name=f"p{i}", scenario="s", metrics={"time": Metric(value=value)})
            for i in range(70)
        )

    store.save(a_run(50, points=points(1.0)))
    store.save(a_run(51, points=points(2.0)))
    text = call("compare", "r50", "r51", "--format", "md").out
    assert "and 20 more" in text.splitlines()


@pytest.mark.parametrize("columns", ["80", "120"])
def test_on_a_terminal_it_fits(call, past, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    text = re.sub(r"\x1b\[[0-9;]*m", "", call("check", "--color", "always", "-a").out)
    assert max(map(len, text.splitlines())) <= int(columns)
    assert "+50.0%" in text
    assert "ratio" in text or "runs" in text


def test_empty_runs_have_nothing_to_compare(call, store, a_run):
    store.save(a_run(50, points=()))
    store.save(a_run(51, points=()))
    store.baselines.set("main", "r50")
    for form in ("text", "json", "md"):
        assert call("check", "--format", form).code == 2


def test_without_a_new_run_nothing_has_passed(call, store):
    call("baseline", "set", "latest")
    answer = call("check")
    assert answer.code == 0
    assert answer.out.splitlines()[-1].startswith("nothing new: ")
    assert "compared with itself" in answer.err
    assert call("check", "--format", "md").out.startswith("**graven check nothing new**")
