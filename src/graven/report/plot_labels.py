"""What series are called in a picture: what they share once, what tells them apart at each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graven.report.model import ReportSeries

_MOST = 48  # characters of a name


@dataclass(frozen=True, slots=True)
class Labels:
    """Of some series.

    Attributes:
        title: what they share, and the metric.
        metric: of the axis.
        names: one a series, in order; groups: one a series, equal for those of one colour.
    """

    title: str
    metric: str
    names: tuple[str, ...]
    groups: tuple[str, ...]


def label_series(series: Sequence[ReportSeries], group_by: str | None = None) -> Labels:
    """Names for series; with ``group_by`` the value of this tag leads."""
    facts = [_facts(one) for one in series]
    keys = list(dict.fromkeys(key for one in facts for key in one))
    shared = [key for key in keys if len({one.get(key) for one in facts}) == 1]
    metrics = list(dict.fromkeys(one.metric for one in series))
    metric = metrics[0] if len(metrics) == 1 else "value"
    names = []
    for one in facts:
        own = [key for key in keys if key not in shared and one.get(key)]
        lead = f"tag {group_by}"
        if group_by is not None and lead in own:
            own.remove(lead)
            own.insert(0, lead)
        names.append(printable(", ".join(_word(key, one[key]) for key in own)) or metric)
    common = facts[0] if facts else {}
    place = "/".join(common[key] for key in ("scenario", "point") if key in shared and common[key])
    tags = ", ".join(_word(key, common[key]) for key in shared if key.startswith("tag "))
    title = ", ".join(filter(None, (f"{place} {metric}".strip(), tags)))
    if group_by is None:
        groups = tuple(map(str, range(len(series))))
    else:
        groups = tuple(one.tags.get(group_by, "") for one in series)
    return Labels(title, metric, tuple(names), groups)


def _facts(one: ReportSeries) -> dict[str, str]:
    tags = {f"tag {key}": value for key, value in sorted(one.tags.items())}
    return {"scenario": one.scenario, "point": one.name, "metric": one.metric, **tags}


def _word(key: str, value: str) -> str:
    return f"{key.removeprefix('tag ')}={value}" if key.startswith("tag ") else value


def printable(text: str) -> str:
    """One line that a picture can show; a name that begins with _ would not be in a legend."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    shown = shown if len(shown) <= _MOST * 2 else shown[: _MOST * 2 - 1] + "…"
    return f" {shown}" if shown.startswith("_") else shown
