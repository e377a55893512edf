"""Series of a report as one picture: PNG, SVG or PDF, the same bytes for the same numbers.

matplotlib draws, with a style of our own: no file of the person's settings, no window and no
network has a part in it. Text of a store is never read as mathematics.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from graven.errors import NotFound
from graven.report.numbers import percent, scale_for
from graven.report.plot_labels import Labels, label_series, printable
from graven.store.extras import need

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.report.model import Report, ReportRun, ReportSeries

    Floats = NDArray[np.float64]

FORMS = ("png", "svg", "pdf")
_REJECTED = "rejected"
_MOST_MARKERS = 40  # of a series; more hide the line
_MARKERS = "os^DvPX*"
_DASHES = ("-", "--", "-.", ":")
_FILLS = {"measured": "full", "simulated": "none", "imported": "bottom"}
_NEAR = 0.09  # of the width; labels of steps nearer than that stand below each other
_LARGEST = 1e290
_ROOM = 0.08  # of the height, for the labels of steps
_WAYS = ("lower", "higher")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Okabe and Ito's colours, which the colour-blind tell apart too; in the dark the pale ones lead.
_LIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F6000")
_DARK = ("#56B4E9", "#E69F00", "#2FC99A", "#F0E442", "#CC79A7", "#FF8A4C", "#FFFFFF", "#8FA8FF")

# No date, no program's version: the same numbers are the same bytes.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotStyle:
    """What a picture looks like.

    Attributes:
        width, height: inches; dpi: dots an inch, of PNG.
        dark: light text on dark ground.
        steps: mark changes of level.
        group_by: key of a tag: series that share its value share a colour.
        title: of the picture; else what the series share.
    """

    width: float = 9.0
    height: float = 4.5
    dpi: int = 120
    dark: bool = False
    steps: bool = True
    group_by: str | None = None
    title: str = ""

    @property
    def ground(self) -> str:
        """Colour of the background."""
        return "#14171c" if self.dark else "#ffffff"

    @property
    def ink(self) -> str:
        """Colour of text and axes."""
        return "#d7dce2" if self.dark else "#1c2126"

    @property
    def rule(self) -> str:
        """Colour of the lines that help the eye."""
        return "#343a43" if self.dark else "#dfe3e8"

    @property
    def colours(self) -> tuple[str, ...]:
        """Of the series, in order."""
        return _DARK if self.dark else _LIGHT


def draw(report: Report, form: str, style: PlotStyle | None = None) -> bytes:
    """The series of a report over time: all of one unit, in as many colours as there are.

    Args:
        report: its series and runs are drawn, and the baselines among the runs.
        form: one of `FORMS`.
        style: what it looks like.

    Raises:
        InvalidInput: the extra ``plot`` is not installed. NotFound: there is no number to draw.
    """
    import numpy as np

    need("matplotlib", "plot", "a plot")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    look = style or PlotStyle()
    if not any(_drawable(one.values).any() for one in report.series):
        raise NotFound("there is no number to draw", kind="series-missing")
    file = io.BytesIO()
    # A character that no font has is drawn as a box; extreme numbers have odd limits.
    with mpl.rc_context(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        settings: Any = mpl.rcParams  # its keys are typed, and not the same in all versions
        settings.update(mpl.rcParamsDefault)
        settings.update(_settings(look))
        figure = Figure(figsize=(look.width, look.height), layout="constrained")
        _Drawing(figure, report, look).draw()
        figure.savefig(file, format=form, dpi=look.dpi, metadata=_METADATA[form])
    return file.getvalue()


def _settings(look: PlotStyle) -> dict[str, Any]:
    return {
        "text.parse_math": False,
        "svg.hashsalt": "graven",
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
        "font.family": "DejaVu Sans",  # comes with matplotlib
        "font.size": 9,
        "figure.facecolor": look.ground,
        "savefig.facecolor": look.ground,
        "axes.facecolor": look.ground,
        "axes.edgecolor": look.ink,
        "axes.labelcolor": look.ink,
        "axes.titlecolor": look.ink,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": look.rule,
        "text.color": look.ink,
        "xtick.color": look.ink,
        "ytick.color": look.ink,
        "legend.frameon": False,
        "lines.solid_capstyle": "round",
    }


class _Drawing:
    """One picture while it is made."""

    def __init__(self, figure: Any, report: Report, look: PlotStyle) -> None:
        import numpy as np

        self.figure, self.report, self.look = figure, report, look
        self.axes = figure.add_subplot()
        values = np.concatenate([one.values[_drawable(one.values)] for one in report.series])
        self.divisor, self.unit = scale_for(_typical(values), report.series[0].unit)
        self.handles: list[Any] = []
        self.names: list[str] = []
        self.colours: list[str] = []

    def draw(self) -> None:
        labels = label_series(self.report.series, self.look.group_by)
        groups = list(dict.fromkeys(labels.groups))
        for at, one in enumerate(self.report.series):
            group = labels.groups[at]
            self._series(
                one,
                labels.names[at],
                colour=self.look.colours[groups.index(group) % len(self.look.colours)],
                marker=_MARKERS[at % len(_MARKERS)],
                dashes=_DASHES[labels.groups[:at].count(group) % len(_DASHES)],
            )
        if self.look.steps:
            self._steps()
        self._baselines()
        self._frame(labels)

    def _times(self, rows: Sequence[int]) -> Floats:
        import numpy as np

        return np.array([_time(self.report.runs[row].timestamp) for row in rows])

    def _scaled(self, values: Floats) -> Floats:
        import numpy as np

        return np.where(_drawable(values), values / self.divisor, np.nan)

    def _series(
        self, one: ReportSeries, name: str, *, colour: str, marker: str, dashes: str
    ) -> None:
        import numpy as np

        times, values = self._times(one.rows.tolist()), self._scaled(one.values)
        if one.lower is not None and one.upper is not None:
            self.axes.fill_between(
                times, self._scaled(one.lower), self._scaled(one.upper),
                color=colour, alpha=0.25 if self.look.dark else 0.18, linewidth=0,
            )  # fmt: skip
        self.axes.plot(times, values, color=colour, linewidth=1.5, linestyle=dashes)
        origins = np.array([self.report.runs[row].origin for row in one.rows.tolist()])
        shown = np.flatnonzero(np.isfinite(values))
        shown = shown[:: max(1, len(shown) // _MOST_MARKERS)]
        for origin in dict.fromkeys(origins[shown].tolist()):
            picked = shown[origins[shown] == origin]
            self.axes.plot(
                times[picked], values[picked], linestyle="", marker=marker, markersize=4.5,
                color=colour, **self._filled(_FILLS.get(origin, "full")),
            )  # fmt: skip
        fills = [_FILLS.get(origin, "full") for origin in sorted(set(origins.tolist()))]
        (handle,) = self.axes.plot(
            [], [], color=colour, linewidth=1.5, linestyle=dashes, marker=marker, markersize=4.5,
            **self._filled(fills[0] if len(fills) == 1 else "full"),
        )  # fmt: skip
        lost = int((~np.isnan(one.values) & ~_drawable(one.values)).sum())
        note = _origin_note(sorted(set(origins.tolist())))
        self._legend(handle, name + note + (f" ({lost:,} too large to draw)" if lost else ""))
        self.colours.append(colour)

    def _filled(self, fill: str) -> dict[str, str]:
        """A marker full, half or empty; empty ones hide the line behind them."""
        if fill == "none":
            return {"markerfacecolor": self.look.ground}
        return {"fillstyle": fill, "markerfacecoloralt": self.look.ground}

    def _steps(self) -> None:
        from matplotlib.patheffects import withStroke

        labelled: list[float] = []
        left, right = self.axes.get_xlim()
        edge = [withStroke(linewidth=2.5, foreground=self.look.ground)]
        for one, colour in zip(self.report.series, self.colours, strict=True):
            for step in one.steps:
                if step.state == _REJECTED:
                    continue
                at = _time(step.timestamp)
                self.axes.axvline(at, color=colour, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
                line = sum(abs(at - other) < _NEAR * (right - left) for other in labelled)
                labelled.append(at)
                self.axes.annotate(
                    percent(step.change) or "step", (at, 1.0), (3, -9 - 11 * line), color=colour,
                    xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8,
                    path_effects=edge,
                )  # fmt: skip
        if labelled:
            low, high = self.axes.get_ylim()
            self.axes.set_ylim(low, high + (high - low) * _ROOM)
            (handle,) = self.axes.plot([], [], color=self.look.ink, linewidth=1,
                                       linestyle=(0, (4, 3)))  # fmt: skip
            self._legend(handle, "step")

    def _baselines(self) -> None:
        named = {row: names for row, run in enumerate(self.report.runs) if (names := _names(run))}
        marked: dict[str, None] = {}
        for one in self.report.series:
            values = self._scaled(one.values)
            for at, row in enumerate(one.rows.tolist()):
                if row in named and math.isfinite(values[at]):
                    self.axes.plot(self._times([row]), values[at : at + 1], linestyle="",
                                   **self._ring())  # fmt: skip
                    marked.update(dict.fromkeys(named[row]))
        if marked:
            (handle,) = self.axes.plot([], [], linestyle="", **self._ring())
            self._legend(handle, f"baseline {', '.join(marked)}")

    def _ring(self) -> dict[str, Any]:
        return {"marker": "o", "markersize": 11, "markerfacecolor": "none",
                "markeredgecolor": self.look.ink, "markeredgewidth": 1.3}  # fmt: skip

    def _legend(self, handle: Any, name: str) -> None:
        self.handles.append(handle)
        self.names.append(printable(name))

    def _frame(self, labels: Labels) -> None:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        way = self.report.series[0].way
        unit = ", ".join(filter(None, (self.unit, f"{way} is better" if way in _WAYS else "")))
        metric = printable(labels.metric)
        self.axes.set_ylabel(f"{metric} ({unit})" if unit else metric)
        self.axes.set_xlabel("time (UTC)")
        self.axes.margins(x=0.02)
        # matplotlib's dates have no types, as far as its other modules do.
        locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=9)  # type: ignore[no-untyped-call]  # see above
        self.axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]  # see above
        self.axes.xaxis.set_major_formatter(formatter)
        left, right = self.axes.get_xlim()  # a margin may reach beyond what a date can say
        first, last = (
            _time(datetime(1, 1, 1, tzinfo=UTC)),
            _time(datetime(9999, 12, 31, tzinfo=UTC)),
        )
        self.axes.set_xlim(max(left, first), min(right, last))
        wide = max(1, int(self.look.width * 14) // (max(map(len, self.names)) + 8))
        self.figure.legend(
            self.handles, self.names, loc="outside upper left", ncols=min(wide, 4),
            title=printable(self.look.title or labels.title), alignment="left",
            title_fontproperties={"weight": "bold", "size": 11}, handlelength=2.4,
            columnspacing=1.6, borderaxespad=0.2,
        )  # fmt: skip


def _drawable(values: Floats) -> NDArray[np.bool_]:
    """Numbers that are no larger than matplotlib can count with."""
    import numpy as np

    return np.abs(values) < _LARGEST  # nothing is less than NaN


def _typical(values: Floats) -> list[float]:
    """What a scale is chosen by: the middle, since a few odd values would make it unreadable."""
    import numpy as np

    return [float(np.median(np.abs(values)))] if len(values) else []


def _time(moment: datetime) -> float:
    """As matplotlib counts: days since 1970."""
    return (moment - _EPOCH) / timedelta(days=1)


def _origin_note(origins: Sequence[str]) -> str:
    if list(origins) == ["measured"]:
        return ""
    hollow = {"simulated": " hollow", "imported": " half filled"}
    if len(origins) == 1:
        return f" ({origins[0]})"
    told = [f"{origin}:{hollow[origin]}" for origin in origins if origin in hollow]
    return f" ({', '.join(told)})"


def _names(run: ReportRun) -> list[str]:
    return [name.removeprefix("baselines/") for name in run.refs if name.startswith("baselines/")]
