"""Steps as a table: what changed, by how much, between which runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from graven.analysis.steps import NEW, Step
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.comparison import point_spans, tags_text
from graven.cli.render.text import plural, short_commit, short_id
from graven.cli.render.units import format_number, percent, scale_for
from graven.porcelain.steps import Steps

_STYLES = {True: "bad", False: "good", None: "dim"}
_WORDS = {True: "worse", False: "better", None: ""}


def show_steps(out: Output, answer: Steps, steps: Sequence[Step]) -> None:
    """What was looked at, then the steps, those of one run together."""
    for text in answer.warnings:
        out.warn(text)
    if not out.human:
        out.table(_for_pipes(steps))
        return
    out.line((_looked_at(answer), "dim"))
    for _, group in groupby(steps, key=lambda step: step.run_id):
        together = list(group)
        out.line("")
        out.line(*_headline(out, together[0]))
        out.table(_table(out, together))
    hidden = len(answer.steps) - len(steps)
    if hidden:
        out.note(f"{plural(hidden, 'rejected step')} not shown; --all shows all")
    if not steps:
        out.line("no step")


def _looked_at(answer: Steps) -> str:
    runs = f"{plural(answer.runs, 'run')} of {plural(answer.series, 'series', 'series')}"
    branch = f"branch {answer.branch}" if answer.branch is not None else "no branch"
    machine = f"machine {answer.machine}" if answer.machine is not None else "unknown machine"
    parts = [
        runs,
        "all branches" if answer.of_all_branches else branch,
        "all machines" if answer.of_all_machines else machine,
    ]
    if answer.off_branch:
        parts.append(f"{plural(answer.off_branch, 'run')} on other branches left out")
    if answer.elsewhere:
        parts.append(f"{plural(answer.elsewhere, 'run')} on other machines left out")
    return ", ".join(parts)


def _headline(out: Output, step: Step) -> list[Span]:
    spans: list[Span] = [
        (f"{step.timestamp.astimezone():%Y-%m-%d %H:%M}", "strong"),
        ("  run ", "dim"),
        (short_id(step.run_id), "id"),
    ]
    if step.commit is not None:
        between = f"  between {short_commit(step.last_commit) or short_id(step.last_run_id)} and "
        spans += [(between, "dim"), (short_commit(step.commit), "")]
    else:
        spans += [("  after ", "dim"), (short_id(step.last_run_id), "id")]
    return spans


def _table(out: Output, steps: Sequence[Step]) -> Table:
    table = Table("", "*", "*", ">", "", ">", ">", "", "*", header=False)
    for step in steps:
        scale = scale_for([step.before, step.after], step.unit)
        style = _STYLES[step.worse]
        table.add(
            _arrow(out, step, style),
            point_spans(step.scenario, step.name, step.tags),
            step.metric,
            (format_number(step.before, scale), "dim"),
            ("→" if out.unicode else "->", "dim"),
            format_number(step.after, scale),
            (percent(step.change), style),
            _state(step),
            (step.message, "dim"),
        )
    return table.drop_empty()


def _state(step: Step) -> Span:
    return ("", "") if step.state == NEW else (step.state, "ref")


def _arrow(out: Output, step: Step, style: str) -> Span:
    up, down = ("▲", "▼") if out.unicode else ("^", "v")
    return (up if step.after > step.before else down, style)


def _for_pipes(steps: Sequence[Step]) -> Table:
    table = Table(
        "state", "worse", "change", "before", "after", "unit", "time", "run", "commit",
        "last_run", "last_commit", "scenario", "point", "tags", "metric", "message",
    )  # fmt: skip
    for step in steps:
        table.add(
            step.state, _WORDS[step.worse], "" if step.change is None else repr(step.change),
            repr(step.before), repr(step.after), step.unit or "", step.timestamp.isoformat(),
            step.run_id, step.commit or "", step.last_run_id, step.last_commit or "",
            step.scenario, step.name, tags_text(step.tags), step.metric, step.message,
        )  # fmt: skip
    return table
