"""``graven show-ref``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.store import Store


@graven_command("show-ref", examples=("graven show-ref", "graven show-ref --guarded"))
@click.option("--guarded", is_flag=True, help="Baselines and tags only.")
@click.option("--deleted", is_flag=True, help="Deleted refs too; their object is '-'.")
def command(session: Session, guarded: bool, deleted: bool) -> None:
    """List refs: object id and name, tab-separated, one a line."""
    store, out = session.open_store(), session.out
    records = _guarded(store)
    if not guarded:
        records = _both(records, _journaled(store, deleted))
    for record in records:
        if out.json:
            out.record("show-ref", record)
        else:
            out.fields(record["object"] or "-", record["ref"])


def _both(first: Iterator[Any], second: Iterator[Any]) -> Iterator[dict[str, Any]]:
    yield from first
    yield from second


def _guarded(store: Store) -> Iterator[dict[str, Any]]:
    from graven.porcelain.pointers import BASELINES, TAGS, list_pointers

    for space in (BASELINES, TAGS):
        for pointer in list_pointers(store, space):
            yield pointer.to_dict()


def _journaled(store: Store, deleted: bool) -> Iterator[dict[str, Any]]:
    from graven.clock import format_stamp

    for ref in store.iter_refs():
        if ref.target is not None or deleted:
            record: dict[str, Any] = {
                "ref": ref.name,
                "object": ref.target,
                "stamp": format_stamp(ref.stamp),
            }
            if ref.note:
                record["note"] = ref.note
            yield record
