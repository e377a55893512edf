"""The `manifest` object: a small structured record that may name other objects.

One shape for folders, results and the records of experiments: whoever follows links
(sync, gc, fsck) needs to know none of them (docs/format.md, "manifest").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graven.errors import Corrupt
from graven.formats.envelope import MANIFEST, seal, unseal
from graven.ids import OBJECT_ID_BYTES, ObjectId


class Manifest(NamedTuple):
    """A record: what it is, the objects it needs, and its content.

    ``data`` refers to an object by its position in ``links``.
    """

    type: str
    links: tuple[ObjectId, ...]
    data: Any


def encode_manifest(type: str, data: object, links: Sequence[ObjectId] = ()) -> bytes:
    """The object's bytes.

    Raises:
        InvalidInput: ``data`` holds what canonical msgpack has no form for.
    """
    return seal(MANIFEST, {"data": data, "links": list(links), "type": type})


def decode_manifest(record: bytes) -> Manifest:
    """The inverse of `encode_manifest`.

    Raises:
        Corrupt: it is no manifest. FormatTooNew: of a version not known here.
    """
    body = unseal(record, MANIFEST).body
    try:
        kind, links, data = body["type"], body["links"], body["data"]
    except (KeyError, TypeError) as error:
        raise Corrupt(f"manifest object is malformed: {error}", kind="bad-object") from None
    if not isinstance(kind, str) or not isinstance(links, list):
        raise Corrupt("manifest object is malformed", kind="bad-object")
    if not all(isinstance(link, bytes) and len(link) == OBJECT_ID_BYTES for link in links):
        raise Corrupt("manifest object names an object that cannot be", kind="bad-object")
    return Manifest(kind, tuple(ObjectId(link) for link in links), data)
