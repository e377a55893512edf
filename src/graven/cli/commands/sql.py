"""``graven sql``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command(
    "sql",
    examples=(
        "graven sql 'select branch, count(*) from runs group by all'",
        "graven sql 'select run_id, value from metrics order by value desc limit 20'",
        "graven sql 'describe metrics'",
        "graven sql --parquet out.parquet - < question.sql",
    ),
    exits=(4, 6),
)
@click.argument("statement", metavar="STATEMENT")
@click.option("--timeout", type=click.FloatRange(min=0.001), default=60.0, show_default=True,
              metavar="SECONDS", help="Break off after so long.")  # fmt: skip
@click.option("--memory", default="1GB", show_default=True, metavar="SIZE",
              help="What DuckDB may take, such as 512MB.")  # fmt: skip
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N",
              help="Show at most N rows; at a terminal 1,000 if left out, 0 for all.")  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Answer as CSV with a line of titles.")
@click.option("--parquet", type=click.Path(), metavar="FILE", help="Write the answer there.")
@click.option("-f", "--force", is_flag=True, help="Replace FILE if it is there.")
def command(
    session: Session, statement: str, *, timeout: float, memory: str, limit: int | None,
    as_csv: bool, parquet: str | None, force: bool,
) -> None:  # fmt: skip
    """Answer a STATEMENT in SQL (DuckDB's) over the tables of the store; - reads it from stdin.

    The tables are runs, points, metrics, samples, tags, params, artifacts and baselines;
    'describe metrics' lists the columns of one, docs/sql.md says what they mean. One statement
    that asks, and nothing else: what would write, read files, load or set something is refused.

    The first question about a table copies it into the store's cache, later ones only what is
    new. Under a pipe: tabs between full values, nothing for NULL; --json tells NULL from empty
    text. In CSV text that a spreadsheet would take for a formula begins with a '.
    """
    import os
    import sys

    from graven.cli.render.sql import show_csv, show_records, show_rows
    from graven.errors import InvalidInput
    from graven.porcelain.sql import sql, write_parquet

    if sum((as_csv, parquet is not None, session.json)) > 1:
        raise InvalidInput("--csv, --parquet and --json exclude each other", kind="usage")
    text = sys.stdin.read() if statement == "-" else statement
    store, out = session.open_store(), session.out

    def give_up() -> None:
        said = f"statement took more than {timeout:g} s, and did not stop when it was told to"
        if out.json:
            out.warn(said)
        out.error(said, "ask for less; one huge value, such as a long list, cannot be interrupted")
        os._exit(InvalidInput.exit_code)  # the thread that is stuck would hold a plain exit

    with sql(store, text, timeout=timeout, memory=memory, on_stuck=give_up) as answer:
        if parquet is not None:
            rows = write_parquet(answer, parquet, force=force)
            out.note(f"{parquet}: {rows:,} rows")
        elif as_csv:
            show_csv(session, answer, limit)
        elif out.json:
            show_records(out, answer, limit)
        else:
            show_rows(out, answer, limit)
