"""Checks every byte, and says what is hurt by a wrong one.

``quick`` reads names, trailers and metadata regions and follows every ref to an object
that the packs say they hold. ``full`` reads every byte: the hash of each pack, of each
frame's objects, the head. ``strict`` also checks that objects have their canonical form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.catalog.places import ALL_OBJECTS, locate
from graven.errors import Corrupt, FormatTooNew, GravenError, NotFound
from graven.formats import layout, pack
from graven.formats.envelope import DEFINITIONS, ENVIRONMENT, RUN
from graven.formats.header import FrameRow
from graven.formats.packscan import read_frame_header, salvage
from graven.formats.run_object import decode_body
from graven.ids import ObjectId, hash_bytes
from graven.objects.packs import (
    PackFacts,
    read_pack_metadata,
    read_whole_pack,
    recover_pack_metadata,
)
from graven.objects.reader import ObjectReader
from graven.store.links import Links, check_form

LEVELS = ("quick", "full")


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong.

    Attributes:
        place: key of the file.
        what: the fault, in words.
        object_id: hex id of the damaged object, if it is one.
        kind: its kind.
        runs: ids of the runs that it belongs to.
        healthy_copy: key of another pack that holds the object undamaged, or None.
    """

    place: str
    what: str
    object_id: str | None = None
    kind: str | None = None
    runs: tuple[str, ...] = ()
    healthy_copy: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "place": self.place,
            "what": self.what,
            "object_id": self.object_id,
            "kind": self.kind,
            "runs": list(self.runs),
            "healthy_copy": self.healthy_copy,
        }


