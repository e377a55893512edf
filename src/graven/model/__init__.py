"""The values people work with: a run, its points, their metrics. No I/O, no hashing.

Field names are calibrax's where calibrax has the field; docs/format.md lists all.
Every record is frozen, reads itself with ``from_dict`` (clear errors that name the
field) and writes itself with ``to_dict`` (JSON-ready, defaults of our own fields
left out, so that a calibrax reader meets what it knows).
"""

from graven.model.metric import Metric, MetricDef, MetricDirection, MetricPriority
from graven.model.point import Point, PointStatus
from graven.model.run import Origin, Run
from graven.model.trend import TrendPoint, TrendSeries

__all__ = [
    "Metric",
    "MetricDef",
    "MetricDirection",
    "MetricPriority",
    "Origin",
    "Point",
    "PointStatus",
    "Run",
    "TrendPoint",
    "TrendSeries",
]
