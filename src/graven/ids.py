"""Names of things: object ids, run ids, nonces. The only source of random bits."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NewType

from graven.errors import InvalidInput

if TYPE_CHECKING:
    import blake3

ObjectId = NewType("ObjectId", bytes)
"""BLAKE3-256 of an object's bytes: 32 raw bytes (64 lower-case hex digits as text)."""

RunId = NewType("RunId", str)
"""A run id that `check_run_id` has accepted."""

OBJECT_ID_BYTES = 32
GENERATED_RUN_ID_HEX = 20  # 80 bits: a collision among 10^6 runs has odds below 10^-12
MIN_PREFIX_HEX = 8
MAX_ENCODED_NAME_BYTES = 200  # leaves room for ".json" and a temporary name's ending below 255

_WINDOWS_NAMES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{stem}{digit}" for stem in ("com", "lpt") for digit in "0123456789¹²³"]
)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
# Names that need no closer look and no encoding: no device of Windows' has a digit in its
# first three, or eight of these characters.
_USUAL_NAME = re.compile(r"[a-z_-]{0,2}[0-9][a-z0-9_-]{0,60}|[a-z0-9_-]{8,60}")
RESERVED_RUN_IDS = frozenset(["latest"])


def hash_bytes(data: bytes | bytearray | memoryview) -> ObjectId:
    """Return the object id of ``data``."""
    import blake3

    return ObjectId(blake3.blake3(data).digest())


def hash_each(pieces: Iterable[bytes]) -> list[bytes]:
    """The object ids of many pieces, in their order."""
    from blake3 import blake3

    return [blake3(piece).digest() for piece in pieces]


def new_hasher() -> blake3.blake3:
    """An object id in the making: ``update`` with bytes, ``digest`` gives 32 of them."""
    import blake3

    return blake3.blake3()


def parse_object_id(text: str) -> ObjectId:
    """Read 64 lower-case hex digits.

    Raises:
        InvalidInput: anything else.
    """
    if len(text) != 2 * OBJECT_ID_BYTES or not is_hex(text):
        raise InvalidInput(f"not an object id: {text!r}", kind="bad-object-id", value=text)
    return ObjectId(bytes.fromhex(text))


def is_hex(text: str) -> bool:
    """True for a non-empty string of lower-case hex digits."""
    return bool(text) and not text.strip("0123456789abcdef")


# Of a context, not of the process: each simulated client has dice of its own.
_dice: ContextVar[Callable[[int], bytes]] = ContextVar("graven.ids", default=os.urandom)


@contextmanager
def drawn_from(dice: Callable[[int], bytes]) -> Iterator[None]:
    """Within: all of graven in this thread draws its random bits from ``dice(count)``."""
    token = _dice.set(dice)
    try:
        yield
    finally:
        _dice.reset(token)


def random_bytes(count: int) -> bytes:
    """Bits for nonces and writer ids: unique, never secret."""
    return _dice.get()(count)


def random_fraction() -> float:
    """A number in [0, 1), to spread retries of many clients over time."""
    return int.from_bytes(random_bytes(4), "big") / 2**32


def new_nonce() -> str:
    """32 hex digits that no other upload has."""
    return random_bytes(16).hex()


def normal(text: str) -> str:
    """``text`` in Unicode normal form C, the form of all names and keys."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def percent_encode(name: str) -> str:
    """A file name for ``name`` that is safe on every file system.

    Lower-case ASCII letters, digits and ``. _ -`` stand as they are, every other
    byte of the UTF-8 text becomes ``%xx``. Upper-case letters are encoded too, so
    two names that differ only in case never share a file where case is ignored.
    A leading dot is encoded (hidden files), and so is the last character of a
    name that Windows reserves or would cut (a trailing dot).
    """
    if _USUAL_NAME.fullmatch(name):
        return name
    stem = name.split(".", 1)[0]
    out = []
    last = len(name) - 1
    reserved = stem in _WINDOWS_NAMES
    for index, char in enumerate(name):
        if (
            char in _PLAIN
            and not (char == "." and index in (0, last))
            and not (reserved and index == 0)
        ):
            out.append(char)
        else:
            out.extend(f"%{byte:02x}" for byte in char.encode())
    return "".join(out)


def percent_decode(text: str) -> str:
    """The inverse of `percent_encode`.

    Raises:
        InvalidInput: not a name that `percent_encode` makes.
    """
    from urllib.parse import unquote_to_bytes

    try:
        name = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        name = ""
    if not name or percent_encode(name) != text:
        raise InvalidInput(f"not an encoded name: {text!r}", kind="bad-name", value=text)
    return name


def check_name(text: object, what: str) -> str:
    """Accept a name that becomes a file name (run id, baseline, tag), in normal form.

    Raises:
        InvalidInput: not text, empty, too long, a path, or holding control characters.
    """
    if type(text) is str and _USUAL_NAME.fullmatch(text):
        return text
    if not isinstance(text, str):
        raise InvalidInput(
            f"{what} must be text, not {type(text).__name__}", kind="bad-name", field=what
        )
    shown = text if len(text) <= 60 else text[:57] + "..."
    problem = _name_problem(text)
    if problem:
        raise InvalidInput(
            f"{what} {shown!r} {problem}",
            kind="bad-name",
            hint="use letters, digits, '.', '_' and '-', at most 200 of them",
            field=what,
            value=shown,
        )
    return normal(text)


def _name_problem(text: str) -> str | None:
    if not text:
        return "is empty"
    if text in (".", ".."):
        return "is a folder's name"
    if "/" in text or "\\" in text:
        return "holds a path separator"
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return "holds a control character"
    if text != text.strip():
        return "begins or ends with a space"
    if text.split(".", 1)[0].rstrip(" ").lower() in _WINDOWS_NAMES:
        return "is a device name on Windows"
    if len(percent_encode(normal(text))) > MAX_ENCODED_NAME_BYTES:
        return f"is too long (its file name has over {MAX_ENCODED_NAME_BYTES} bytes)"
    return None


def check_run_id(text: object) -> RunId:
    """Accept a run id.

    Raises:
        InvalidInput: see `check_name`; also the words that revisions use (``latest``).
    """
    name = check_name(text, "run id")
    if name in RESERVED_RUN_IDS:
        raise InvalidInput(
            f"run id {name!r} is a word of the revision syntax",
            kind="bad-name",
            hint="give the run another id",
            field="run id",
        )
    return RunId(name)
