"""The little of HTTP/1.1 that passing messages on needs: heads, and where a body ends."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

PIECE = 1 << 16
LINE_LIMIT = 1 << 16
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Replies without a body, whatever their headers say.
NO_CONTENT, NOT_MODIFIED = 204, 304


class Cut(ConnectionError):
    """The other side closed, or spoke no HTTP, within a message."""


@dataclass(slots=True)
class Head:
    """The head of a message; ``fields`` has the last of equal names, names in lower case."""

    raw: bytes
    start: tuple[str, str, str]
    fields: dict[str, str]

    @property
    def chunked(self) -> bool:
        """True if the body comes in chunks."""
        return self.fields.get("transfer-encoding", "").lower().endswith("chunked")

    @property
    def length(self) -> int | None:
        """The body's announced size."""
        text = self.fields.get("content-length")
        return int(text) if text is not None else None

    @property
    def closes(self) -> bool:
        """True if the connection ends with this message."""
        connection = self.fields.get("connection", "").lower()
        version = self.start[2] if self.start[2].startswith("HTTP/") else self.start[0]
        return connection == "close" or (version == "HTTP/1.0" and connection != "keep-alive")

    def without(self, name: str) -> bytes:
        """The head's bytes less one field."""
        prefix = name.lower().encode("latin-1") + b":"
        lines = self.raw.split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.lower().startswith(prefix))


def reader(one: socket.socket) -> BinaryIO:
    """What is read from a socket, buffered."""
    return cast(BinaryIO, io.BufferedReader(socket.SocketIO(one, "rb"), PIECE))


def read_head(stream: BinaryIO) -> Head | None:
    """The next head, or None where the other side closed between messages."""
    line = stream.readline(LINE_LIMIT)
    if not line:
        return None
    parts = line.decode("latin-1").rstrip("\r\n").split(" ", 2)
    lines = [line]
    fields = {}
    while True:
        line = stream.readline(LINE_LIMIT)
        if not line.endswith(b"\n"):
            raise Cut("closed within a head")
        lines.append(line)
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    first, second, third = (*parts, "", "")[:3]
    return Head(b"".join(lines), (first, second, third), fields)


def request_body(head: Head, stream: BinaryIO) -> Iterator[bytes]:
    """The body of a request as it comes over the wire, in pieces."""
    return _chunks(stream) if head.chunked else _counted(stream, head.length or 0)


def reply_body(head: Head, method: str, stream: BinaryIO) -> Iterator[bytes]:
    """The body of a reply to ``method`` as it comes over the wire, in pieces."""
    status = int(head.start[1])
    if method == "HEAD" or status in (NO_CONTENT, NOT_MODIFIED):
        return iter(())
    if head.chunked:
        return _chunks(stream)
    if head.length is None:
        return iter(lambda: stream.read(PIECE), b"")
    return _counted(stream, head.length)


def ends_by_closing(head: Head, method: str) -> bool:
    """True if only the end of the connection tells where the reply ends."""
    if method == "HEAD" or int(head.start[1]) in (NO_CONTENT, NOT_MODIFIED):
        return False
    return not head.chunked and head.length is None


def _counted(stream: BinaryIO, left: int) -> Iterator[bytes]:
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise Cut("closed within a body")
        left -= len(piece)
        yield piece


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        line = stream.readline(LINE_LIMIT)
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise Cut("no size of a chunk") from None
        yield line
        if size:
            yield from _counted(stream, size + 2)
            continue
        while True:  # trailers, up to an empty line
            line = stream.readline(LINE_LIMIT)
            if not line:
                raise Cut("closed within trailers")
            yield line
            if line in (b"\r\n", b"\n"):
                return