@dataclass(slots=True)
class FsckReport:
    """What fsck saw.

    ``damage`` is what is wrong; ``garbage`` is harmless (left-over temporary files,
    strangers); counts say how much was looked at.
    """

    level: str
    packs: int = 0
    objects: int = 0
    refs: int = 0
    bytes_read: int = 0
    damage: list[Damage] = field(default_factory=list)
    garbage: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if nothing is damaged."""
        return not self.damage

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "level": self.level,
            "ok": self.ok,
            "packs": self.packs,
            "objects": self.objects,
            "refs": self.refs,
            "bytes_read": self.bytes_read,
            "damage": [damage.to_dict() for damage in self.damage],
            "garbage": list(self.garbage),
        }


class Fsck:
    """One check of one store.

    Args:
        backend: the store's files.
        catalog: fresh; it tells what an object belongs to.
        strict: also check canonical form (with level ``full``).
    """

    def __init__(
        self, backend: Backend, catalog: Catalog, *, level: str = "quick", strict: bool = False
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._strict = strict
        self._report = FsckReport(level)
        self._held: set[bytes] = set()
        self._links = Links()
        self._damaged: dict[bytes, list[tuple[str, str, str]]] = {}

    def run(self) -> FsckReport:
        """Look at everything and report; never stops at the first fault."""
        for name in sorted(self._backend.names(layout.PACKS)):
            key = layout.pack_key(name)
            if layout.classify(key) is layout.FileKind.PACK:
                self._report.packs += 1
                self._check_pack(name)
            elif layout.classify(key) is layout.FileKind.STRANGER:
                self._report.garbage.append(f"{key}: not a name of graven's")
        self._report_damaged_objects()
        self._check_refs()
        self._check_links()
        self._check_guarded()
        self._check_probes()
        for key, age_ms in self._backend.temporaries():
            self._report.garbage.append(
                f"{key}: left by a write that never ended ({age_ms // 1000} s ago)"
            )
        return self._report

    def _add(self, place: str, what: str) -> None:
        self._report.damage.append(Damage(place, what))

    # --- packs ---

    def _check_pack(self, name: str) -> None:
        key = layout.pack_key(name)
        try:
            size, metadata = read_pack_metadata(self._backend, name)
        except NotFound:
            return  # deleted since the listing
        except FormatTooNew as error:
            self._add(key, error.message)
            return
        except Corrupt as error:
            facts = self._recover(name)
            if facts is None:
                self._blame_whole_pack(name, error.message)
                return
            self._add(key, error.message)
            size, metadata = facts
        index = metadata.objects
        self._held.update(index.ids)
        self._report.objects += len(index.ids)
        for frame in index.frames:
            if frame.offset + pack.FRAME_HEADER_BYTES + frame.stored > size:
                self._add(key, f"frame at byte {frame.offset} lies beyond the end")
        if self._report.level == "full":
            self._read_whole(name, index)

    def _recover(self, name: str) -> PackFacts | None:
        try:
            return recover_pack_metadata(self._backend, name)
        except (Corrupt, NotFound):
            return None

    def _blame_whole_pack(self, name: str, what: str) -> None:
        """The index is lost: what the catalog knew of the pack is all that is known."""
        rows = self._catalog.rows(
            f"SELECT o.id FROM ({ALL_OBJECTS}) o JOIN pack p ON p.n = o.pack WHERE p.name = ?",
            (name,),
        )
        held = {row[0] for row in rows}
        self._held |= held
        runs = self._catalog.rows("SELECT run_id, object FROM run WHERE object IS NOT NULL")
        hurt = tuple(sorted(run_id for run_id, target in runs if target in held))
        self._report.damage.append(Damage(layout.pack_key(name), what, runs=hurt))

    def _read_whole(self, name: str, index: pack.PackIndex) -> None:
        key = layout.pack_key(name)
        try:
            data = read_whole_pack(self._backend, name)
        except NotFound:
            return
        except Corrupt as error:
            self._blame_whole_pack(name, error.message)
            return
        self._report.bytes_read += len(data)
        parsed = layout.parse_pack_name(name)
        intact = parsed is not None and hash_bytes(data) == parsed.digest
        if not intact:
            self._add(key, "its bytes do not match the hash in its name")
        try:
            pack.read_head(data)
        except GravenError as error:
            self._add(key, error.message)
        position = 0
        for frame in index.frames:
            part = slice(position, position + frame.count)
            position += frame.count
            self._check_frame(name, data, frame, index, part)

    def _check_frame(
        self, name: str, data: bytes, frame: FrameRow, index: pack.PackIndex, part: slice
    ) -> None:
        key = layout.pack_key(name)
        if read_frame_header(data, frame.offset) != frame:
            self._add(key, f"frame header at byte {frame.offset} is damaged")
        start = frame.offset + pack.FRAME_HEADER_BYTES
        try:
            raw = pack.decode_frame(frame, data[start : start + frame.stored])
        except Corrupt as error:
            self._add(key, f"frame at byte {frame.offset}: {error.message}")
            raw = salvage(data, frame)
        offset = frame.count * pack.TOC_ENTRY_BYTES
        for object_id, kind, length in zip(
            index.ids[part], index.kinds[part], index.lengths[part], strict=True
        ):
            body = raw[offset : offset + length]
            offset += length
            if hash_bytes(body) != object_id:
                self._hurt(object_id, kind, key, "does not match its name")
                continue
            try:
                self._links.add(object_id, kind, body)
            except GravenError as error:
                self._hurt(object_id, kind, key, error.message)
                continue
            if self._strict:
                self._check_form(object_id, kind, key, body)

    def _check_form(self, object_id: ObjectId, kind: str, key: str, body: bytes) -> None:
        try:
            check_form(kind, body)
        except GravenError as error:
            self._hurt(object_id, kind, key, error.message)

    def _hurt(self, object_id: bytes, kind: str, key: str, what: str) -> None:
        self._damaged.setdefault(object_id, []).append((key, kind, what))

    def _report_damaged_objects(self) -> None:
        for object_id, faults in self._damaged.items():
            copies = locate(self._catalog, ObjectId(object_id))
            bad = {key for key, _, _ in faults}
            held = [layout.pack_key(place.pack) for place in copies]
            good = [key for key in held if key not in bad]
            runs = tuple(sorted(set(runs_of_object(self._catalog, self._backend, object_id))))
            for key, kind, what in faults:
                self._report.damage.append(
                    Damage(key, what, object_id.hex(), kind, runs, good[0] if good else None)
                )

    # --- refs ---

    def _check_refs(self) -> None:
        rows = self._catalog.rows(
            "SELECT 'runs/' || run_id, object FROM run"
            " UNION ALL SELECT name, target FROM ref ORDER BY 1"
        )
        for name, target in rows:
            self._report.refs += 1
            if target is not None and target not in self._held:
                parsed = layout.parse_ref_name(name)
                run_id = parsed.run_id if parsed else name
                self._report.damage.append(
                    Damage(name, "its object is in no pack", target.hex(), None, (run_id,))
                )

    def _check_links(self) -> None:
        """What objects name must be there; only level full has read them."""
        for target, kind in self._links.missing(self._held):
            runs = set(runs_sharing(self._catalog, self._backend, target))
            for file_id in self._links.files_with(target):
                runs.update(runs_of_object(self._catalog, self._backend, file_id))
            place = self._links.named_in(target)
            self._report.damage.append(
                Damage(place, "is in no pack", target.hex(), kind, tuple(sorted(runs)))
            )

    def _check_guarded(self) -> None:
        from graven.formats.guarded import decode_ref_file, decode_ref_object
        from graven.refs.guarded import KEPT_VALUES

        for space in layout.GUARDED_SPACES:
            folder = f"{layout.REFS}{space}/"
            for file_name in sorted(self._backend.names(folder)):
                key = folder + file_name
                if layout.classify(key) is not layout.FileKind.GUARDED_REF:
                    self._report.garbage.append(f"{key}: not a name of graven's")
                    continue
                self._report.refs += 1
                try:
                    value = decode_ref_file(self._backend.get(key), key)
                    for number in range(value.seq):
                        if number < KEPT_VALUES:
                            self._check_target(key, value.object, value.run)
                        if value.previous is None:
                            break
                        before = self._object(value.previous)
                        if before is None:
                            self._add(key, f"its history breaks off: no object {value.previous}")
                            break
                        value = decode_ref_object(before)
                except NotFound:
                    continue
                except GravenError as error:
                    self._add(key, error.message)

    def _check_probes(self) -> None:
        for entry in self._backend.list(layout.PROBE):
            if layout.classify(entry.key) is layout.FileKind.PROBE:
                self._report.garbage.append(
                    f"{entry.key}: left by a probe of the storage; may be deleted"
                )
            else:
                self._report.garbage.append(f"{entry.key}: not a name of graven's")

    def _check_target(self, key: str, target: str | None, run_id: str | None) -> None:
        if target is not None and bytes.fromhex(target) not in self._held:
            self._report.damage.append(
                Damage(key, "its object is in no pack", target, RUN, (run_id or "",))
            )

    def _object(self, object_hex: str) -> bytes | None:
        try:
            return reader_of(self._catalog, self._backend).get(ObjectId(bytes.fromhex(object_hex)))
        except (NotFound, ValueError):
            return None


def reader_of(catalog: Catalog, backend: Backend) -> ObjectReader:
    """A verified reader over what the catalog knows."""
    return ObjectReader(backend, lambda object_id: locate(catalog, object_id))


def runs_of_object(catalog: Catalog, backend: Backend, object_id: bytes) -> Iterator[str]:
    """Ids of the runs that an object belongs to: as itself, as a part, as an attachment."""
    for (run_id,) in catalog.rows("SELECT run_id FROM run WHERE object = ?", (object_id,)):
        yield run_id
    for (run_id,) in catalog.rows("SELECT run_id FROM ref WHERE target = ?", (object_id,)):
        if run_id is not None:
            yield run_id
    places = locate(catalog, ObjectId(object_id))
    if any(place.kind in (ENVIRONMENT, DEFINITIONS) for place in places):
        yield from runs_sharing(catalog, backend, object_id)


def runs_sharing(catalog: Catalog, backend: Backend, object_id: bytes) -> Iterator[str]:
    """Ids of the living runs that name an object as environment or definitions."""
    reader = reader_of(catalog, backend)
    for run_id, target in catalog.rows("SELECT run_id, object FROM run WHERE object IS NOT NULL"):
        try:
            body = decode_body(reader.get(ObjectId(target)))
        except (Corrupt, NotFound):
            continue
        if object_id in (body.environment, body.definitions):
            yield run_id
