"""Runs ranked by several metrics, and the runs that no other beats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from graven.analysis.pareto import pareto_front
from graven.analysis.rank import Scale, check_weights, rank
from graven.catalog.questions import Header
from graven.errors import InvalidInput, NotFound
from graven.model import MetricDef, MetricDirection
from graven.store import Store
from graven.store.matrices import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRun:
    """A run with its place.

    Attributes:
        place: from 1; runs of equal score have places of their own, the newer one first.
            None for a run without a score.
        score: the weighted mean of its metrics on one scale; None where one is missing.
        values: one a metric; NaN where it has none.
    """

    header: Header
    place: int | None
    score: float | None
    values: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "place": self.place,
            "score": self.score,
            "values": list(self.values),
            **self.header.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """What `rank_runs` and `pareto_runs` answer.

    Attributes:
        metrics, weights, directions: of the columns of the values.
        definitions: of the metrics that have one.
        runs: the best first; of a front the newest first.
        total: runs that were looked at.
        lacking: metric to the ids of the runs that lack it.
        warnings: what a reader must know.
    """

    metrics: tuple[str, ...]
    weights: tuple[float, ...]
    directions: tuple[MetricDirection, ...]
    definitions: dict[str, MetricDef]
    runs: tuple[RankedRun, ...]
    total: int
    lacking: dict[str, tuple[str, ...]]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "metrics": [
                {
                    "name": name,
                    "weight": weight,
                    "direction": str(direction),
                    "unit": self.definitions[name].unit if name in self.definitions else None,
                }
                for name, weight, direction in zip(
                    self.metrics, self.weights, self.directions, strict=True
                )
            ],
            "runs": [run.to_dict() for run in self.runs],
            "total": self.total,
            "lacking": {name: list(ids) for name, ids in self.lacking.items()},
            "warnings": list(self.warnings),
        }


def read_preset(store: Store, name: str) -> dict[str, float]:
    """Weights that config.json keeps under ``rank.<name>``.

    Raises:
        NotFound: there are none; the hint names those there are. InvalidInput: no weights.
    """
    presets = store.config.get("rank") or {}
    found = presets.get(name) if isinstance(presets, dict) else None
    if found is None:
        known = sorted(presets) if isinstance(presets, dict) else []
        near = get_close_matches(name, known, n=1) or known
        raise NotFound(
            f"no preset {name!r} to rank by",
            kind="preset-missing",
            hint=f"there is {', '.join(near)}" if near else
            f"graven config rank.{name} '{{\"time\": 1, \"memory\": 0.5}}' makes one",
            field="preset",
        )  # fmt: skip
    if not isinstance(found, dict):
        raise InvalidInput(
            f"config rank.{name}: not a map of metrics to weights", kind="bad-config"
        )
    return check_weights(found, f"config rank.{name}")


def rank_runs(
    store: Store,
    weights: Mapping[str, float],
    *,
    where: str = "",
    scale: Scale = Scale.MIN_MAX,
    directions: Mapping[str, str] | None = None,
    top: int | None = None,
) -> Ranked:
    """Runs that fit, ordered by a weighted mean of their metrics.

    A run's value of a metric is the median over its points. A run that lacks one of the
    metrics has no score and comes last. Of equal scores the newer run comes first.

    Args:
        store: where to look.
        weights: of the metrics, above 0.
        where: which runs, in the query language.
        scale: how values are brought to one scale, over the runs that fit.
        directions: metric to ``lower`` or ``higher``, above what store and runs say.
        top: at most so many runs.

    Raises:
        InvalidInput: a metric that no run has, one of which nobody said which way is
            better, a weight that is none, or a bad query.
    """
    known = check_weights(weights)
    metrics = tuple(known)
    matrix = store.select_matrix(metrics, where)
    empty = not matrix.run_ids
    meanings = _meanings(store, metrics)
    ways = _ways(store, metrics, meanings, directions or {})
    found = rank(
        matrix.values, metrics, list(known.values()),
        [way is MetricDirection.HIGHER for way in ways], scale,
    )  # fmt: skip
    chosen = found.order if top is None else found.order[:top]
    scored = len(matrix.run_ids) - len({row for rows in found.lacking.values() for row in rows})
    headers = _headers(store, [matrix.run_ids[row] for row in chosen])
    runs = tuple(
        RankedRun(
            header=headers[matrix.run_ids[row]],
            place=place if place <= scored else None,
            score=float(found.scores[row]) if place <= scored else None,
            values=tuple(matrix.values[row].tolist()),
        )
        for place, row in enumerate(chosen, 1)
        if matrix.run_ids[row] in headers
    )
    return Ranked(
        metrics=metrics,
        weights=tuple(known.values()),
        directions=ways,
        definitions=_definitions(store, meanings),
        runs=runs,
        total=len(matrix.run_ids),
        lacking={
            n: tuple(matrix.run_ids[row] for row in rows) for n, rows in found.lacking.items()
        },
        warnings=tuple(_warnings(store, meanings, directions or {}, where if empty else "")),
    )


def pareto_runs(
    store: Store,
    metrics: Sequence[str],
    *,
    where: str = "",
    directions: Mapping[str, str] | None = None,
) -> Ranked:
    """Runs that no other run beats in one of the metrics without losing in another.

    Runs that are equal in all of them are all there. A run that lacks a metric is left out.

    Raises:
        InvalidInput: as for `rank_runs`.
    """
    names = tuple(dict.fromkeys(metrics))
    check_weights(dict.fromkeys(names, 1.0))
    matrix = store.select_matrix(names, where)
    empty = not matrix.run_ids
    meanings = _meanings(store, names)
    ways = _ways(store, names, meanings, directions or {})
    front, left_out = pareto_front(matrix.values, [way is MetricDirection.HIGHER for way in ways])
    headers = _headers(store, [matrix.run_ids[row] for row in front])
    lacking = {
        name: tuple(
            matrix.run_ids[row]
            for row in left_out
            if matrix.values[row][at] != matrix.values[row][at]
        )
        for at, name in enumerate(names)
    }
    return Ranked(
        metrics=names,
        weights=(1.0,) * len(names),
        directions=ways,
        definitions=_definitions(store, meanings),
        runs=tuple(
            RankedRun(
                header=headers[matrix.run_ids[row]], place=None, score=None,
                values=tuple(matrix.values[row].tolist()),
            )
            for row in front
            if matrix.run_ids[row] in headers
        ),
        total=len(matrix.run_ids),
        lacking={name: ids for name, ids in lacking.items() if ids},
        warnings=tuple(_warnings(store, meanings, directions or {}, where if empty else "")),
    )  # fmt: skip


def _meanings(store: Store, metrics: Sequence[str]) -> dict[str, Meaning]:
    """What metrics mean; ``scenario/name/metric`` is the metric of some points alone."""
    last = {name: name.rpartition("/")[2] for name in metrics}
    found = store.metric_meanings([*last, *last.values()])
    known = {name: found.get(name, found.get(last[name])) for name in metrics}
    return {name: meaning for name, meaning in known.items() if meaning is not None}


def _ways(
    store: Store,
    metrics: Sequence[str],
    meanings: Mapping[str, Meaning],
    given: Mapping[str, str],
) -> tuple[MetricDirection, ...]:
    for name, word in given.items():
        if name not in metrics or word not in (MetricDirection.LOWER, MetricDirection.HIGHER):
            what = (
                f"{word!r} is neither lower nor higher" if name in metrics else "is not ranked by"
            )
            raise InvalidInput(
                f"direction of {name!r}: {what}", kind="bad-direction",
                hint="--direction METRIC=lower", field="direction",
            )  # fmt: skip
    known = _definitions(store, meanings)
    ways = []
    for name in metrics:
        definition = known.get(name)
        if name in given:
            ways.append(MetricDirection(given[name]))
        elif (
            definition is None
            or definition.direction_source == "unknown"
            or definition.direction is MetricDirection.INFO
        ):
            raise InvalidInput(
                f"nobody said which way of {name!r} is better",
                kind="no-direction",
                hint=f"--direction {name}=lower, or {name}=higher",
                field=name,
            )
        else:
            ways.append(definition.direction)
    return tuple(ways)


def _definitions(store: Store, meanings: Mapping[str, Meaning]) -> dict[str, MetricDef]:
    overrides = store.metric_defs
    return {name: overrides.get(name, meaning.definition) for name, meaning in meanings.items()}


def _warnings(
    store: Store, meanings: Mapping[str, Meaning], given: Mapping[str, str], empty: str
) -> Iterator[str]:
    """What is odd; ``empty`` is a query that no run fits."""
    remark = store.explain_empty(empty) if empty else None
    if remark is not None:
        yield remark
    overrides = store.metric_defs
    for name, meaning in meanings.items():
        if len(meaning.units) > 1:
            listed = ", ".join(repr(unit) for unit in meaning.units)
            yield f"runs have {name} in several units ({listed}); the numbers are taken as they are"
        if len(meaning.directions) > 1 and name not in given and name not in overrides:
            yield (
                f"runs disagree on which way of {name} is better"
                f" ({', '.join(meaning.directions)}); the newest run counts"
            )


def _headers(store: Store, run_ids: Sequence[str]) -> dict[str, Header]:
    """Headers by id; a run that went meanwhile has none."""
    return {header.run_id: header for header in store.headers_of(run_ids)}
