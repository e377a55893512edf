"""Files of record batches: Parquet, CSV, lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from graven.frames.json_text import to_json

FORMS = ("parquet", "csv", "jsonl")
_ROW_GROUP = 128 * 1024
# As `graven.report.safe_text` has it (a test compares), for whole columns at once.
_FORMULA = r"[=+\-@＝＋－＠]"
_FIRST = rf"\A(?:{_FORMULA}|[\t\r\n])"
_INNER = rf"([;\t\r\n])({_FORMULA})"
_PLAIN = 4096  # rows of JSON at once


def write_parquet(
    path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], compression: str = "zstd"
) -> int:
    """Write batches as Parquet; returns the number of rows. Equal rows give equal bytes."""
    rows = 0
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    with pq.ParquetWriter(
        path, schema, compression=compression, use_dictionary=texts, version="2.6",
        write_page_checksum=True, store_schema=True,
    ) as writer:  # fmt: skip
        waiting: list[pa.RecordBatch] = []
        held = 0
        for batch in batches:
            rows += batch.num_rows
            held += batch.num_rows
            waiting.append(batch)
            if held >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=held)
                waiting, held = [], 0
        if held:
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=held)
    return rows


def write_csv(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches as CSV with a line of titles; returns the number of rows.

    What is missing is empty, an empty text is ``""``, and text that a spreadsheet would take
    for a formula begins with ``'``.
    """
    rows = 0
    options = pcsv.WriteOptions(include_header=True, quoting_style="needed")
    with pcsv.CSVWriter(path, schema, write_options=options) as writer:
        for batch in batches:
            rows += batch.num_rows
            writer.write_batch(harmless(batch))
    return rows


def harmless(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with no text that a spreadsheet would take for a formula."""
    arrays = []
    for column in batch.columns:
        if not pa.types.is_string(column.type):
            arrays.append(column)
            continue
        text = pc.replace_substring(column, "\0", "")
        text = pc.replace_substring_regex(text, _INNER, r"\1'\2")
        marked = pc.binary_join_element_wise(pa.scalar("'"), text, "")
        arrays.append(pc.if_else(pc.match_substring_regex(text, _FIRST), marked, text))
    return pa.record_batch(arrays, schema=batch.schema)


def write_jsonl(path: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write batches as a JSON object a line; returns the number of rows.

    Times are ISO 8601, NaN and infinities text: strict JSON has no numbers for them. Columns
    of JSON text stay text.
    """
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    rows = 0
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for batch in batches:
            rows += batch.num_rows
            for start in range(0, batch.num_rows, _PLAIN):
                for row in batch.slice(start, _PLAIN).to_pylist():
                    file.write(_line(row, times, encode) + "\n")
    return rows


def _line(row: dict[str, Any], times: list[str], encode: Any) -> str:
    for name in times:
        if row[name] is not None:
            row[name] = row[name].isoformat()
    try:
        text: str = encode(row)
    except ValueError:  # a number that JSON has none for
        text = to_json(row)
    return text
