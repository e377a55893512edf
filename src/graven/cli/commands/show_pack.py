"""``graven show-pack``."""

from __future__ import annotations

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command("show-pack", examples=("graven show-pack", "graven show-pack 0193a1"))
@click.argument("name", required=False)
def command(session: Session, name: str | None) -> None:
    """List what the pack NAME (or a unique beginning of it) holds; without NAME, the packs.

    One record a line, its kind first: pack, update, frame, object; tab-separated.
    """
    store, out = session.open_store(), session.out
    if name is None:
        for pack in store.packs():
            if out.json:
                out.record("show-pack-list", dict(pack._asdict()))
            else:
                out.fields(pack.name, str(pack.size), str(pack.objects), pack.problem or "")
        return
    found = store.show_pack(name)
    if out.json:
        record = dict(found._asdict())
        record["objects"] = [dict(info._asdict()) for info in found.objects]
        out.document("show-pack", record)
        return
    lines: list[tuple[str, ...]] = [("pack", found.name, str(found.size), found.writer)]
    lines += [
        ("update", update["stamp"], update["target"] or "-", update["name"])
        for update in found.updates
    ]
    lines += [
        ("frame", *(str(frame[key]) for key in ("offset", "codec", "objects", "raw", "stored")))
        for frame in found.frames
    ]
    lines += [("object", info.id, info.kind, str(info.size)) for info in found.objects]
    for words in lines:
        out.fields(*words)
