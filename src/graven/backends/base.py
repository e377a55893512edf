"""What a place that holds a store has to offer, and the rules for its keys.

A backend is a flat set of keys, each with a body of bytes. There are no folders
to make or remove: a folder is there as long as a key lies under it.

Every method may be called from many threads and processes at once. A method
raises `graven.errors` classes only; an `OSError` of the system never gets out.
"""

from __future__ import annotations

import abc
import builtins
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from graven.errors import InvalidInput, NotFound

Data: TypeAlias = bytes | bytearray | memoryview

TEMP_PREFIX = ".tmp-"
"""Names that begin so are uploads under way; no key may, and no listing shows them."""

MAX_KEY_BYTES = 1024  # what S3 takes
MAX_PART_BYTES = 255  # what common file systems take
MAX_KEY_PARTS = 32  # bounds the walk through a store that somebody else has made

# Nearly all keys are of this kind, and one match is cheaper than the full check.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9._%-]*(?:/[A-Za-z0-9_%-][A-Za-z0-9._%-]*){0,31}")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One key as a listing shows it.

    Attributes:
        key: the whole key.
        size: length of the body in bytes.
        version: opaque; serves `Backend.delete_if_version`. Only a version from
            `Backend.get_with_version` or from a conditional put serves
            `Backend.put_if_version`.
        modified_ms: when it was written, by the storage's clock (`Backend.now_ms`).
    """

    key: str
    size: int
    version: str
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend promises.

    Attributes:
        create: `Backend.put_if_absent` has one winner, however many race.
        swap: `Backend.put_if_version` compares and acts at once.
        swap_delete: where there is ``swap``, `Backend.delete_if_version` does so, too.
        durable: what a put with ``durable=True`` has returned from survives a power cut.
        trusted_clock: `Backend.now_ms` and `Entry.modified_ms` are of one clock.
    """

    create: bool
    swap: bool
    durable: bool
    trusted_clock: bool
    swap_delete: bool = True


