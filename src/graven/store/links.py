"""What objects name: runs their environment and definitions, files their chunks.

A manifest names what it links to, which may be files.
"""

from __future__ import annotations

import msgspec

from graven.errors import Corrupt
from graven.formats.envelope import BLOB, FILE, MANIFEST, RUN, unseal
from graven.formats.manifest import decode_manifest
from graven.formats.run_object import is_canonical_run
from graven.ids import OBJECT_ID_BYTES, ObjectId

NAMING = frozenset({RUN, FILE, MANIFEST})  # kinds whose objects name others
LINKED = "linked object"  # a manifest does not say of what kind


class RunLinks(msgspec.Struct):
    """The objects that a run names."""

    definitions: bytes
    environment: bytes


# Reads two fields and steps over the rest: fsck does this for every run.
_decode_links = msgspec.msgpack.Decoder(tuple[str, int, RunLinks]).decode


def links_of(kind: str, data: bytes) -> list[ObjectId]:
    """Ids of the objects that an object names: all of them must be where it is.

    Raises:
        Corrupt: it is not of its kind. FormatTooNew: of a version not known here.
    """
    if kind == RUN:
        links = run_links(data)
        return [ObjectId(links.environment), ObjectId(links.definitions)]
    if kind == FILE:
        return [ObjectId(chunk) for chunk in chunks_of(data)]
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


def run_links(data: bytes) -> RunLinks:
    """What a run names.

    Raises:
        Corrupt: it is no run. FormatTooNew: of a version not known here.
    """
    try:
        return _decode_links(data)[2]
    except (msgspec.DecodeError, RecursionError) as error:
        unseal(data, RUN)
        raise Corrupt(f"run object is malformed: {error}", kind="bad-object") from None


def chunks_of(data: bytes) -> list[bytes]:
    """Ids of the chunks of a file, in order; one may come several times.

    Raises:
        Corrupt: it is no file. FormatTooNew: of a version not known here.
    """
    try:
        chunks = [chunk for chunk, _ in unseal(data, FILE).body["chunks"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Corrupt(f"file object is malformed: {error}", kind="bad-object") from None
    if not all(isinstance(chunk, bytes) and len(chunk) == OBJECT_ID_BYTES for chunk in chunks):
        raise Corrupt("file object names a chunk that cannot be", kind="bad-object")
    return chunks
