"""``graven export-tables``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command, not_empty, where_option
from graven.cli.session import Session


@graven_command(
    "export-tables",
    examples=(
        "graven export-tables parquet out",
        "graven export-tables delta lake --where 'branch = main'",
        "graven export-tables csv out --table runs --table metrics",
    ),
    exits=(4, 6),
)
@click.argument("form", metavar="FORMAT", type=click.Choice(("parquet", "delta", "csv", "jsonl")))
@click.argument("folder", metavar="DIR", callback=not_empty, type=click.Path())
@where_option
@click.option("-t", "--table", "tables", multiple=True, metavar="NAME",
              help="Only this table (may be repeated); all if left out.")  # fmt: skip
def command(
    session: Session, form: str, folder: str, where: str | None, tables: tuple[str, ...]
) -> None:
    """Write the tables of the store into DIR, for DuckDB, Polars, Spark, pandas and others.

    FORMAT is parquet, delta (Delta Lake), csv or jsonl. The tables are runs, points, metrics,
    samples, tags, params, artifacts and baselines; docs/sql.md lists their columns. Files of
    runs lie in a folder for each month: DIR/metrics/month=2026-01/part-....parquet.

    DIR is new, empty, or was written by this command: then only what is new is written, and
    what is gone (or does not fit QUERY) is removed. A call that was broken off is completed by
    the next. In CSV text that a spreadsheet would take for a formula begins with a '.
    """
    from graven.cli.render.text import plural
    from graven.porcelain.export_tables import export_tables

    report = export_tables(session.open_store(), form, folder, where=where or "", tables=tables)
    out = session.out
    if out.json:
        out.document("export-tables", report.to_dict())
        return
    what = "table" if form == "delta" else "file"
    out.note(
        f"{folder}: {plural(report.runs, 'run')}; {plural(report.written, what)} written"
        f" ({plural(report.rows, 'row')}), {report.kept:,} kept, {report.removed:,} removed"
    )
