"""Reading the parts of a pack from a backend, with as few requests as can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from graven.backends.base import Backend
from graven.errors import BackendUnavailable, Corrupt, FormatTooNew
from graven.formats import layout, pack
from graven.formats.header import FrameRow
from graven.formats.packscan import find_metadata

# One request reads a small pack whole, and the metadata region of most others:
# it takes about 75 bytes a run.
TAIL_GUESS_BYTES = 64 * 1024

# A pack has 64 MiB of objects and the metadata of one transaction; whatever is larger was
# not written by graven, and is not read into memory.
MAX_FILE_BYTES = 512 * 1024 * 1024


UNREADABLE = "unreadable"
"""Kind of the `Corrupt` for a pack whose file is there and cannot be read (bad sector, rights)."""
_OF_ONE_FILE = ("io-error", "denied")


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """A file that the system cannot read is damage of one pack: the others go on."""
    try:
        yield
    except BackendUnavailable as error:
        if error.kind not in _OF_ONE_FILE:
            raise
        raise Corrupt(
            f"pack {name} cannot be read: {error.message}", kind=UNREADABLE, pack=name
        ) from error


class PackFacts(NamedTuple):
    """The metadata of a pack and its size in bytes."""

    size: int
    metadata: pack.Metadata


def read_pack_metadata(backend: Backend, name: str) -> PackFacts:
    """Read a pack's ref updates and index, from one request or two.

    Raises:
        NotFound: the pack is gone. Corrupt: damaged. FormatTooNew: a newer format.
    """
    try:
        return _read_metadata(backend, name)
    except FormatTooNew as error:
        raise FormatTooNew(f"pack {name}: {error.message}", hint=error.hint, pack=name) from None


def _read_metadata(backend: Backend, name: str) -> PackFacts:
    key = layout.pack_key(name)
    with _reading(name):
        data, size = backend.get_tail(key, TAIL_GUESS_BYTES)
    if size > MAX_FILE_BYTES:
        raise Corrupt(f"pack is larger than any of graven's ({size:,} bytes)", kind="bad-pack")
    tail = pack.read_tail(data, size)
    wanted = tail.length + pack.TAIL_BYTES
    if wanted > len(data):
        with _reading(name):
            region = backend.get_range(key, tail.offset, tail.length)
    else:
        region = data[len(data) - wanted : len(data) - pack.TAIL_BYTES]
    if len(region) != tail.length:
        raise Corrupt(f"pack {name} is cut short", kind="bad-trailer", pack=name)
    return PackFacts(size, pack.read_metadata(region))


def recover_pack_metadata(backend: Backend, name: str) -> PackFacts | None:
    """The metadata of a pack whose trailer is damaged, found by its mark; None if lost too."""
    data = read_whole_pack(backend, name)
    found = find_metadata(data)
    return PackFacts(len(data), found) if found is not None else None


def read_whole_pack(backend: Backend, name: str, size: int | None = None) -> bytes:
    """All bytes of a pack, none of a file that is larger than any pack can be.

    Args:
        backend: the store's.
        name: the pack.
        size: as a listing has just shown it; asked for if not given.

    Raises:
        NotFound: the pack is gone. Corrupt: it cannot be read (kind `UNREADABLE`).
    """
    key = layout.pack_key(name)
    with _reading(name):
        if size is None:
            _, size = backend.get_tail(key, 0)
        return backend.get(key) if size <= MAX_FILE_BYTES else b""


def read_frames(
    backend: Backend, name: str, frames: Sequence[FrameRow]
) -> list[bytes | Corrupt | FormatTooNew]:
    """Fetch and unpack several frames of a pack; a damaged one gives its error.

    Raises:
        NotFound: the pack is gone.
    """
    spans = [(frame.offset + pack.FRAME_HEADER_BYTES, frame.stored) for frame in frames]
    with _reading(name):
        payloads = backend.get_ranges(layout.pack_key(name), spans)
    out: list[bytes | Corrupt | FormatTooNew] = []
    for frame, payload in zip(frames, payloads, strict=True):
        try:
            out.append(pack.decode_frame(frame, payload))
        except (Corrupt, FormatTooNew) as error:
            out.append(error)
    return out


def read_raw_object(
    backend: Backend, name: str, frame: FrameRow, offset: int, length: int
) -> bytes:
    """The bytes of an object in a frame that is not compressed, without its neighbours.

    Fewer where the pack is cut short. Nothing is checked: the object's hash will tell.

    Raises:
        NotFound: the pack is gone. Corrupt: the file cannot be read.
    """
    start = frame.offset + pack.FRAME_HEADER_BYTES + offset
    with _reading(name):
        return backend.get_range(layout.pack_key(name), start, length)


def read_frame(backend: Backend, name: str, frame: FrameRow) -> bytes:
    """Fetch and unpack one frame.

    Raises:
        NotFound: the pack is gone. Corrupt: damaged.
    """
    start = frame.offset + pack.FRAME_HEADER_BYTES
    with _reading(name):
        payload = backend.get_range(layout.pack_key(name), start, frame.stored)
    try:
        return pack.decode_frame(frame, payload)
    except Corrupt as error:
        raise Corrupt(
            f"pack {name}, frame at byte {frame.offset}: {error.message}",
            kind=error.kind,
            hint="run 'graven fsck --full' to see what it holds",
            pack=name,
            frame=frame.offset,
        ) from None
