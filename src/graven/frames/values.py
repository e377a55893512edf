"""Single answers as tables: a run, rows of a query, a comparison."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from graven.frames.json_text import to_json
from graven.frames.schemas import NUMBER, SCHEMAS, TEXT, TIME

if TYPE_CHECKING:
    from graven.analysis.comparison import Comparison
    from graven.model.run import Run
    from graven.store.rows import Rows


def run_table(run: Run) -> pa.Table:
    """The metrics of a run, with the columns of the table ``metrics``; it need not be stored."""
    rows = []
    for number, point in enumerate(run.points):
        for name, metric in point.metrics.items():
            meaning = run.metric_defs.get(name)
            rows.append(
                {
                    "run_id": run.id, "point": number, "scenario": point.scenario,
                    "name": point.name, "metric": name, "value": metric.value,
                    "lower": metric.lower, "upper": metric.upper,
                    "unit": None if meaning is None else meaning.unit,
                    "direction": None if meaning is None else str(meaning.direction),
                    "direction_source": None if meaning is None else meaning.direction_source,
                    "estimator": metric.estimator,
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=SCHEMAS["metrics"])


_COMPARED = pa.schema(
    [
        ("scenario", TEXT), ("name", TEXT), ("tags", TEXT), ("metric", TEXT), ("verdict", TEXT),
        ("unit", TEXT), ("direction", TEXT), ("baseline", NUMBER), ("current", NUMBER),
        ("delta", NUMBER), ("change", NUMBER), ("threshold", NUMBER), ("worse", pa.bool_()),
        ("ratio_lower", NUMBER), ("ratio_upper", NUMBER), ("p", NUMBER), ("p_adjusted", NUMBER),
        ("judged_by", TEXT), ("note", TEXT), ("baseline_run", TEXT), ("current_run", TEXT),
    ]
)  # fmt: skip


def comparison_table(comparison: Comparison) -> pa.Table:
    """A row for each row of a comparison, in its order."""
    rows = []
    for row in comparison.rows:
        cells: dict[str, Any] = {
            name: getattr(row, name, None)
            for name in _COMPARED.names
            if name not in ("tags", "ratio_lower", "ratio_upper", "baseline_run", "current_run")
        }
        for name in ("verdict", "direction", "judged_by"):
            cells[name] = None if cells[name] is None else str(cells[name])
        cells["tags"] = to_json(row.tags)
        if row.effect is not None:
            cells |= {"ratio_lower": row.effect.lower, "ratio_upper": row.effect.upper}
        cells |= {"baseline_run": comparison.baseline.id, "current_run": comparison.current.id}
        rows.append(cells)
    return pa.Table.from_pylist(rows, schema=_COMPARED)


def rows_table(rows: Rows) -> pa.Table:
    """What `Store.select_rows` answers: a column a field.

    A column whose values are of one kind has its type; else, and where they are lists or
    maps, it is JSON.
    """
    arrays = [_column([row[place] for row in rows.rows]) for place in range(len(rows.columns))]
    return pa.table(arrays, names=list(rows.columns))


def _column(values: list[Any]) -> pa.Array:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return pa.array(values, pa.bool_() if kinds else pa.null())
    if kinds == {int} and all(v is None or -(2**63) <= v < 2**63 for v in values):
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], NUMBER)
    if kinds == {str}:
        return pa.array(values, TEXT)
    if kinds == {datetime}:
        return pa.array(values, TIME)
    return pa.array([None if v is None else to_json(v) for v in values], TEXT)
