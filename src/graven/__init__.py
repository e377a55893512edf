"""graven: a content-addressed, git-like store for benchmark and experiment runs.

Names are loaded when they are first used, so that importing the package costs nothing
(the command line answers simple questions without most of it).
"""

from graven._version import __version__

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from graven.model import (
        Metric,
        MetricDef,
        MetricDirection,
        MetricPriority,
        Origin,
        Point,
        PointStatus,
        Run,
        TrendPoint,
        TrendSeries,
    )
    from graven.store import Store, init, open

_HOMES = {
    "graven.model": (
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
    ),
    "graven.store": ("Store", "init", "open"),
}

__all__ = [
    "Metric",
    "MetricDef",
    "MetricDirection",
    "MetricPriority",
    "Origin",
    "Point",
    "PointStatus",
    "Run",
    "Store",
    "TrendPoint",
    "TrendSeries",
    "__version__",
    "init",
    "open",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
