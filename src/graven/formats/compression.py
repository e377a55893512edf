"""zstd with graven's settings: no checksums of its own, claims checked before memory is taken."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

import zstandard

from graven.errors import Corrupt

CODEC_RAW = 0
CODEC_ZSTD = 1

LEVEL = 3
_PROBE_BYTES = 64 * 1024
_WORTH = 0.97  # a frame that shrinks by less is stored raw: it reads faster

# Contexts of this thread's own: two threads may not share one, and making one is slow.
_threads = threading.local()


def compressor(level: int) -> zstandard.ZstdCompressor:
    """The compressor of that level, of the thread that asks."""
    held: dict[int, zstandard.ZstdCompressor] = _threads.__dict__.setdefault("held", {})
    if level not in held:
        # No checksum of zstd's own: every object has its hash, and without one a flipped
        # literal costs the object it lies in, not the whole frame.
        held[level] = zstandard.ZstdCompressor(level=level, write_checksum=False)
    return held[level]


def compress(raw: bytes, level: int) -> tuple[int, bytes]:
    """The codec and the bytes to store, raw where little is won."""
    if len(raw) > 4 * _PROBE_BYTES:
        middle = len(raw) // 2
        probe = raw[middle : middle + _PROBE_BYTES]
        if len(compressor(1).compress(probe)) > _WORTH * len(probe):
            return CODEC_RAW, raw
    return _choose(raw, compressor(level).compress(raw))


class CompressionJob:
    """Several buffers compressed by a thread of their own, while the caller goes on.

    One call for all of them: it lets go of the interpreter once, where a call for each
    would wait for it again each time.
    """

    def __init__(self, raws: Sequence[bytes], level: int) -> None:
        self._raws = raws
        self._level = level
        self._done: list[tuple[int, bytes]] | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="graven-compress", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:  # no more threads to be had
            self._thread = None

    def _run(self) -> None:
        with suppress(zstandard.ZstdError, MemoryError):
            self._done = compress_many(self._raws, self._level)

    def result(self) -> list[tuple[int, bytes]]:
        """What `compress` makes of each buffer."""
        if self._thread is not None:
            self._thread.join()
        if self._done is None:  # no thread, or it stayed behind when the process forked
            self._done = compress_many(self._raws, self._level)
        return self._done


def compress_many(raws: Sequence[bytes], level: int) -> list[tuple[int, bytes]]:
    """What `compress` makes of each buffer."""
    together = "multi_compress_to_buffer" in zstandard.backend_features
    if not together or max(map(len, raws)) > 4 * _PROBE_BYTES:
        return [compress(raw, level) for raw in raws]
    made = compressor(level).multi_compress_to_buffer(list(raws), threads=1)
    return [_choose(raw, made[i].tobytes()) for i, raw in enumerate(raws)]


def _choose(raw: bytes, stored: bytes) -> tuple[int, bytes]:
    return (CODEC_ZSTD, stored) if len(stored) < _WORTH * len(raw) else (CODEC_RAW, raw)


def _decompressor() -> zstandard.ZstdDecompressor:
    held: zstandard.ZstdDecompressor | None = _threads.__dict__.get("decompressor")
    if held is None:
        held = _threads.decompressor = zstandard.ZstdDecompressor()
    return held


def decompress(data: bytes, raw: int, limit: int) -> bytes:
    """Unpack exactly ``raw`` bytes; the claim is checked before any memory is taken.

    Raises:
        Corrupt: damaged, or of another length.
    """
    try:
        if raw > limit or zstandard.frame_content_size(data) != raw:
            raise Corrupt("compressed data of another length than stated", kind="bad-frame")
        out = _decompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise Corrupt(f"compressed data is damaged: {error}", kind="bad-frame") from None
    if len(out) != raw:
        raise Corrupt("compressed data of another length than stated", kind="bad-frame")
    return out
