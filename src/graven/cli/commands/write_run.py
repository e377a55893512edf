"""``graven write-run``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command
from graven.cli.session import Session
from graven.errors import GravenError, InvalidInput

if TYPE_CHECKING:
    from graven.store.writing import Batch

BATCH_RUNS = 1000
_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@graven_command(
    "write-run",
    examples=("graven write-run run.json", "graven write-run --stdin < runs.jsonl"),
    exits=(6,),
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--stdin", is_flag=True, help="Read runs from standard input, a JSON a line.")
def command(session: Session, files: tuple[str, ...], stdin: bool) -> None:
    """Save runs given as JSON (docs/format.md) and print their ids, one a line.

    A file holds one run, or what 'graven show --json' writes. Standard input holds one a
    line; they are saved in batches. A run whose id is there is replaced. The first bad run
    ends the command; the ids that were printed are saved. Where a remote store cannot be
    reached they are queued on this machine, with a warning, and 'graven push' sends them.
    """
    if not files and not stdin:
        raise click.UsageError("expected FILES or --stdin", click.get_current_context())
    store = session.open_store()
    source = _records(files, stdin)
    more = True
    while more:
        saved: list[str] = []
        failure: GravenError | None = None
        with store.batch() as batch:
            try:
                more = _fill(batch, source, saved)
            except GravenError as error:
                failure = error  # raised below: the runs before it are to be saved
        for run_id in saved:
            if session.json:
                session.out.record("write-run", {"id": run_id, "queued": batch.queued})
            else:
                session.out.fields(run_id)
        if failure is not None:
            raise failure


def _fill(batch: Batch, source: Iterator[tuple[str, dict[str, Any]]], saved: list[str]) -> bool:
    """Save runs until the batch is full (True) or the source is at its end (False)."""
    from graven.model import Run

    for where, record in source:
        try:
            run = Run.from_dict(record)
            batch.save(run)
        except InvalidInput as error:
            raise error.inside(where, file=where) from None
        saved.append(run.id)
        if len(saved) >= BATCH_RUNS:
            return True
    return False


def _records(files: tuple[str, ...], stdin: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in files:
        with open(name, "rb") as file:
            yield name, _parse(file.read(), name)
    if stdin:
        for number, line in enumerate(sys.stdin.buffer, 1):
            if line.strip():
                where = f"standard input, line {number}"
                yield where, _parse(line, where)


def _parse(data: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: not JSON: {error}", kind="bad-json", file=where) from None
    if isinstance(record, dict) and isinstance(record.get("run"), dict):
        record = record["run"]  # what `graven show --json` writes
    if not isinstance(record, dict):
        raise InvalidInput(f"{where}: not a run but a JSON {type(record).__name__}",
                           kind="bad-json", file=where)  # fmt: skip
    record.pop("schema", None)
    _restore_numbers(record)
    return record


def _restore_numbers(record: dict[str, Any]) -> None:
    """NaN and infinities, which strict JSON writes as words, as numbers again."""
    points = record.get("points")
    for point in points if isinstance(points, list) else ():
        metrics = point.get("metrics") if isinstance(point, dict) else None
        for metric in metrics.values() if isinstance(metrics, dict) else ():
            if not isinstance(metric, dict):
                continue
            for name in ("value", "lower", "upper"):
                if name in metric:
                    metric[name] = _number(metric[name])
            if isinstance(metric.get("samples"), list):
                metric["samples"] = [_number(sample) for sample in metric["samples"]]


def _number(value: Any) -> Any:
    return _WORDS.get(value, value) if isinstance(value, str) else value
