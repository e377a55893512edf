"""Answers to SQL: for people, for pipes, as CSV and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graven.cli.output import to_json
from graven.cli.render.blocks import Table
from graven.cli.render.text import clean
from graven.report.safe_text import harmless

if TYPE_CHECKING:
    from graven.cli.output import Output
    from graven.cli.session import Session
    from graven.sql.session import Answer

SHOWN_ROWS = 1_000
_WIDEST = 200  # characters of a cell for a person


def show_rows(out: Output, answer: Answer, limit: int | None) -> None:
    """Aligned for a person, and cut off after some screens; full values for a pipe."""
    if answer.schema.names == ["explain_key", "explain_value"]:
        for row in _rows(answer, None):
            for line in str(row[-1]).splitlines():
                out.line(line)
        return
    names = [clean(name) for name in answer.schema.names]
    if not out.human:
        header = True
        for rows in _pages(answer, limit):
            table = Table(*_titles(answer, names), header=header)
            for row in rows:
                table.add(*[text(value) for value in row])
            out.table(table)
            header = header and not table.rows
        return
    most = SHOWN_ROWS if limit is None else limit
    table = Table(*_titles(answer, names))
    more = False
    for count, row in enumerate(_rows(answer, None)):
        more = bool(most) and count >= most
        if more:
            break
        table.add(*[_cell(value) for value in row])
    out.table(table)
    if not table.rows:
        out.note("no rows")
    if more and limit is None:
        out.note(f"more than {most:,} rows: -n 0 shows all, a pipe or --parquet takes all")


def show_records(out: Output, answer: Answer, limit: int | None) -> None:
    """A record a line."""
    names = answer.schema.names
    for row in _rows(answer, limit):
        values = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        out.record("sql", {"values": values})


def show_csv(session: Session, answer: Answer, limit: int | None) -> None:
    """RFC 4180 with a line of titles."""
    import csv

    if hasattr(session.stdout, "reconfigure"):
        session.stdout.reconfigure(errors="backslashreplace")
    writer = csv.writer(session.stdout, lineterminator="\n")
    writer.writerow([harmless(name) for name in answer.schema.names])
    for row in _rows(answer, limit):
        writer.writerow([text(v) if _is_number(v) else harmless(text(v)) for v in row])


def _titles(answer: Answer, names: list[str]) -> list[str]:
    import pyarrow.types as kinds

    numbers = (kinds.is_integer, kinds.is_floating, kinds.is_decimal)
    return [
        f">{name}" if any(is_kind(field.type) for is_kind in numbers) else f"*{name}"
        for name, field in zip(names, answer.schema, strict=True)
    ]


def _pages(answer: Answer, limit: int | None) -> Iterator[list[tuple[Any, ...]]]:
    left = limit or None
    for batch in answer:
        part = batch if left is None else batch.slice(0, left)
        yield list(zip(*[column.to_pylist() for column in part.columns], strict=True))
        if left is not None:
            left -= part.num_rows
            if left <= 0:
                return


def _rows(answer: Answer, limit: int | None) -> Iterator[tuple[Any, ...]]:
    for page in _pages(answer, limit):
        yield from page


def _cell(value: Any) -> Any:
    if value is None:
        return ("NULL", "dim")
    if isinstance(value, float):
        return f"{value:.6g}"
    shown = clean(text(value))
    return shown if len(shown) <= _WIDEST else f"{shown[:_WIDEST]}..."


def text(value: Any) -> str:
    """A value in full, on one line; nothing for NULL."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):  # more digits than a float has
        digits = f"{value:f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    plain = _plain(value)
    return to_json({"": plain})[5:-1] if isinstance(plain, (list, dict)) else str(plain)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Decimal):  # a sum of integers is one too
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
