"""A picture of a metric over the runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graven.errors import InvalidInput, NotFound
from graven.porcelain.report import MAX_RUNS, ReportRequest, gather_report
from graven.porcelain.trend import nothing_fits
from graven.report.model import Report
from graven.store import Store

MAX_SERIES = 8
"""As many as there are colours and markers."""
_MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotRequest:
    """Which series and runs are drawn.

    Attributes:
        metric, point, scenario: names, or patterns with the wildcards ``* ? []``.
        tags: pairs that the points must hold.
        where: a query that chooses the runs; branch: only its runs.
        max_runs: the newest so many; max_series: at most so many series.
        group_by: key of a tag that all series drawn must have.
    """

    metric: str
    point: str = "*"
    scenario: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    branch: str | None = None
    max_runs: int = MAX_RUNS
    max_series: int = MAX_SERIES
    group_by: str | None = None


def gather_plot(store: Store, request: PlotRequest) -> Report:
    """A report of what is to be drawn, for `graven.report.plot.draw`.

    Raises:
        NotFound: no series fits; the hint names near ones.
        InvalidInput: the query is wrong, or the series have several units.
    """
    asked = ReportRequest(
        where=request.where,
        branch=request.branch,
        metric=request.metric,
        point=request.point,
        scenario=request.scenario,
        tags=request.tags,
        max_runs=request.max_runs,
        max_series=_MOST,
        compared=False,
    )
    report = gather_report(store, asked)
    if not report.series and request.tags:  # to say which there are
        report = gather_report(store, replace(asked, tags={}))
    wanted = [
        one
        for one in report.series
        if request.tags.items() <= one.tags.items()
        and (request.group_by is None or request.group_by in one.tags)
    ]
    if not wanted:
        raise _nothing(store, request, report)
    units = sorted({one.unit or "no unit" for one in wanted})
    if len(units) > 1:
        raise InvalidInput(
            f"the series have several units: {', '.join(map(repr, units))}",
            kind="several-units",
            hint="name a metric or point of one unit",
            field="metric",
        )
    shown = tuple(wanted[: request.max_series])
    return replace(report, series=shown, series_left_out=len(wanted) - len(shown))


def _nothing(store: Store, request: PlotRequest, report: Report) -> NotFound:
    if not report.runs:
        return NotFound(
            "no run fits", kind="series-missing", hint=store.explain_empty(report.where)
        )
    if report.series:
        key = request.group_by
        known = sorted({name for one in report.series for name in one.tags})
        what = f"has a tag {key!r}" if key and key not in known else "has these tags"
        return NotFound(
            f"no such series {what}",
            kind="series-missing",
            hint=f"there is {', '.join(known[:5])}" if known else "they have no tags",
        )
    return nothing_fits(store, request.metric, request.point, request.scenario)
