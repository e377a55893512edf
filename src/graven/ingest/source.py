"""One result file: its bytes and its JSON, read once, within bounds."""

from __future__ import annotations

import json
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from graven import clock
from graven.errors import InvalidInput, NotFound

# Of a file, and of what a compressed one unpacks to. JSON takes up to fifteen times its size in
# memory while it is read; real results stay below 100 MiB.
MAX_BYTES = 512 << 20
GZIP_FREE = 64 << 20  # a small file may always unpack to this much ...
GZIP_RATIO = 200  # ... and beyond it to this many times its size; real results stay below 50
_HEAD_BYTES = 4096
_GZIP_MAGIC = b"\x1f\x8b"


class Source:
    """A result file while it is read.

    Attributes:
        path: where it is, as given.
        run_id: id for the run where the file has none (set by the caller).
        notes: what the reader has to say about it.
        thinned: how many samples each metric had that did not keep them all.
        holds_secrets: set by a reader that took a credential out of a name or a tag.
        shared: room for what several files of one folder have in common (asv's
            definitions of its benchmarks), so that it is read once.
    """

    def __init__(self, path: Path, shared: dict[str, Any] | None = None) -> None:
        self.path = path
        self.run_id = ""
        self.notes: list[str] = []
        self.thinned: list[int] = []
        self.holds_secrets = False
        self.shared: dict[str, Any] = {} if shared is None else shared

    @classmethod
    def from_bytes(cls, data: bytes, name: str, modified: datetime) -> Self:
        """A source whose bytes are at hand, such as a file kept beside an older run."""
        source = cls(Path(name))
        source.__dict__["raw"] = data
        source.__dict__["modified"] = modified
        return source

    def note(self, text: str) -> None:
        """Say once what was dropped or odd."""
        if text not in self.notes:
            self.notes.append(text)

    @cached_property
    def raw(self) -> bytes:
        """The file's bytes as they are.

        Raises:
            NotFound: no such file.
            InvalidInput: not a file, too large, or not readable.
        """
        try:
            with self.path.open("rb") as file:
                self._check_kind()
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise _unreadable(self.path, error) from None
        if len(data) > MAX_BYTES:
            raise _too_large(self.path)
        return data

    def _check_kind(self) -> None:
        facts = self.path.stat()
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISFIFO(facts.st_mode)):
            raise InvalidInput(
                f"{self.path}: is neither a file nor a pipe", kind="not-a-file", file=self.path
            )
        if facts.st_size > MAX_BYTES:
            raise _too_large(self.path)

    @cached_property
    def data(self) -> bytes:
        """The bytes, unpacked where they are gzip's."""
        if not self.raw.startswith(_GZIP_MAGIC):
            return self.raw
        with naming(self.path):
            return _gunzip(self.raw)

    @cached_property
    def document(self) -> Any:
        """The content as JSON; NaN and Infinity are accepted, the last of equal keys wins.

        Raises:
            InvalidInput: not JSON, not UTF-8, empty, cut off, nested too deeply.
        """
        with naming(self.path):
            return decode_json(self.data)

    @property
    def map(self) -> dict[str, Any]:
        """The document if it is a JSON object, else an empty one. Never raises."""
        if not self.looks_like_json():
            return {}
        try:
            document = self.document
        except (InvalidInput, NotFound):
            return {}
        return document if isinstance(document, dict) else {}

    def looks_like_json(self) -> bool:
        """False when the first bytes rule it out, so that a large foreign file is not read."""
        head = self.head
        if head.startswith(_GZIP_MAGIC):
            return True
        return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")

    @cached_property
    def head(self) -> bytes:
        """The first 4 KiB as they are in the file; empty where it cannot be read."""
        if "raw" in self.__dict__ or self._is_pipe():
            try:
                return self.raw[:_HEAD_BYTES]
            except (InvalidInput, NotFound):
                return b""
        try:
            with self.path.open("rb") as file:
                return file.read(_HEAD_BYTES)
        except (OSError, ValueError):
            return b""

    def _is_pipe(self) -> bool:
        # What is read from a pipe is gone from it: it must go into `raw` at once.
        try:
            return self.path.is_fifo()
        except (OSError, ValueError):
            return False

    @cached_property
    def modified(self) -> datetime:
        """When the file was last written, to the microsecond."""
        try:
            return clock.micros_to_datetime(self.path.stat().st_mtime_ns // 1000)
        except OSError as error:
            raise _unreadable(self.path, error) from None
        except OverflowError:
            return clock.now()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name before the message of an `InvalidInput` raised inside."""
    try:
        yield
    except InvalidInput as error:
        if "file" in error.fields:
            raise
        fields = {**error.fields, "file": str(path)}
        raise InvalidInput(
            f"{path}: {error.message}", kind=error.kind, hint=error.hint, **fields
        ) from error


def decode_json(data: bytes) -> Any:
    """JSON from bytes in UTF-8, with or without a byte order mark.

    Raises:
        InvalidInput: see `Source.document`; the message does not name the file.
    """
    text = _decode_text(data)
    if not text.strip():
        raise InvalidInput("is empty", kind="empty-file", hint="did the benchmark finish?")
    try:
        # Equal keys and bare NaN are what real tools write, so the strict readers are out.
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated string")
        raise InvalidInput(
            f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
            f" at line {error.lineno}, column {error.colno}",
            kind="not-json",
            hint="the file looks cut off; was the benchmark interrupted?" if cut else None,
            line=error.lineno,
        ) from None
    except RecursionError:
        raise InvalidInput(
            "is nested too deeply", kind="not-json", hint="no benchmark tool writes such a file"
        ) from None
    except ValueError:  # an integer of over 4300 digits
        raise InvalidInput(
            "holds an integer of thousands of digits",
            kind="not-json",
            hint="no benchmark tool writes such a file",
        ) from None


def is_wide(data: bytes) -> bool:
    """Whether text is in UTF-16 or UTF-32, by its mark or by the NULs beside a bracket."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return b"\0" in data[:4] and data[:4].strip(b"\0")[:1] in (b"{", b"[")


def _decode_text(data: bytes) -> str:
    if is_wide(data):
        raise InvalidInput(
            "is UTF-16 or UTF-32, not UTF-8",
            kind="not-utf8",
            hint="save it as UTF-8 (in PowerShell: Out-File -Encoding utf8)",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"is not UTF-8 (byte {error.start})", kind="not-utf8", hint="save it as UTF-8"
        ) from None


def _gunzip(data: bytes) -> bytes:
    limit = min(MAX_BYTES, GZIP_FREE + GZIP_RATIO * len(data))
    parts: list[bytes] = []
    room, rest = limit, data
    while rest.startswith(_GZIP_MAGIC):  # members may follow one another
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(rest, room + 1)
        except zlib.error:
            raise InvalidInput("is damaged gzip data", kind="bad-gzip") from None
        room -= len(part)
        if room < 0:
            raise InvalidInput(
                f"unpacks to more than {limit >> 20} MiB",
                kind="too-large",
                hint="unpack it by hand if it is what it should be",
            )
        if not member.eof:
            raise InvalidInput("is cut off gzip data", kind="bad-gzip")
        parts.append(part)
        rest = member.unused_data
    return b"".join(parts)


def _unreadable(path: Path, error: OSError | ValueError) -> InvalidInput | NotFound:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{path}: no such file", kind="file-missing", file=str(path))
    if isinstance(error, InvalidInput):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidInput(
        f"{path}: cannot be read: {reason.lower()}", kind="unreadable-file", file=str(path)
    )


def _too_large(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path}: is larger than {MAX_BYTES >> 20} MiB",
        kind="too-large",
        hint="save fewer samples, or split the results",
        file=str(path),
    )
