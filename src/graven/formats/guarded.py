"""The JSON file of a guarded ref (docs/format.md, "Guarded refs")."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from graven.errors import Corrupt, InvalidInput
from graven.formats.checksum import FIELD, checksum_of
from graven.ids import is_hex

_FIELDS = ("run", "object", "seq", "previous", "write_id", "by", "at", "message")
RECENT = 32  # write ids in a ref file


@dataclass(frozen=True, slots=True, kw_only=True)
class RefValue:
    """The value of a baseline or tag at one moment.

    Attributes:
        run: id of the run, or None: deleted (the file stays, so that a stale copy of
            the store cannot create it anew).
        object: hex id of the run object; a later save under the same run id does not
            change it.
        seq: 1 for the first value, then one more each time.
        previous: hex id of the `ref` object that holds the value before.
        write_id: random; tells a lost answer from a lost race.
        by, at, message: who, when (ISO 8601), why.
        recent: write ids of the values before, newest first. Only in the file: whoever lost
            an answer finds there whether his write happened, and reads no history for it.
    """

    run: str | None
    object: str | None
    seq: int
    previous: str | None
    write_id: str
    by: str
    at: str
    message: str
    recent: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as the value's `ref` object holds it."""
        return {name: getattr(self, name) for name in _FIELDS}

    def recent_with_own(self) -> tuple[str, ...]:
        """What the next value has as its `recent`."""
        return (self.write_id, *self.recent)[:RECENT]

    def with_write_id(self, write_id: str) -> RefValue:
        """The same value for another attempt at writing it."""
        return replace(self, write_id=write_id)


def encode_ref_file(value: RefValue) -> bytes:
    """The bytes of the ref's file: readable JSON, with the checksum of its own fields.

    Raises:
        InvalidInput: text that UTF-8 cannot write.
    """
    record = value.to_dict()
    if value.recent:
        record["recent"] = list(value.recent)
    try:
        return _render(record | {FIELD: checksum_of(record)})
    except UnicodeEncodeError:
        raise InvalidInput(
            "text holds a lone surrogate, which UTF-8 cannot write", kind="bad-text"
        ) from None


def _render(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def decode_ref_file(data: bytes, where: str) -> RefValue:
    """Read a ref's file. Nothing else in the store knows its value, so it vouches for itself.

    Raises:
        Corrupt: not such a file, or a byte of it is not as it was written; ``where`` names it.
    """
    try:
        record = json.loads(data)
        value = _from_record(record)
        stated = record.pop(FIELD, None)
        if stated != checksum_of(record):
            raise ValueError("its fields do not match its checksum")
        # Same fields, another spelling (an escape's digits): still a byte that nobody wrote.
        if _render(record | {FIELD: stated}) != data:
            raise ValueError("its fields are not spelled as they were written")
    except (ValueError, TypeError, KeyError, RecursionError, InvalidInput) as error:
        raise Corrupt(
            f"{where} is no valid ref file: {error}",
            kind="bad-ref-file",
            hint="'graven fsck --repair --from COPY' takes it from a copy of the store; without"
            " one, delete the file and set the name anew",
            file=where,
        ) from None
    return value


def encode_ref_object(value: RefValue) -> bytes:
    """The `ref` object that keeps a value once another has replaced it."""
    from graven.formats.envelope import REF, seal

    return seal(REF, value.to_dict())


def decode_ref_object(data: bytes) -> RefValue:
    """Read a `ref` object.

    Raises:
        Corrupt: not one.
    """
    from graven.formats.envelope import REF, unseal

    try:
        return _from_record(unseal(data, REF).body)
    except (TypeError, KeyError) as error:
        raise Corrupt(f"ref object is malformed: {error}", kind="bad-object") from None


def _from_record(record: Any) -> RefValue:
    known = {name: record[name] for name in _FIELDS}
    recent = record.get("recent", [])
    if not isinstance(recent, list):
        raise TypeError("'recent' is no list")
    value = RefValue(**known, recent=tuple(recent[:RECENT]))
    texts = [value.write_id, value.by, value.at, value.message, *value.recent]
    optional = [value.run, value.object, value.previous]
    if (
        not all(isinstance(text, str) for text in texts)
        or not all(text is None or isinstance(text, str) for text in optional)
        or type(value.seq) is not int
    ):
        raise TypeError("a field has the wrong type")
    ids = [value.object, value.previous]
    if not all(text is None or (len(text) == 64 and is_hex(text)) for text in ids):
        raise TypeError("an object id is not 64 hex digits")
    if value.seq < 1 or (value.run is None) != (value.object is None):
        raise TypeError("its fields contradict each other")
    return value
