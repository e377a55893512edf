"""Baselines and tags."""

from __future__ import annotations

from collections.abc import Sequence

from graven import clock
from graven.cli.render.blocks import Table
from graven.cli.render.text import age, short_id
from graven.cli.session import Session
from graven.errors import InvalidInput
from graven.porcelain.pointers import Pointer


def show_pointers(
    session: Session, command: str, pointers: Sequence[Pointer], *, history: bool = False
) -> None:
    """A list of names, or of the values that one name has had."""
    out = session.out
    if out.json:
        for pointer in pointers:
            out.record(command, pointer.to_dict())
        return
    table = Table("#" if history else "name", "run", "set", "by", "*message", header=False)
    for pointer in pointers:
        first = str(pointer.seq) if history else pointer.name
        if out.human:
            run = (short_id(pointer.run), "id") if pointer.run else ("removed", "dim")
            when: str = show_age(pointer.at)
        else:
            run, when = (pointer.run or "", ""), pointer.at
        note = f"damaged: {pointer.damaged}" if pointer.damaged else pointer.message
        table.add(
            (first, "" if history else "ref"),
            run if not pointer.damaged else "",
            when,
            pointer.by,
            (note, "bad" if pointer.damaged else ""),
        )
    out.table(table)
    if not pointers:
        out.note(f"no {command}s; 'graven {command} set NAME REV' makes one")


def show_pointer(session: Session, command: str, pointer: Pointer) -> None:
    """One value."""
    out = session.out
    if out.json:
        out.document(command, pointer.to_dict())
    elif not out.human:
        out.fields(pointer.name, pointer.run or "", pointer.object_id or "")
    else:
        spans = [(f"{pointer.space}/{pointer.name}", "ref"), (" ", "")]
        if pointer.run is None:
            spans.append(("removed", "dim"))
        else:
            spans += [("-> ", "dim"), (short_id(pointer.run), "id")]
        about = [pointer.by and f"by {pointer.by}", show_age(pointer.at), pointer.message]
        spans.append(("  " + ", ".join(filter(None, about)), "dim"))
        out.line(*spans)


def show_age(at: str) -> str:
    """How long ago an ISO time was."""
    try:
        return age(clock.parse_time(at), clock.now())
    except InvalidInput:  # a history written by hand is shown as it is
        return at
