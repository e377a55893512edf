"""Names that a store knows: for what is misspelt, and for answers that are empty."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from graven.catalog.candidates import known_labels
from graven.catalog.database import Catalog
from graven.catalog.keyed import fits_metric, split_derived
from graven.query.terms import FIRST_DERIVED, Field

LABELS = {"branch": "branch", "experiment": "experiment", "status": "status"}
_DEPTH = 8


def is_known(catalog: Catalog, field: Field, ranking: int | None = None) -> bool:
    """True if a keyed field means something here; in a store without runs all does."""
    key = field.key or ""
    if catalog.one("SELECT 1 FROM run WHERE object IS NOT NULL LIMIT 1") is None:
        return True
    if field.name == "tag":
        return catalog.one("SELECT 1 FROM shape_tag WHERE key = ? LIMIT 1", (key,)) is not None
    if ranking is not None and catalog.one("SELECT 1 FROM ranked WHERE m = ? LIMIT 1", (ranking,)):
        return True
    if field.name == "metric":
        rows = catalog.rows("SELECT DISTINCT metrics, name, scenario FROM shape")
        return any(
            fits_metric(key, metric, name, scenario)
            for text, name, scenario in rows
            for metric in json.loads(text)
        )
    return key in names_like(catalog, field)


def unknown_metrics(catalog: Catalog, metrics: Sequence[str]) -> list[str]:
    """Those of these metrics that no run has; none in a store without runs."""
    if catalog.one("SELECT 1 FROM run WHERE object IS NOT NULL LIMIT 1") is None:
        return []
    known = _metric_names(catalog, whole=any("/" in metric for metric in metrics))
    return [metric for metric in metrics if metric not in known]


def names_like(catalog: Catalog, field: Field) -> set[str]:
    """Keys of the same kind that there are."""
    if field.name == "tag":
        return {key for (key,) in catalog.rows("SELECT DISTINCT key FROM shape_tag")}
    if field.name == "metric":
        return _metric_names(catalog, whole="/" in (field.key or ""))
    if field.name == "param":
        rows = catalog.rows("SELECT DISTINCT params FROM measured WHERE params IS NOT NULL")
        return {key for (text,) in rows for key in _keys(json.loads(text))}
    record = split_derived(field.key or "")[0]
    rows = catalog.rows(
        "SELECT DISTINCT d.record FROM ref f JOIN derived d ON d.object = f.target"
        " WHERE substr(f.name, length(f.run_id) + 7, 8) = 'derived/'"
        " AND substr(f.name, length(f.run_id) + 7) = ?",
        (f"derived/{record}",),
    )
    prefix = "" if ":" not in (field.key or "") and record == FIRST_DERIVED else f"{record}:"
    return {prefix + key for (text,) in rows for key in _keys(json.loads(text))}


def values_like(catalog: Catalog, name: str) -> set[str]:
    """Branches, experiments or statuses that there are, or were."""
    return known_labels(catalog, LABELS[name])


def _metric_names(catalog: Catalog, *, whole: bool) -> set[str]:
    found: set[str] = set()
    for text, name, scenario in catalog.rows("SELECT DISTINCT metrics, name, scenario FROM shape"):
        metrics = json.loads(text)
        found.update(metrics)
        if whole:
            found.update(f"{scenario}/{name}/{metric}" for metric in metrics)
            found.update(f"{name}/{metric}" for metric in metrics)
    return found


def _keys(record: Any, prefix: str = "", depth: int = 0) -> Iterator[str]:
    if isinstance(record, dict) and depth < _DEPTH:
        for key, value in record.items():
            yield prefix + key
            yield from _keys(value, f"{prefix}{key}.", depth + 1)
