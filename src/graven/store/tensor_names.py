"""Names of tensors: batch, layer and key as attachments of a run, and back.

``tensors/<batch>/<layer>/<key>`` and ``tensors/<batch>/metadata``; what belongs to the whole
run stands under ``tensors/appended/<entry>/`` in the same way. Layer and key are percent-encoded,
so they may hold any text.
"""

from __future__ import annotations

import operator
import re
from functools import lru_cache
from typing import NamedTuple

from graven.errors import InvalidInput
from graven.formats.layout import attachment_ref
from graven.ids import normal, percent_decode, percent_encode

MAX_BATCH = 2**63 - 1
MAX_NAME = 1024  # of an attachment; a longer one could not be asked for by name
PREFIX = "tensors/"
APPENDED = "tensors/appended/"
METADATA = "metadata"

_BATCH = re.compile(r"0|[1-9][0-9]{0,18}")


class Part(NamedTuple):
    """What the name of a ref says below its batch or entry; ``layer`` None: the metadata."""

    layer: str | None
    key: str


def check_batch(batch: object) -> int:
    """Accept the index of a batch.

    Raises:
        InvalidInput: not an integer from 0 to 2^63 - 1.
    """
    if not isinstance(batch, bool) and hasattr(batch, "__index__"):
        number = operator.index(batch)
        if 0 <= number <= MAX_BATCH:
            return number
    raise InvalidInput(
        f"batch must be an integer from 0 to {MAX_BATCH}, not {str(batch)[:60]!r}",
        kind="bad-batch",
        field="batch",
    )


def check_text(value: object, what: str) -> str:
    """Accept a layer or a key: text, or an integer, which is taken as text.

    Raises:
        InvalidInput: another type, empty, or text that UTF-8 cannot write.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str) or not value:
        shown = "empty" if value == "" else type(value).__name__
        raise InvalidInput(f"{what} must be text, not {shown}", kind="bad-name", field=what)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"{what} {value[:60]!r} holds a lone surrogate", kind="bad-name", field=what
        ) from None
    return normal(str(value))


def batch_folder(batch: int) -> str:
    """What the names of all that belongs to a batch begin with."""
    return f"{PREFIX}{batch}/"


def entry_folder(entry: str) -> str:
    """What the names of all that belongs to one appended entry begin with."""
    return f"{APPENDED}{entry}/"


def tensor_name(folder: str, layer: str, key: str) -> str:
    """The name of a tensor as an attachment.

    Raises:
        InvalidInput: too long.
    """
    name = f"{folder}{encode_part(layer)}/{encode_part(key)}"
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"layer {layer[:30]!r} and key {key[:30]!r} are too long: their name has"
            f" {len(name):,} characters of {MAX_NAME:,}",
            kind="bad-name",
            field="layer",
        )
    return name


def prefix_of(run_id: str, folder: str) -> str:
    """What the names of the refs in a folder begin with."""
    return attachment_ref(run_id, folder)


def parse_batch(text: str) -> int | None:
    """The batch that a part of a name stands for; None for any other."""
    if not _BATCH.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_BATCH else None


def parse_part(text: str) -> Part | None:
    """Layer and key from the end of a name; None for what no tensor is called."""
    if text == METADATA:
        return Part(None, "")
    layer, slash, key = text.partition("/")
    if not slash:
        return None
    try:
        return Part(decode_part(layer), decode_part(key))
    except InvalidInput:
        return None


# The same few layers and keys stand in every batch.
encode_part = lru_cache(maxsize=4096)(percent_encode)
decode_part = lru_cache(maxsize=4096)(percent_decode)
