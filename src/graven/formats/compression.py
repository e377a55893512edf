"""zstd with graven's settings: no checksums of its own, claims checked before memory is taken."""

from __future__ import annotations

import threading

import zstandard

from graven.errors import Corrupt

CODEC_RAW = 0
CODEC_ZSTD = 1

LEVEL = 3
_PROBES = 4
_PROBE_BYTES = 8 * 1024
_PROBED_FROM = 256 * 1024  # below this compressing it all costs little
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


def is_dense(raw: bytes) -> bool:
    """True for something large of which a few places, spread over it, would hardly shrink."""
    if len(raw) <= _PROBED_FROM:
        return False
    step = len(raw) // _PROBES
    starts = range((step - _PROBE_BYTES) // 2, len(raw), step)
    probes = [raw[start : start + _PROBE_BYTES] for start in starts]
    # Each by itself: one that shrinks much makes up for others that do not.
    return sum(len(compressor(1).compress(p)) for p in probes) > _WORTH * sum(map(len, probes))


def compress(raw: bytes, level: int) -> tuple[int, bytes]:
    """The codec and the bytes to store, raw where little is won."""
    if is_dense(raw):
        return CODEC_RAW, raw
    stored = compressor(level).compress(raw)
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
