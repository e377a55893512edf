"""store.json: what a store is, written once (docs/format.md, "store.json")."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from graven.errors import Corrupt, FormatTooNew, InvalidInput
from graven.formats.checksum import FIELD, checksum_of
from graven.ids import is_hex, new_nonce

FORMAT = 1
HASH = "blake3-256"
FEATURES: frozenset[str] = frozenset()  # flags this program knows; none exist yet
DEFAULT_GRACE_SECONDS = 24 * 3600


class StoreFile(NamedTuple):
    """The content of store.json.

    ``store_id`` is 32 hex digits, shared by all copies of the store; ``grace_seconds``
    is how long gc lets unreachable things live. ``settings`` False says that nobody has
    made a config.json yet, which saves a writer in a bucket the look; it is True where
    there may be one.
    """

    store_id: str
    grace_seconds: int
    features: tuple[str, ...] = ()
    created: str = ""
    format: int = FORMAT
    settings: bool = True


def new_store_file(created: str, *, settings: bool = True) -> StoreFile:
    """The file of a new store."""
    return StoreFile(new_nonce(), DEFAULT_GRACE_SECONDS, (), created, settings=settings)


def encode_store_file(value: StoreFile) -> bytes:
    """Readable JSON."""
    record: dict[str, Any] = {
        "format": value.format,
        "id": value.store_id,
        "hash": HASH,
        "grace_seconds": value.grace_seconds,
        "features": list(value.features),
        "created": value.created,
    }
    if not value.settings:
        record["settings"] = False
    record[FIELD] = checksum_of(record)
    return (json.dumps(record, indent=2) + "\n").encode()


def decode_store_file(data: bytes, where: str) -> StoreFile:
    """Read store.json.

    Raises:
        Corrupt: damaged; ``where`` names it. FormatTooNew: a newer format or feature.
        InvalidInput: JSON, but of something else.
    """
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        raise _damaged(where, "not JSON") from None
    if not isinstance(record, dict) or type(record.get("format")) is not int:
        raise InvalidInput(
            f"{where}: not graven's store.json", kind="not-a-store", field="format", file=where
        )
    features = record.get("features", [])
    if record["format"] < 1 or (record["format"] == FORMAT and not isinstance(features, list)):
        raise _damaged(where, "field 'features' or 'format'", "features")
    unknown = sorted(set(map(str, features)) - FEATURES)
    if record["format"] > FORMAT or unknown or record.get("hash", HASH) != HASH:
        wanted = record.get("needs") or f"format {record['format']}"
        more = f" with {', '.join(unknown)}" if unknown else ""
        raise FormatTooNew(
            f"{where}: needs graven >= {wanted}{more}",
            hint="install a newer graven to use this store",
            file=where,
        )
    stated = record.pop(FIELD, None)
    found = _read_fields(record, where)
    if stated != checksum_of(record):
        raise _damaged(where, "its fields do not match its checksum")
    return found


def _read_fields(record: dict[str, Any], where: str) -> StoreFile:
    store_id, grace = record.get("id"), record.get("grace_seconds", DEFAULT_GRACE_SECONDS)
    if not isinstance(store_id, str) or len(store_id) != 32 or not is_hex(store_id):
        raise _damaged(where, "field 'id'", "id")
    if type(grace) is not int or grace < 0:
        raise _damaged(where, "field 'grace_seconds'", "grace_seconds")
    return StoreFile(
        store_id,
        grace,
        (),
        str(record.get("created", "")),
        record["format"],
        record.get("settings") is not False,
    )


def _damaged(where: str, what: str, field: str | None = None) -> Corrupt:
    facts = {} if field is None else {"field": field}
    return Corrupt(
        f"{where} is damaged: {what}",
        kind="bad-store-file",
        hint="put the store.json of a copy of this store in its place: all copies have one content",
        file=where,
        **facts,
    )
