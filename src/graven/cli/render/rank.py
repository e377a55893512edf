"""Ranked runs as a table: the score, the values it comes from, the run."""

from __future__ import annotations

import math

from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.text import plural, short_commit, short_id
from graven.cli.render.units import format_number, scale_for
from graven.porcelain.rank import Ranked, RankedRun

_SHOWN = 3  # runs named in one remark
_MOST_METRICS = 5  # columns that a terminal of 80 characters holds beside the run
_WITH_LABELS = 3  # metrics beside which there is room for what a run is labelled with


def show_ranked(out: Output, answer: Ranked, *, pareto: bool) -> None:
    """How it was ranked, then the runs."""
    for text in answer.warnings:
        out.warn(text)
    for metric, run_ids in answer.lacking.items():
        more = f" and {len(run_ids) - _SHOWN:,} more" if len(run_ids) > _SHOWN else ""
        what = "not on the front" if pareto else "without a score"
        named = ", ".join(run_ids[:_SHOWN])
        out.note(f"{what}, since {metric} is no number there: {named}{more}")
    if not out.human:
        out.table(_for_pipes(answer))
        return
    out.line((_how(answer, pareto), "dim"))
    out.table(_table(answer))
    hidden = len(answer.metrics) - _MOST_METRICS
    if hidden > 0:
        out.note(f"{plural(hidden, 'more metric')} not shown; --json and pipes get all")


def _how(answer: Ranked, pareto: bool) -> str:
    parts = []
    for name, weight, direction in zip(
        answer.metrics[:_MOST_METRICS], answer.weights, answer.directions, strict=False
    ):
        times = "" if pareto or weight == 1 else f" x {weight:g}"
        parts.append(f"{name}{times} ({direction} is better)")
    if len(answer.metrics) > _MOST_METRICS:
        parts.append(f"and {len(answer.metrics) - _MOST_METRICS:,} more")
    shown = f"{len(answer.runs):,} of {plural(answer.total, 'run')}"
    front = ", on the Pareto front" if pareto else ""
    return f"{shown}{front}, by {', '.join(parts)}"


def _table(answer: Ranked) -> Table:
    metrics = answer.metrics[:_MOST_METRICS]
    scales = []
    for at, name in enumerate(metrics):
        known = answer.definitions.get(name)
        values = [run.values[at] for run in answer.runs if math.isfinite(run.values[at])]
        scales.append(scale_for(values, known.unit if known else None))
    labels = ("when", "branch", "commit") if len(metrics) <= _WITH_LABELS else ()
    table = Table(">", ">score", *(f">{name}" for name in metrics), "run", *labels)
    for run in answer.runs:
        cells = [
            ("" if math.isnan(value) else format_number(value, scale), "")
            for value, scale in zip(run.values[: len(metrics)], scales, strict=True)
        ]
        table.add(*_place(run), *cells, *_run(run)[: 1 + len(labels)])
    return table.drop_empty()


def _place(run: RankedRun) -> tuple[Span, Span]:
    place = "" if run.place is None else f"{run.place:,}"
    score = "" if run.score is None else f"{run.score:.4f}"
    return ((place, "dim"), (score, "strong"))


def _run(run: RankedRun) -> tuple[Span | str, ...]:
    header = run.header
    return (
        (short_id(header.run_id), "id"),
        f"{header.timestamp.astimezone():%Y-%m-%d %H:%M}",
        header.branch or "",
        (short_commit(header.commit), "dim"),
    )


def _for_pipes(answer: Ranked) -> Table:
    table = Table("place", "score", "run", "time", "branch", "commit", *answer.metrics)
    for run in answer.runs:
        header = run.header
        table.add(
            "" if run.place is None else str(run.place),
            "" if run.score is None else repr(run.score),
            header.run_id,
            header.timestamp.isoformat(),
            header.branch or "",
            header.commit or "",
            *(repr(value) for value in run.values),
        )
    return table
