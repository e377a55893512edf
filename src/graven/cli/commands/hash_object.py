"""``graven hash-object``."""

from __future__ import annotations

import sys

import click

from graven.cli.command import graven_command
from graven.cli.session import Session
from graven.ids import hash_bytes


@graven_command(
    "hash-object",
    examples=("graven hash-object results.json", "graven hash-object -w --stdin < log.txt"),
    exits=(6,),
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--stdin", is_flag=True, help="Read the bytes from standard input.")
@click.option("-w", "--write", is_flag=True, help="Store the object, too.")
@click.option("--kind", default="blob", show_default=True, help="Kind of the object to store.")
@click.option("--loose", is_flag=True, help="Store it whole, as a file of its own.")
def command(
    session: Session, files: tuple[str, ...], *, stdin: bool, write: bool, kind: str, loose: bool
) -> None:
    """Print the object id of each of FILES; with -w store them.

    The id is the BLAKE3 hash of the bytes, as b3sum prints it. Nothing names a stored
    object until a ref does. No store is needed without -w. Over 1 MiB a blob is stored in
    chunks, and the id is that of their list, unless --loose keeps it whole.
    """
    if loose and not write:
        raise click.UsageError("--loose needs -w", click.get_current_context())
    if not files and not stdin:
        raise click.UsageError("expected FILES or --stdin", click.get_current_context())
    store = session.open_store() if write else None
    sources = [(name, None) for name in files]
    if stdin:
        sources.insert(0, ("-", None))
    for name, _ in sources:
        data = _read(name)
        stored = store.put_object(data, kind, loose=loose) if store else None
        object_id = stored or hash_bytes(data).hex()
        if session.json:
            record = {"object": object_id, "file": name, "size": len(data), "stored": write}
            session.out.record("hash-object", record)
        else:
            session.out.line(object_id)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    with open(name, "rb") as file:
        return file.read()
