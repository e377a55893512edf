"""The tables and their columns (docs/sql.md). Names and types stay as they are once released."""

from __future__ import annotations

import pyarrow as pa

TEXT = pa.string()
TIME = pa.timestamp("us", tz="UTC")
WHOLE = pa.int32()
NUMBER = pa.float64()

FRAMES_VERSION = 1  # of what stands in them: a cache of another version is made anew


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


_POINT = {"run_id": TEXT, "point": WHOLE, "scenario": TEXT, "name": TEXT}

SCHEMAS: dict[str, pa.Schema] = {
    "runs": _schema(
        run_id=TEXT, timestamp=TIME, branch=TEXT, commit=TEXT, commit_time=TIME,
        dirty=pa.bool_(), experiment=TEXT, status=TEXT, error=TEXT, origin=TEXT, group=TEXT,
        points=WHOLE, machine=TEXT, environment=TEXT, metadata=TEXT, provenance=TEXT,
        object=TEXT, saved=TIME,
    ),
    "points": _schema(**_POINT, tags=TEXT, version=TEXT, status=TEXT, error=TEXT),
    "metrics": _schema(
        **_POINT, metric=TEXT, value=NUMBER, lower=NUMBER, upper=NUMBER, unit=TEXT,
        direction=TEXT, direction_source=TEXT, estimator=TEXT,
    ),
    "samples": _schema(**_POINT, metric=TEXT, sample=WHOLE, process=WHOLE, value=NUMBER),
    "tags": _schema(run_id=TEXT, point=WHOLE, key=TEXT, value=TEXT),
    "params": _schema(run_id=TEXT, key=TEXT, text=TEXT, number=NUMBER, json=TEXT),
    "artifacts": _schema(
        run_id=TEXT, name=TEXT, kind=TEXT, media_type=TEXT, size=pa.int64(), object=TEXT,
        blake3=TEXT, metadata=TEXT, saved=TIME,
    ),
    "baselines": _schema(
        kind=TEXT, name=TEXT, run_id=TEXT, object=TEXT, seq=WHOLE, by=TEXT, at=TIME,
        message=TEXT,
    ),
}  # fmt: skip

TABLES = tuple(SCHEMAS)
OF_RUNS = TABLES[:6]
"""Those whose rows follow from a run and never change while it does not."""

FROM_BODIES = {
    "runs": {"commit_time", "error", "metadata", "provenance"},
    "points": {"status", "error"},
    "metrics": {"lower", "upper"},
}
"""Columns that the catalog does not hold: without them no run object is read."""
