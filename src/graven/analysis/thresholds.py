"""How large a change counts, and what decides: a default, and rules for metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Self, TypeVar

from graven.analysis.comparison import JudgedBy
from graven.errors import InvalidInput

_T = TypeVar("_T")

DEFAULT_THRESHOLD = 0.05
DEFAULT_FLOOR = 0.0  # from a baseline of zero every worsening counts, unless the user sets a floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Relative thresholds (0.05 is 5 %) and absolute floors.

    A rule's pattern is a metric's name, or ``scenario/name/metric``; both may hold the
    wildcards ``* ? []``. Of the rules that fit, one with a path beats one without, an
    exact one beats a wildcard, and the later one wins among equals; flags stand in a
    layer of their own above the configuration.

    Attributes:
        default: relative threshold where no rule fits.
        layers: rule lists, weakest layer first; each is (pattern, threshold) pairs.
        floors: (pattern, absolute difference in the metric's unit) pairs, used where the
            baseline is zero and no ratio exists.
    """

    default: float = DEFAULT_THRESHOLD
    layers: tuple[tuple[tuple[str, float], ...], ...] = ()
    floors: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_config(
        cls, thresholds: object = None, floors: object = None, *, where: str = "config.json"
    ) -> Self:
        """Read the maps ``thresholds`` and ``floors`` of a store's configuration.

        Values are numbers (0.1) or text ("10%"); the key ``default`` sets the default.

        Raises:
            InvalidInput: names the key that is wrong.
        """
        rules = _read_rules(thresholds, f"{where}: thresholds", parse_threshold)
        default = rules.pop("default", DEFAULT_THRESHOLD)
        return cls(
            default=default,
            layers=(tuple(rules.items()),) if rules else (),
            floors=tuple(_read_rules(floors, f"{where}: floors", _parse_floor).items()),
        )

    def with_flags(self, flags: tuple[str, ...]) -> Self:
        """Add a layer from flags: ``10%`` or ``0.1`` (for all), ``metric=5%``.

        A bare value replaces the default and every rule below it: who types it means it.

        Raises:
            InvalidInput: a flag that is no threshold.
        """
        rules: list[tuple[str, float]] = []
        default: float | None = None
        for flag in flags:
            pattern, equals, value = flag.rpartition("=")
            if equals and not pattern:
                raise InvalidInput(
                    f"threshold {flag!r} names no metric",
                    kind="bad-threshold",
                    hint="write --threshold 10% or --threshold METRIC=10%",
                )
            if equals:
                rules.append((pattern, parse_threshold(value, f"threshold {flag!r}")))
            else:
                default = parse_threshold(value, f"threshold {flag!r}")
        base = self if default is None else replace(self, default=default, layers=())
        return replace(base, layers=(*base.layers, tuple(rules))) if rules else base

    def threshold_for(self, scenario: str, name: str, metric: str) -> float:
        """The relative threshold of one metric of one benchmark."""
        for rules in reversed(self.layers):
            found = _best_rule(rules, scenario, name, metric)
            if found is not None:
                return found
        return self.default

    def floor_for(self, scenario: str, name: str, metric: str) -> float:
        """The absolute floor of one metric of one benchmark."""
        rest = tuple(rule for rule in self.floors if rule[0] != "default")
        found = _best_rule(rest, scenario, name, metric)
        return dict(self.floors).get("default", DEFAULT_FLOOR) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What metrics are judged by: ``auto``, ``samples`` or ``ratio``; patterns as `Thresholds`.

    Attributes:
        default: where no rule fits.
        layers: rule lists, weakest layer first.
    """

    default: JudgedBy = JudgedBy.AUTO
    layers: tuple[tuple[tuple[str, JudgedBy], ...], ...] = ()

    @classmethod
    def from_config(cls, ways: object = None, *, where: str = "config.json") -> Self:
        """Read the map ``judge_by`` of a store's configuration.

        Raises:
            InvalidInput: names the key that is wrong.
        """
        rules = _read_rules(ways, f"{where}: judge_by", parse_way)
        default = rules.pop("default", JudgedBy.AUTO)
        return cls(default=default, layers=(tuple(rules.items()),) if rules else ())

    def with_flags(self, flags: tuple[str, ...]) -> Self:
        """Add a layer from flags: ``ratio`` (for all), ``memory=ratio``.

        Raises:
            InvalidInput: a flag that says nothing of the kind.
        """
        rules: list[tuple[str, JudgedBy]] = []
        base = self
        for flag in flags:
            pattern, _, word = flag.rpartition("=")
            way = parse_way(word, f"--judge-by {flag}")
            if pattern:
                rules.append((pattern, way))
            else:
                base = replace(self, default=way, layers=())
        return replace(base, layers=(*base.layers, tuple(rules))) if rules else base

    def way_for(self, scenario: str, name: str, metric: str) -> JudgedBy:
        """What one metric of one benchmark is judged by."""
        for rules in reversed(self.layers):
            found = _best_rule(rules, scenario, name, metric)
            if found is not None:
                return found
        return self.default


WAYS = (JudgedBy.AUTO, JudgedBy.SAMPLES, JudgedBy.RATIO)


def parse_way(value: object, where: str = "judge_by") -> JudgedBy:
    """Read ``auto``, ``samples`` or ``ratio``.

    Raises:
        InvalidInput: none of them.
    """
    if value not in WAYS:
        raise InvalidInput(
            f"{where}: {str(value)[:40]!r} is none of {', '.join(WAYS)}",
            kind="bad-judge_by",
            hint="--judge-by ratio, or --judge-by METRIC=ratio",
            field="judge_by",
        )
    return JudgedBy(str(value))


def parse_threshold(value: object, where: str = "threshold") -> float:
    """Read ``0.1`` or ``"10%"`` as the fraction 0.1.

    A bare number of 1 or more is refused: whoever writes 5 means 5 %, not 500 %.

    Raises:
        InvalidInput: not a number, negative, not finite, or a bare number of 1 or more.
    """
    text = str(value).strip()
    number = _parse_number(text.removesuffix("%").strip(), value)
    if number is None or number < 0:
        raise InvalidInput(
            f"{where}: not a threshold: {str(value)[:40]!r}",
            kind="bad-threshold",
            hint="write a percentage like 10% or a fraction like 0.1",
        )
    if text.endswith("%"):
        return number / 100
    if number >= 1:
        raise InvalidInput(
            f"{where}: {text} could mean {text}% or {number:.0%}",
            kind="bad-threshold",
            hint=f"write {text}% or {number * 100:g}%",
        )
    return number


def _parse_floor(value: object, where: str) -> float:
    number = _parse_number(str(value), value)
    if number is None or number < 0:
        raise InvalidInput(f"{where}: not a floor: {str(value)[:40]!r}", kind="bad-threshold")
    return number


def _parse_number(text: str, value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _read_rules(rules: object, where: str, parse: Callable[[object, str], _T]) -> dict[str, _T]:
    if rules is None:
        return {}
    if not isinstance(rules, Mapping):
        what = where.rpartition(" ")[2].removesuffix("s")
        raise InvalidInput(
            f"{where}: expected a map of metric to {what}", kind=f"bad-{what}", field=where
        )
    return {str(name): parse(value, f"{where}.{name}") for name, value in rules.items()}


def _best_rule(
    rules: tuple[tuple[str, _T], ...], scenario: str, name: str, metric: str
) -> _T | None:
    path = f"{scenario}/{name}/{metric}"
    best: tuple[tuple[bool, bool, int], _T] | None = None
    for index, (pattern, value) in enumerate(rules):
        if not rule_fits(pattern, scenario, name, metric):
            continue
        exact = pattern in (metric, path)
        rank = (pattern != metric and "/" in pattern, exact, index)
        if best is None or rank > best[0]:
            best = (rank, value)
    return None if best is None else best[1]


def rule_fits(pattern: str, scenario: str, name: str, metric: str) -> bool:
    """Whether a rule is about this metric of this benchmark; see `Thresholds`."""
    path = f"{scenario}/{name}/{metric}"
    return pattern in (metric, path) or fnmatchcase(path if "/" in pattern else metric, pattern)
