"""Tables of chosen runs: for people, for pipes, as CSV."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graven import clock
from graven.cli.render.blocks import Table
from graven.cli.render.text import age, clean, short_commit, short_id
from graven.cli.render.units import format_number, scale_for
from graven.report.safe_text import harmless

if TYPE_CHECKING:
    from graven.cli.output import Output
    from graven.cli.session import Session
    from graven.porcelain.query import Answer


def show_table(out: Output, answer: Answer) -> None:
    """Aligned and shortened for a person, full values for a pipe."""
    if not answer.rows:
        return
    columns = [[row[place] for row in answer.rows] for place in range(len(answer.columns))]
    right = [_is_numbers(values) for values in columns]
    titles = zip(answer.columns, right, strict=True)
    table = Table(*(f">{clean(name)}" if side else clean(name) for name, side in titles))
    cells = [
        _shown(name, unit, values) if out.human else [plain(value) for value in values]
        for name, unit, values in zip(answer.columns, answer.units, columns, strict=True)
    ]
    for row in zip(*cells, strict=True):
        table.add(*row)
    out.table(table)


def _is_numbers(values: list[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in known
    )


def _shown(name: str, unit: str | None, values: list[Any]) -> list[Any]:
    """A column for a person; numbers that stand below each other share one scale."""
    if name == "run":
        return [(short_id(value or ""), "id") for value in values]
    if name == "commit":
        return [(short_commit(value), "dim") for value in values]
    if name == "time":
        now = clock.now()
        return ["" if value is None else age(value, now) for value in values]
    if _is_numbers(values) and name != "points":
        scale = scale_for([float(v) for v in values if v is not None], unit)
        return ["" if v is None else format_number(float(v), scale) for v in values]
    return [clean(plain(value)) for value in values]


def plain(value: Any) -> str:
    """A value in full, on one line; lists joined by commas, what is missing empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else repr(value)


def show_csv(session: Session, answer: Answer) -> None:
    """RFC 4180 with a line of titles; the unit of a metric stands in its title."""
    import csv

    if hasattr(session.stdout, "reconfigure"):
        session.stdout.reconfigure(errors="backslashreplace")
    writer = csv.writer(session.stdout, lineterminator="\n")
    units = zip(answer.columns, answer.units, strict=True)
    writer.writerow([harmless(f"{name} [{unit}]" if unit else name) for name, unit in units])
    for row in answer.rows:
        writer.writerow(
            [plain(v) if isinstance(v, (int, float)) else harmless(plain(v)) for v in row]
        )
