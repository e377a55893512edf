"""A pack whose metadata is lost, by its frames (docs/format.md, "Rebuilding a lost index")."""

from __future__ import annotations

from typing import NamedTuple

from graven import clock
from graven.backends.base import Backend
from graven.errors import Corrupt
from graven.formats import layout
from graven.formats.envelope import KIND_CODES, RUN
from graven.formats.header import FrameRow, Header
from graven.formats.packscan import scan_frames, scan_objects
from graven.formats.run_object import decode_body
from graven.ids import ObjectId
from graven.objects.packs import read_whole_pack
from graven.refs.journal import RefUpdate

SALVAGED_WRITER = bytes(8)  # loses every tie against a real writer


class Salvage(NamedTuple):
    """What was found in a pack.

    Attributes:
        frames: those with a whole header.
        objects: id, frame offset, offset within the frame, length, kind code of each.
        updates: one for each run object, with the pack's own stamp.
    """

    frames: list[FrameRow]
    objects: list[tuple[ObjectId, int, int, int, int]]
    updates: list[RefUpdate]

    def rows(self, pack: int) -> list[tuple[ObjectId, int, int, int, int, int]]:
        """Rows of the table of objects, for the pack of that number."""
        return [
            (object_id, pack, frame, start, length, kind)
            for object_id, frame, start, length, kind in self.objects
        ]


def salvage_pack(backend: Backend, name: str) -> Salvage:
    """Read what can be read of a pack.

    Raises:
        NotFound: the pack is gone. Corrupt: its file cannot be read.
    """
    data = read_whole_pack(backend, name)
    parsed = layout.parse_pack_name(name)
    stamp = parsed.stamp if parsed else 0
    salvage = Salvage([], [], [])
    for frame in scan_frames(data):
        salvage.frames.append(frame)
        for found in scan_objects(data, frame):
            kind = KIND_CODES[found.kind]
            salvage.objects.append((found.id, frame.offset, found.offset, len(found.data), kind))
            if found.kind == RUN:
                update = _update_from_object(found.id, found.data, stamp)
                if update is not None:
                    salvage.updates.append(update)
    return salvage


def _update_from_object(object_id: ObjectId, data: bytes, stamp: int) -> RefUpdate | None:
    try:
        body = decode_body(data)
        moment = clock.micros(clock.parse_time(body.timestamp))
    except (Corrupt, ValueError):
        return None
    if not clock.MIN_MICROS <= moment <= clock.MAX_MICROS:
        return None
    header = Header(
        moment,
        body.branch,
        body.commit,
        body.experiment,
        body.status,
        body.origin,
        0,
        body.group,
    )
    name = layout.run_ref(body.id)
    return RefUpdate(name, stamp, SALVAGED_WRITER, object_id, 0, header, {"salvaged": True})
