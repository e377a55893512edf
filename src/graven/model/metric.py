"""A measured value and the definition that says how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeVar

from graven.model.reading import (
    fail,
    plain,
    read_list,
    read_map,
    read_number,
    read_numbers,
    read_optional_number,
    read_optional_text,
    read_text,
    show,
)


class MetricDirection(StrEnum):
    """Which way is better. ``info`` metrics are shown and never judged."""

    HIGHER = "higher"
    LOWER = "lower"
    INFO = "info"


class MetricPriority(StrEnum):
    """Whether a metric leads in summaries."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


_E = TypeVar("_E", bound=StrEnum)

DIRECTION_SOURCES = ("declared", "tool", "unit", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDef:
    """What a metric means.

    Attributes:
        name: key of the metric in ``Point.metrics``.
        unit: unit of the values as stored ("s", "B", "ops/s", "1").
        direction: which way is better.
        group: heading in summaries.
        priority: primary metrics lead.
        description: one line for people.
        direction_source: who said so: ``declared`` by the user or file, by the
            ``tool``, inferred from the ``unit``, or ``unknown`` (a guess nobody backs;
            ``check`` does not judge such a metric unless told to).
        unit_given: unit in the source file, where the stored values were scaled.
        extra: fields of a newer writer, kept as they came.
    """

    name: str
    unit: str
    direction: MetricDirection
    group: str = ""
    priority: MetricPriority = MetricPriority.SECONDARY
    description: str = ""
    direction_source: str = "declared"
    unit_given: str | None = None
    extra: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; calibrax's six fields always, ours where they say something."""
        record: dict[str, Any] = {
            "name": self.name,
            "unit": self.unit,
            "direction": str(self.direction),
            "group": self.group,
            "priority": str(self.priority),
            "description": self.description,
        }
        if self.direction_source != "declared":
            record["direction_source"] = self.direction_source
        if self.unit_given is not None:
            record["unit_given"] = self.unit_given
        return _with_extra(record, self.extra)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "metric_def") -> Self:
        """Read `to_dict`'s form; ``name``, ``unit`` and ``direction`` must be there."""
        record = read_map(data, where)
        for key in ("name", "unit", "direction"):
            if key not in record:
                fail(f"{where}.{key}", "is missing")
        source = read_text(record.pop("direction_source", "declared"), f"{where}.direction_source")
        if source not in DIRECTION_SOURCES:
            fail(
                f"{where}.direction_source", f"{source!r} is none of {', '.join(DIRECTION_SOURCES)}"
            )
        return cls(
            name=read_text(record.pop("name"), f"{where}.name"),
            unit=read_text(record.pop("unit"), f"{where}.unit"),
            direction=_choice(MetricDirection, record.pop("direction"), f"{where}.direction"),
            group=read_text(record.pop("group", ""), f"{where}.group"),
            priority=_choice(
                MetricPriority, record.pop("priority", "secondary"), f"{where}.priority"
            ),
            description=read_text(record.pop("description", ""), f"{where}.description"),
            direction_source=source,
            unit_given=read_optional_text(record.pop("unit_given", None), f"{where}.unit_given"),
            extra=plain(record, where) if record else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measured value.

    Attributes:
        value: the estimate, float64, in the unit of the metric's definition; NaN and
            infinities are kept.
        lower, upper: bounds of an interval around it, or None.
        samples: what it was estimated from, in the order measured, or None.
        sample_groups: how many consecutive samples came from each process; sums to
            ``len(samples)``. None where the tool does not say.
        estimator: how ``value`` was made from the samples ("median", "min", "mean").
        extra: fields of a newer writer, kept as they came.
    """

    value: float
    lower: float | None = None
    upper: float | None = None
    samples: tuple[float, ...] | None = None
    sample_groups: tuple[int, ...] | None = None
    estimator: str | None = None
    extra: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; None fields are left out.

        Raises:
            InvalidInput: ``value``, a bound or a sample is no number that float64 holds.
        """
        value, lower, upper = self.value, self.lower, self.upper
        record: dict[str, Any] = {
            "value": value if type(value) is float else read_number(value, "value")
        }
        if lower is not None:
            record["lower"] = lower if type(lower) is float else read_number(lower, "lower")
        if upper is not None:
            record["upper"] = upper if type(upper) is float else read_number(upper, "upper")
        if self.samples is not None:
            record["samples"] = list(read_numbers(self.samples, "samples"))
        if self.sample_groups is not None:
            record["sample_groups"] = list(self.sample_groups)
        if self.estimator is not None:
            record["estimator"] = self.estimator
        return _with_extra(record, self.extra) if self.extra else record

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "metric") -> Self:
        """Read `to_dict`'s form; only ``value`` must be there."""
        record = read_map(data, where)
        if "value" not in record:
            fail(f"{where}.value", "is missing")
        samples = record.pop("samples", None)
        groups = record.pop("sample_groups", None)
        return cls(
            value=read_number(record.pop("value"), f"{where}.value"),
            lower=read_optional_number(record.pop("lower", None), f"{where}.lower"),
            upper=read_optional_number(record.pop("upper", None), f"{where}.upper"),
            samples=None if samples is None else read_numbers(samples, f"{where}.samples"),
            sample_groups=_optional_groups(groups, samples, f"{where}.sample_groups"),
            estimator=read_optional_text(record.pop("estimator", None), f"{where}.estimator"),
            extra=plain(record, where) if record else None,
        )


def _optional_groups(groups: object, samples: object, where: str) -> tuple[int, ...] | None:
    return None if groups is None else read_groups(groups, samples, where)


def read_groups(groups: object, samples: object, where: str) -> tuple[int, ...]:
    """How many samples came from each process.

    Raises:
        InvalidInput: no list of counts, or they do not add up to the samples.
    """
    counts = read_list(groups, where)
    if not all(type(count) is int and count >= 0 for count in counts):
        fail(where, f"expected a list of counts, got {show(groups)}")
    if sum(counts) != (len(samples) if isinstance(samples, (list, tuple)) else 0):
        fail(where, "does not add up to the number of samples")
    return tuple(counts)


def _choice(kind: type[_E], value: object, where: str) -> _E:
    try:
        return kind(read_text(value, where))
    except ValueError:
        fail(where, f"{show(value)} is none of {', '.join(kind)}")


def _with_extra(record: dict[str, Any], extra: dict[str, Any] | None) -> dict[str, Any]:
    if extra:
        for key, value in extra.items():
            record.setdefault(key, value)
    return record
