"""A `file` object as a file to read: seekable, and only the chunks that are needed."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from graven.errors import Corrupt, InvalidInput, NotFound
from graven.ids import ObjectId, new_hasher
from graven.objects.chunks import decode_file

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

KEPT_CHUNKS = 2
"""A small read across a cut, and the next ones around it, fetch nothing twice."""
AHEAD_BYTES = 8 * 1024 * 1024
"""What is fetched at once for whoever reads chunk after chunk."""


class ObjectFile(io.RawIOBase):
    """The content of a `file` object. For one thread at a time, as all files are.

    Every chunk is verified by its hash when it is read, so a damaged one costs its own
    bytes only: the rest can be read by seeking behind it. Whoever reads all chunks in their
    order has the hash of the whole checked too, before the last chunk is handed out: a
    writer that was wrong about it is found out (`pieces` does without).

    Args:
        fetch: verified objects by id; raises `Corrupt` or `NotFound`.
        record: the bytes of the `file` object.
        fetch_many: as ``fetch`` for several, an error in the place of an object; where that
            is faster than one after the other.

    Raises:
        Corrupt: ``record`` is malformed.
    """

    def __init__(
        self,
        fetch: Callable[[ObjectId], bytes],
        record: bytes,
        fetch_many: Callable[[Sequence[ObjectId]], Sequence[bytes | Exception]] | None = None,
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._fetch_many = fetch_many
        found = decode_file(record)
        self.size = found.size
        self.blake3 = found.blake3
        self._chunks = found.chunks
        self._starts = [0, *accumulate(length for _, length in found.chunks)]
        self._position = 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._ahead: dict[int, bytes] = {}
        self._last = -1  # the chunk that was read last
        self._in_order = 0  # how many before it were read one after the other
        self._hasher = new_hasher()
        self._hashed = 0  # chunks that the hasher has seen, always from the first
        self._wrong = False

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; behind the end is allowed, and reads nothing.

        Raises:
            InvalidInput: before the beginning.
        """
        self._check_open()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence)
        if base is None or base + offset < 0:
            raise InvalidInput(f"no such place in the file: {offset} (whence {whence})")
        self._position = base + offset
        return self._position

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill ``target`` up to the end of a chunk; 0 at the end of the file.

        Raises:
            Corrupt: this chunk is damaged; names the range of bytes that it holds.
            NotFound: it is gone (kind ``chunk-missing``).
        """
        self._check_open()
        room = memoryview(target).cast("B")
        if self._position >= self.size or not len(room):
            return 0
        number = bisect_right(self._starts, self._position) - 1
        within = self._position - self._starts[number]
        piece = memoryview(self._chunk(number))[within : within + len(room)]
        room[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def read(self, size: int | None = -1, /) -> bytes:
        """``size`` bytes, fewer only at the end; all that is left for -1 (all in memory).

        Raises:
            Corrupt, NotFound: a chunk within cannot be read; the position stays.
        """
        self._check_open()
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        before = self._position
        out = bytearray(wanted)
        view = memoryview(out)
        try:
            while view:
                view = view[self.readinto(view) :]
        except BaseException:
            self._position = before
            raise
        return bytes(out)

    def pieces(self) -> Iterator[bytes]:
        """What is left, chunk by chunk and without a copy; raises as `readinto` does.

        The hash of the whole is not made again: the record and each of its chunks have been
        verified by their names, which leaves no other content.
        """
        self._check_open()
        while self._position < self.size:
            number = bisect_right(self._starts, self._position) - 1
            chunk, within = self._verified(number), self._position - self._starts[number]
            self._position = self._starts[number + 1]
            yield chunk[within:]

    def readall(self) -> bytes:
        """All that is left, in memory."""
        return self.read()

    def _chunk(self, number: int) -> bytes:
        held = self._kept.get(number)
        if held is not None:
            self._kept.move_to_end(number)
            return held
        data = self._verified(number)
        self._hash_in_order(number, data)
        self._kept[number] = data
        while len(self._kept) > KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return data

    def _verified(self, number: int) -> bytes:
        chunk, length = self._chunks[number]
        start = self._starts[number]
        try:
            data = self._ahead_of(number)
            if data is None:
                data = self._fetch(chunk)
            if len(data) != length:
                raise Corrupt(
                    f"object {chunk.hex()} has another length than stated", kind="bad-object"
                )
        except (Corrupt, NotFound) as error:
            gone = isinstance(error, NotFound)
            raise type(error)(
                f"bytes {start} to {start + length - 1} of the file cannot be read:"
                f" {error.message}",
                kind="chunk-missing" if gone else "chunk-damaged",
                hint="what stands before and behind them can be read; 'graven fsck --full' "
                "looks for more",
                start=start,
                end=start + length,
                object=chunk.hex(),
            ) from error
        return data

    def _ahead_of(self, number: int) -> bytes | None:
        """A chunk that was fetched together with others; None leaves it to be fetched alone."""
        self._in_order = self._in_order + 1 if number == self._last + 1 else 0
        self._last = number
        if number not in self._ahead:
            self._ahead = {}
            if self._fetch_many is not None and self._in_order > 1:
                stop = bisect_right(self._starts, self._starts[number] + AHEAD_BYTES) - 1
                numbers = range(number, max(stop, number + 1))
                found = self._fetch_many([self._chunks[n][0] for n in numbers])
                # What could not be read is asked for again, alone, and tells why then.
                pairs = zip(numbers, found, strict=True)
                self._ahead = {n: data for n, data in pairs if isinstance(data, bytes)}
        return self._ahead.pop(number, None)

    def _hash_in_order(self, number: int, data: bytes) -> None:
        """Each chunk is right by itself; whether they are those of this file shows at the end."""
        last = len(self._chunks) - 1
        if number == self._hashed:
            self._hashed += 1
            self._hasher.update(data)
            self._wrong = number == last and self._hasher.digest() != self.blake3
        if self._wrong and number == last:
            raise Corrupt("file object does not match its chunks", kind="hash-mismatch")

    def _check_open(self) -> None:
        if self.closed:
            raise InvalidInput("the file is closed", kind="file-closed")

    def close(self) -> None:
        """Let go of the chunks."""
        self._kept.clear()
        self._ahead.clear()
        super().close()