class Backend(abc.ABC):
    """A flat set of keys with bodies of bytes.

    Attributes:
        capabilities: what this backend promises.
        url: where it is, fit for printing (no secrets).
        concurrency: how many calls at once are worth while; 1 where a call waits for nobody.
        writes_behind: how many writes may go on in other threads, while the caller makes the
            next one; 0 where all calls are to come from one thread.
        remote: each call is a request over a network, and what was read is worth keeping.
        readonly: every write is refused, whoever asks.
        place: of a remote one, what tells it from all others (one URL may mean several).
    """

    capabilities: Capabilities
    url: str
    concurrency: int = 1
    writes_behind: int = 0
    remote: bool = False
    readonly: bool = False
    place: str = ""

    @abc.abstractmethod
    def get(self, key: str) -> bytes:
        """The body of ``key``.

        Raises:
            NotFound: no such key (kind ``key-missing``).
        """

    @abc.abstractmethod
    def get_range(self, key: str, start: int, length: int) -> bytes:
        """Bytes ``[start, start + length)`` of the body: fewer, or none, where it ends before.

        Raises:
            NotFound: no such key.
            InvalidInput: ``start`` or ``length`` is negative.
        """

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """`get_range` for several (start, length) of one body; a backend may do them at once.

        Raises:
            NotFound: no such key.
            InvalidInput: a start or length is negative.
        """
        return [self.get_range(key, start, length) for start, length in spans]

    @abc.abstractmethod
    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes (the whole body if it is shorter) and the body's size.

        One request: a reader of packs learns the size and the trailer together.

        Raises:
            NotFound: no such key.
            InvalidInput: ``length`` is negative.
        """

    @abc.abstractmethod
    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """The body, and the version for `put_if_version`, of one moment.

        Raises:
            NotFound: no such key.
        """

    @abc.abstractmethod
    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """Write the body, whole or not at all; replaces one that is there.

        Args:
            key: where to.
            data: the body.
            durable: return only when it survives a power cut (False for what can be rebuilt).
        """

    @abc.abstractmethod
    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """Write the body unless the key is there.

        Returns:
            The version written, or None when there is one already: it may be this very
            write's, whose answer was lost on the way. Who must know reads it back.
        """

    @abc.abstractmethod
    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """Replace the body if it is still at ``version`` (compare-and-swap). Always durable.

        Returns:
            The version written, or None when the key has moved on or is gone. As with
            `put_if_absent`, it may be this very write that has moved it.
        """

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Remove the key; one that is not there is fine. May come back after a power cut."""

    @abc.abstractmethod
    def delete_if_version(self, key: str, version: str) -> bool:
        """Remove the key if it is still at ``version``; False when it has moved on or is gone."""

    @abc.abstractmethod
    def head(self, key: str) -> Entry | None:
        """Size, version and time of a key, or None when it is not there."""

    def still_there(self, key: str) -> bool:
        """A look at a key that costs nothing to speak of; True where a look is a request.

        For what was there a moment ago: a local folder may be replaced under a program
        that has it open. Elsewhere only gc deletes, and not before its grace is over.
        """
        del key
        return True

    @abc.abstractmethod
    def list(self, prefix: str) -> Iterator[Entry]:
        """All keys under a folder (``"packs/"``; ``""`` is everything), at any depth, sorted."""

    @abc.abstractmethod
    def names(self, folder: str) -> builtins.list[str]:
        """The file names directly in a folder (``"packs"``), in any order: the cheap listing."""

    def bodies(self, folder: str) -> dict[str, bytes]:
        """The bodies of the few small files directly in a folder, by file name."""
        found = {}
        for name in self.names(folder):
            with suppress(NotFound):  # gone since it was listed
                found[name] = self.get_with_version(f"{folder.rstrip('/')}/{name}")[0]
        return found

    def names_after(self, folder: str, after: str) -> builtins.list[str]:
        """Of `names` those that sort behind ``after``; a bucket sends no others."""
        return [name for name in self.names(folder) if name > after]

    @abc.abstractmethod
    def listing_token(self, folder: str) -> str | None:
        """A cheap word that changes whenever ``names(folder)`` does.

        Take the token first and the names after it: then an equal token later
        means that those names still hold.

        Returns:
            The token, or None when this backend has none or cannot trust it yet.
        """

    @abc.abstractmethod
    def now_ms(self) -> int:
        """The storage's clock: milliseconds since 1970."""

    def heard_ms(self) -> int | None:
        """As `now_ms`, from the last answers and without asking; None if none told the time.

        Only where the storage's clock is another than this machine's.
        """
        return None

    def temporaries(self) -> builtins.list[tuple[str, int]]:
        """Remains of uploads that never ended, as (key, age in ms); most backends have none."""
        return []

    def remove_temporaries(self, older_than_ms: int) -> int:
        """Remove remains of uploads of at least that age; how many there were."""
        del older_than_ms
        return 0

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of handles. A second time is fine."""


def check_key(key: str) -> str:
    """Accept a key: ``/``-separated parts, relative, none of them ``.`` or ``..``.

    Raises:
        InvalidInput: anything else (kind ``bad-key``).
    """
    if len(key) <= MAX_PART_BYTES and _PLAIN_KEY.fullmatch(key):
        return key
    problem = _key_problem(key)
    if problem:
        shown = key if len(key) <= 80 else key[:77] + "..."
        raise InvalidInput(f"key {shown!r} {problem}", kind="bad-key", key=shown)
    return key


def is_key(text: str) -> bool:
    """True for what `check_key` accepts."""
    plain = len(text) <= MAX_PART_BYTES and _PLAIN_KEY.fullmatch(text)
    return bool(plain) or not _key_problem(text)


def check_folder(folder: str) -> str:
    """Accept a folder: ``"packs"``, ``"packs/"``, or ``""`` for the root.

    Returns:
        The folder without its closing ``/``.

    Raises:
        InvalidInput: see `check_key`.
    """
    bare = folder.removesuffix("/")
    return check_key(bare) if bare or folder else ""


def check_prefix(prefix: str) -> str:
    """Accept the prefix of a listing: empty, or a folder with its closing ``/``.

    Raises:
        InvalidInput: a prefix that is no folder, or see `check_key`.
    """
    if prefix and not prefix.endswith("/"):
        raise InvalidInput(
            f"prefix {prefix!r} is not a folder", kind="bad-key", hint="end it with '/'", key=prefix
        )
    return check_folder(prefix)


def check_span(start: int, length: int) -> None:
    """Accept a range of bytes.

    Raises:
        InvalidInput: a negative start or length.
    """
    if start < 0 or length < 0:
        raise InvalidInput(f"no such range of bytes: {length} from {start}", kind="bad-range")


def key_missing(key: str, url: str) -> NotFound:
    """The error for a key that is not there."""
    return NotFound(f"no {key!r} in {url}", kind="key-missing", key=key, url=url)


def _key_problem(key: str) -> str | None:
    if not key:
        return "is empty"
    if _FORBIDDEN.search(key):
        return "holds a control character, a backslash, a colon or half a character"
    if len(key.encode()) > MAX_KEY_BYTES:
        return f"has over {MAX_KEY_BYTES} bytes"
    parts = key.split("/")
    if len(parts) > MAX_KEY_PARTS:
        return f"has over {MAX_KEY_PARTS} parts"
    for part in parts:
        if part in ("", ".", ".."):
            return "is not a plain relative path"
        if part.startswith(TEMP_PREFIX):
            return f"has a part that begins with {TEMP_PREFIX!r}, which marks unfinished uploads"
        if len(part.encode()) > MAX_PART_BYTES:
            return f"has a part of over {MAX_PART_BYTES} bytes"
    return None
