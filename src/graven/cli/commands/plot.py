"""``graven plot``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, not_empty, pairs, where_option
from graven.cli.render.text import plural
from graven.cli.session import Session
from graven.errors import InvalidInput

if TYPE_CHECKING:
    from graven.report.model import Report

_FORMS = ("png", "svg", "pdf")
_SIZE = click.FloatRange(min=2, max=60)


@graven_command(
    "plot",
    examples=(
        "graven plot time 'matmul*' -o time.png",
        "graven plot latency -o latency.svg --tag model=bert --group-by tag.hardware",
    ),
)
@click.argument("metric")
@click.argument("point", default="*")
@click.option("-o", "--output", required=True, metavar="FILE", callback=not_empty,
              type=click.Path(), help="Picture to write, FILE.png, .svg or .pdf.")  # fmt: skip
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch, and its steps.")
@where_option
@click.option("-t", "--tag", multiple=True, metavar="K=V", help="Only points with this tag.")
@click.option("--scenario", default="*", metavar="NAME", help="Only points of this scenario.")
@click.option("-n", "--runs", "max_runs", type=click.IntRange(min=1), default=10_000, metavar="N",
              help="The newest N runs.")  # fmt: skip
@click.option("--max-series", type=click.IntRange(min=1), default=8, metavar="N",
              help="At most N series (8, as many as colours).")  # fmt: skip
@click.option("--group-by", metavar="tag.K", help="Series with one value of this tag, one colour.")
@click.option("--steps/--no-steps", default=True, help="Mark changes of level (yes).")
@click.option("--title", default="", metavar="TEXT", help="Title, not what the series share.")
@click.option("--theme", type=click.Choice(("light", "dark")), default="light", help="Colours.")
@click.option("--width", type=_SIZE, default=9.0, metavar="INCHES", help="Width (9).")
@click.option("--height", type=_SIZE, default=4.5, metavar="INCHES", help="Height (4.5).")
@click.option("--dpi", type=click.IntRange(30, 600), default=120, metavar="N",
              help="Dots an inch, of png (120).")  # fmt: skip
def command(session: Session, metric: str, point: str, output: str, **asked: Any) -> None:
    """Draw METRIC of POINT over the runs.

    Names may hold the wildcards * ? []. Where runs have bounds or samples, they are a band
    around the line; a step is a broken line with its change, a baseline a ring; what is
    simulated is hollow, what is imported half filled. Needs matplotlib: pip install
    'graven[plot]'. The same numbers give the same file.
    """
    from graven.porcelain.plot import PlotRequest, gather_plot

    form = os.path.splitext(output)[1].lower().removeprefix(".")
    if form not in _FORMS:
        raise InvalidInput(
            f"{output}: no picture ends in {'.' + form if form else 'nothing'!r}",
            kind="unknown-form", hint=f"end it in {', '.join('.' + one for one in _FORMS)}",
            field="output",
        )  # fmt: skip
    names = ("branch", "scenario", "max_runs", "max_series")
    request = PlotRequest(
        metric=metric,
        point=point,
        where=asked["where"] or "",
        tags=pairs(asked["tag"], "tag"),
        group_by=_group(asked["group_by"]),
        **{name: asked[name] for name in names},
    )
    report = gather_plot(session.open_store(), request)
    _draw(session, report, output, form, asked)


def _group(field: str | None) -> str | None:
    if field is None:
        return None
    head, _, key = field.partition(".")
    if head != "tag" or not key:
        raise InvalidInput(
            f"series cannot be grouped by {field!r}", kind="bad-group", hint="tag.KEY",
            field="group_by",
        )  # fmt: skip
    return key


def _draw(session: Session, report: Report, output: str, form: str, asked: dict[str, Any]) -> None:
    from graven.cli.render.units import size
    from graven.porcelain.report_files import write_file
    from graven.report.plot import PlotStyle, draw
    from graven.userdirs import cache_dir

    # What matplotlib remembers of fonts goes where our own caches are, and no settings of
    # the person's come in.
    os.environ.setdefault("MPLCONFIGDIR", os.path.join(cache_dir(), "matplotlib"))
    style = PlotStyle(
        width=asked["width"],
        height=asked["height"],
        dpi=asked["dpi"],
        dark=asked["theme"] == "dark",
        steps=asked["steps"],
        group_by=_group(asked["group_by"]),
        title=asked["title"],
    )
    picture = draw(report, form, style)
    write_file(output, lambda file: file.write(picture))
    left_out = report.left_out()
    runs = len({row for one in report.series for row in one.rows.tolist()})
    if session.json:
        session.out.document("plot", {
            "path": output, "format": form, "bytes": len(picture), "runs": runs,
            "series": len(report.series), "left_out": left_out,
        })  # fmt: skip
    said = f"{plural(len(report.series), 'series', 'series')} of {plural(runs, 'run')}"
    session.out.note(f"{output}: {said}, {size(len(picture))}")
    if left_out:
        session.out.note(f"left out: {'; '.join(left_out)}")
