"""``graven cat-object``."""

from __future__ import annotations

import json
from typing import Any

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command(
    "cat-object",
    examples=("graven cat-object 1f3c9a2e", "graven cat-object --pretty 1f3c9a2e"),
)
@click.argument("object_id", metavar="ID")
@click.option("--kind", "what", flag_value="kind", help="Print its kind only.")
@click.option("--size", "what", flag_value="size", help="Print its size in bytes only.")
@click.option("--pretty", "what", flag_value="pretty", help="Print a structured object as JSON.")
@click.option("--content", "what", flag_value="content", help="Write a file's chunks as one.")
def command(session: Session, object_id: str, what: str | None) -> None:
    """Write the bytes of the object ID (or a unique prefix of 8 digits or more).

    The bytes are exactly those that were hashed. With --json: kind, size and place.
    """
    store, out = session.open_store(), session.out
    info = store.object_info(object_id)
    if out.json:
        out.document("cat-object", dict(info._asdict()))
    elif what in ("kind", "size"):
        out.line(str(getattr(info, what)))
    elif what == "pretty" and info.kind != "blob":
        text = json.dumps(_decode(store.get_object(info.id)), indent=2)
        session.stdout.write(text + "\n")  # ASCII, so that nothing stored reaches a terminal
    else:
        wanted = store.read_content if what == "content" else store.get_object
        binary = getattr(session.stdout, "buffer", None)
        data = wanted(info.id)
        session.stdout.flush()
        if binary is None:
            session.stdout.write(data.decode("utf-8", "backslashreplace"))
        else:
            binary.write(data)


def _decode(data: bytes) -> Any:
    """A structured object as JSON-ready data; bytes within it as hex."""
    from graven.formats import canonical

    return _jsonable(canonical.decode(data))


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value
