"""A run as a table of one row a value, for stores of tables; needs pyarrow."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa


def table_of(record: dict[str, Any]) -> pa.Table:
    """One row for each metric of each point."""
    common = {name: record[name] for name in ("id", "timestamp", "commit", "branch")}
    rest = json.dumps({name: record[name] for name in ("environment", "metadata", "metric_defs")})
    rows = [
        {
            **common,
            "rest": rest,
            "point": point["name"],
            "scenario": point["scenario"],
            "tags": json.dumps(point["tags"]),
            "metric": name,
            **metric,
        }
        for point in record["points"]
        for name, metric in point["metrics"].items()
    ]
    return pa.Table.from_pylist(rows)
