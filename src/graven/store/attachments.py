"""What is kept beside a run, as the catalog knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from graven.catalog.database import Catalog, Row
from graven.errors import InvalidInput
from graven.formats import layout

if TYPE_CHECKING:
    from mimetypes import MimeTypes

FOLDER = "folder"
FILE = "file"
FOLDER_TYPE = "inode/directory"
UNKNOWN_TYPE = "application/octet-stream"
MAX_METADATA_BYTES = 64 * 1024
_MORE_TYPES = {
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".toml": "application/toml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

# Visible: not deleted, younger than the last removal of its run, and the run is there.
_VISIBLE = (
    "SELECT f.name, f.target, f.note, f.stamp FROM ref f JOIN run r USING(run_id)"
    " WHERE f.target IS NOT NULL AND r.object IS NOT NULL AND f.stamp > r.floor"
)


class Attachment(NamedTuple):
    """Something kept beside a run.

    Attributes:
        name: ``artifacts/model.bin``; the word before the first ``/`` says what it is for.
        object_id: of its blob, file or manifest, 64 hex digits.
        size: of its content in bytes; of a folder the sum of its files.
        media_type: as given, else guessed from the name.
        kind: ``file``, ``folder``, or the type of the record that it is (``result`` ...).
        stamp: of its write.
        metadata: what was given with it.
        blake3: of the whole content, hex; None where it was not noted. Of a blob it is
            ``object_id``.
    """

    name: str
    object_id: str
    size: int
    media_type: str
    kind: str
    stamp: int
    metadata: dict[str, Any]
    blake3: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "object": self.object_id,
            "size": self.size,
            "media_type": self.media_type,
            "kind": self.kind,
            "metadata": self.metadata,
            "blake3": self.blake3,
        }


def list_attachments(catalog: Catalog, run_id: str, prefix: str = "") -> list[Attachment]:
    """What is visible beside a run, by name; with a prefix only names that begin so."""
    start = layout.attachment_ref(run_id, prefix)
    rows = catalog.rows(
        # U+10FFFF sorts after every character a name can go on with.
        f"{_VISIBLE} AND f.run_id = ? AND f.name >= ? AND f.name < ? ORDER BY f.name",
        (run_id, start, start + "\U0010ffff"),
    )
    return [_attachment(run_id, row) for row in rows]


def find_attachment(catalog: Catalog, run_id: str, name: str) -> Attachment | None:
    """One that is visible, None if there is none of that name."""
    row = catalog.one(f"{_VISIBLE} AND f.name = ?", (layout.attachment_ref(run_id, name),))
    return None if row is None else _attachment(run_id, row)


def stamp_of(catalog: Catalog, run_id: str, name: str) -> int:
    """The stamp of its last update, a deletion too; 0 if there never was one."""
    ref = layout.attachment_ref(run_id, name)
    row = catalog.one("SELECT stamp FROM ref WHERE name = ?", (ref,))
    return int(row[0]) if row else 0


def _attachment(run_id: str, row: Row) -> Attachment:
    ref, target, text, stamp = row
    name = ref[len(layout.attachment_ref(run_id, "")) :]
    return from_note(name, target.hex(), stamp, json.loads(text) if text else {})


def from_note(name: str, object_id: str, stamp: int, note: Mapping[str, Any]) -> Attachment:
    """An attachment by the note of its ref.

    Notes are a stranger's too: what is not of its type counts as unsaid.
    """
    size, metadata = note.get("size"), note.get("metadata")
    return Attachment(
        name,
        object_id,
        size if type(size) is int and size >= 0 else 0,
        _text(note.get("media_type")) or guess_media_type(name),
        _text(note.get("type")) or FILE,
        stamp,
        metadata if isinstance(metadata, dict) else {},
        _text(note.get("blake3")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


@cache
def _media_types() -> MimeTypes:
    from mimetypes import MimeTypes

    known = MimeTypes()  # what Python knows, and not what this machine adds
    for ending, media_type in _MORE_TYPES.items():
        known.add_type(media_type, ending)
    return known


def guess_media_type(name: str) -> str:
    """By the ending of a name, as far as it is registered."""
    guessed, encoding = _media_types().guess_type(name.rpartition("/")[2], strict=True)
    if encoding is not None:  # of the content once unpacked, which it is not here
        return f"application/{encoding}" if encoding in ("gzip", "zstd") else UNKNOWN_TYPE
    return guessed or UNKNOWN_TYPE


def make_note(
    size: int,
    *,
    kind: str = FILE,
    media_type: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    blake3: str | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """The note of an attachment's ref; what says nothing is left out.

    Raises:
        InvalidInput: metadata that JSON has no form for, or over 64 KiB of it.
    """
    note: dict[str, Any] = {"size": size, **facts}
    if kind != FILE:
        note["type"] = kind
    if media_type is not None:
        note["media_type"] = check_media_type(media_type)
    if blake3 is not None:
        note["blake3"] = blake3
    if metadata:
        note["metadata"] = check_metadata(metadata)
    return note


def check_media_type(text: object) -> str:
    """Accept ``type/subtype`` with parameters, of printable ASCII.

    Raises:
        InvalidInput: anything else.
    """
    if not isinstance(text, str) or not (0 < len(text) <= 255) or not text.isascii():
        ok = False
    else:
        ok = text.isprintable() and text.count("/") >= 1 and not text.startswith("/")
    if not ok:
        raise InvalidInput(
            f"not a media type: {str(text)[:60]!r}",
            kind="bad-media-type",
            hint="write it like text/csv",
            field="media_type",
        )
    return str(text)


def check_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as it is kept: JSON-like, small enough for the store's listings.

    Raises:
        InvalidInput: it is not.
    """
    from graven.formats.canonical import encode
    from graven.model.reading import plain

    if not isinstance(metadata, Mapping):
        raise InvalidInput("metadata is no mapping", kind="bad-metadata", field="metadata")
    try:
        found: dict[str, Any] = plain(metadata, "metadata")
        size = len(encode(found, "metadata"))
    except TypeError as error:
        raise InvalidInput(str(error), kind="bad-metadata", field="metadata") from None
    if size > MAX_METADATA_BYTES:
        raise InvalidInput(
            f"metadata takes {size:,} bytes, over {MAX_METADATA_BYTES:,}",
            kind="bad-metadata",
            hint="keep it as a result or an artifact of its own",
            field="metadata",
        )
    return found
