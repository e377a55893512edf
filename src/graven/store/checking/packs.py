"""One pack: its metadata, and every byte of it."""

from __future__ import annotations

from typing import NamedTuple

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.catalog.places import ALL_OBJECTS
from graven.errors import Corrupt, FormatTooNew, GravenError, NotFound
from graven.formats import layout, pack
from graven.formats.envelope import (
    BLOB,
    DEFINITIONS,
    ENVIRONMENT,
    FILE,
    KINDS_BY_CODE,
    MANIFEST,
    RUN,
)
from graven.formats.header import FrameRow
from graven.formats.packscan import read_frame_header, salvage
from graven.ids import ObjectId, hash_bytes
from graven.objects.packs import (
    PackFacts,
    read_pack_metadata,
    read_whole_pack,
    recover_pack_metadata,
)
from graven.store.checking.report import FsckReport
from graven.store.checking.scratch import Scratch
from graven.store.links import LINKED, check_form, chunks_of, links_of, run_links


class Fault(NamedTuple):
    """What is wrong with one copy of an object, or with a file (``object_id`` None)."""

    key: str
    what: str
    object_id: bytes | None = None
    kind: str | None = None


class PackCheck:
    """Looks at packs one by one, and keeps what it learns in the scratch file.

    Attributes:
        faults: of files and objects, in the order found.
        lost: objects of packs of which nothing can be read, as far as the catalog knows.
    """

    def __init__(
        self, backend: Backend, catalog: Catalog, scratch: Scratch, report: FsckReport, strict: bool
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._scratch = scratch
        self._report = report
        self._strict = strict
        self.faults: list[Fault] = []
        self.lost: dict[str, dict[bytes, str]] = {}

    def check(self, name: str, *, whole: bool) -> None:
        """Look at a pack: its metadata, or every byte."""
        key = layout.pack_key(name)
        try:
            size, metadata = read_pack_metadata(self._backend, name)
        except NotFound:
            return  # deleted since the listing
        except FormatTooNew as error:
            self._blame(key, error.message)
            return
        except Corrupt as error:
            facts = self._recover(name)
            if facts is None:
                self._blame_all(name, error.message)
                return
            self._blame(key, error.message)
            size, metadata = facts
        index = metadata.objects
        self._scratch.hold(zip(index.ids, index.kinds, strict=True))
        self._report.objects += len(index.ids)
        for frame in index.frames:
            if frame.offset + pack.FRAME_HEADER_BYTES + frame.stored > size:
                self._blame(key, f"frame at byte {frame.offset} lies beyond the end")
        if whole:
            self._read_whole(name, index)

    def _blame(self, key: str, what: str) -> None:
        self.faults.append(Fault(key, what))

    def _recover(self, name: str) -> PackFacts | None:
        try:
            return recover_pack_metadata(self._backend, name)
        except (Corrupt, NotFound):
            return None

    def _blame_all(self, name: str, what: str) -> None:
        """The index is lost: what the catalog knew of the pack is all that is known."""
        rows = self._catalog.rows(
            f"SELECT o.id, o.kind FROM ({ALL_OBJECTS}) o JOIN pack p ON p.n = o.pack"
            " WHERE p.name = ?",
            (name,),
        )
        key = layout.pack_key(name)
        self.lost[key] = {object_id: KINDS_BY_CODE[code] for object_id, code in rows}
        self._scratch.hold(self.lost[key].items())
        self._blame(key, what)

    def _read_whole(self, name: str, index: pack.PackIndex) -> None:
        key = layout.pack_key(name)
        try:
            data = read_whole_pack(self._backend, name)
        except NotFound:
            return
        except Corrupt as error:
            self._blame_all(name, error.message)
            return
        self._report.bytes_read += len(data)
        parsed = layout.parse_pack_name(name)
        intact = parsed is not None and hash_bytes(data) == parsed.digest
        if not intact:
            self._blame(key, "its bytes do not match the hash in its name")
        try:
            pack.read_head(data)
        except GravenError as error:
            self._blame(key, error.message)
        position = 0
        for frame in index.frames:
            part = slice(position, position + frame.count)
            position += frame.count
            self._check_frame(key, data, frame, index, part)

    def _check_frame(
        self, key: str, data: bytes, frame: FrameRow, index: pack.PackIndex, part: slice
    ) -> None:
        if read_frame_header(data, frame.offset) != frame:
            self._blame(key, f"frame header at byte {frame.offset} is damaged")
        start = frame.offset + pack.FRAME_HEADER_BYTES
        try:
            raw = pack.decode_frame(frame, data[start : start + frame.stored])
        except Corrupt as error:
            self._blame(key, f"frame at byte {frame.offset}: {error.message}")
            raw = salvage(data, frame)
        offset = frame.count * pack.TOC_ENTRY_BYTES
        for object_id, kind, length in zip(
            index.ids[part], index.kinds[part], index.lengths[part], strict=True
        ):
            body = raw[offset : offset + length]
            offset += length
            if hash_bytes(body) != object_id:
                self.faults.append(Fault(key, "does not match its name", object_id, kind))
                continue
            try:
                self._note_links(object_id, kind, body)
                if self._strict:
                    check_form(kind, body)
            except GravenError as error:
                self.faults.append(Fault(key, error.message, object_id, kind))

    def _note_links(self, object_id: ObjectId, kind: str, body: bytes) -> None:
        if kind == RUN:
            links = run_links(body)
            self._scratch.name(object_id, DEFINITIONS, (links.definitions,))
            self._scratch.name(object_id, ENVIRONMENT, (links.environment,))
        elif kind == FILE:
            self._scratch.name(object_id, BLOB, chunks_of(body))
        elif kind == MANIFEST:
            self._scratch.name(object_id, LINKED, links_of(kind, body))
