"""What objects name: runs their environment and definitions, files their chunks.

A manifest names what it links to, which may be files.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from graven.errors import Corrupt
from graven.formats.envelope import BLOB, DEFINITIONS, ENVIRONMENT, FILE, MANIFEST, RUN, unseal
from graven.formats.manifest import decode_manifest
from graven.formats.run_object import is_canonical_run
from graven.ids import OBJECT_ID_BYTES, ObjectId

NAMING = frozenset({RUN, FILE, MANIFEST})  # kinds whose objects name others
LINKED = "linked object"  # a manifest does not say of what kind


class _RunLinks(msgspec.Struct):
    definitions: bytes
    environment: bytes


# Reads two fields and steps over the rest: fsck does this for every run.
_decode_links = msgspec.msgpack.Decoder(tuple[str, int, _RunLinks]).decode


def links_of(kind: str, data: bytes) -> list[ObjectId]:
    """Ids of the objects that an object names: all of them must be where it is.

    Raises:
        Corrupt: it is not of its kind. FormatTooNew: of a version not known here.
    """
    if kind == RUN:
        links = _run_links(data)
        return [ObjectId(links.environment), ObjectId(links.definitions)]
    if kind == FILE:
        return [ObjectId(chunk) for chunk in _chunks(data)]
    if kind == MANIFEST:
        return list(decode_manifest(data).links)
    return []


def check_form(kind: str, data: bytes) -> None:
    """Refuse an object that is not in its canonical form, so that no store takes it in.

    Raises:
        Corrupt: it is not. FormatTooNew: of a version not known here.
    """
    if kind == RUN:
        if not is_canonical_run(data):
            raise Corrupt("is not in canonical form", kind="bad-object")
        unseal(data, kind)
    elif kind != BLOB:
        unseal(data, kind, strict=True)


class Links:
    """Collects what objects name, to tell what is missing once all packs are read."""

    def __init__(self) -> None:
        self._wanted: dict[bytes, tuple[str, bytes]] = {}  # id -> kind, object that names it
        self._files: dict[bytes, list[bytes]] = {}

    def add(self, object_id: ObjectId, kind: str, data: bytes) -> None:
        """Note what an object names.

        Raises:
            Corrupt: it is not of its kind. FormatTooNew: of a version not known here.
        """
        if kind == RUN:
            links = _run_links(data)
            self._wanted.setdefault(links.definitions, (DEFINITIONS, object_id))
            self._wanted.setdefault(links.environment, (ENVIRONMENT, object_id))
        elif kind == FILE:
            chunks = _chunks(data)
            self._files[object_id] = chunks
            for chunk in chunks:
                self._wanted.setdefault(chunk, (BLOB, object_id))
        elif kind == MANIFEST:
            for link in decode_manifest(data).links:
                self._wanted.setdefault(link, (LINKED, object_id))

    def missing(self, held: set[bytes]) -> Iterator[tuple[bytes, str]]:
        """(id, kind) of what is named and not held."""
        for target, (kind, _) in self._wanted.items():
            if target not in held:
                yield target, kind

    def named_in(self, target: bytes) -> str:
        """``object <hex id>`` of one that names ``target``."""
        return f"object {self._wanted[target][1].hex()}"

    def files_with(self, chunk: bytes) -> list[bytes]:
        """Ids of the files that have this chunk."""
        return [file_id for file_id, chunks in self._files.items() if chunk in chunks]


def _run_links(data: bytes) -> _RunLinks:
    try:
        return _decode_links(data)[2]
    except (msgspec.DecodeError, RecursionError) as error:
        unseal(data, RUN)
        raise Corrupt(f"run object is malformed: {error}", kind="bad-object") from None


def _chunks(data: bytes) -> list[bytes]:
    try:
        chunks = [chunk for chunk, _ in unseal(data, FILE).body["chunks"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"file object is malformed: {error}", kind="bad-object") from None
    if not all(isinstance(chunk, bytes) and len(chunk) == OBJECT_ID_BYTES for chunk in chunks):
        raise Corrupt("file object names a chunk that cannot be", kind="bad-object")
    return chunks
