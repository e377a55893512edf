"""Objects by id: found through a locator, unpacked, verified. The only way to read one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from graven.backends.base import Backend
from graven.backends.parallel import run_all
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.compression import CODEC_RAW
from graven.formats.header import FrameRow
from graven.formats.pack import LARGE_OBJECT_BYTES
from graven.ids import ObjectId, hash_bytes, hash_each
from graven.objects.loose import read_loose
from graven.objects.packs import read_frame, read_frames, read_raw_object

if TYPE_CHECKING:  # a local store needs none
    from graven.objects.cache import ObjectCache

CACHE_BYTES = 32 * 1024 * 1024
PORTION_BYTES = 4 * 1024 * 1024


class Place(NamedTuple):
    """One copy of an object: where it lies, and of what kind it is.

    ``pack`` is the name of a pack, or the key of a loose file.
    """

    pack: str
    frame: FrameRow
    offset: int
    length: int
    kind: str

    @property
    def loose(self) -> bool:
        """True for an object with a file of its own."""
        return self.pack.startswith(layout.OBJECTS)

    @property
    def key(self) -> str:
        """Key of the file."""
        return self.pack if self.loose else layout.pack_key(self.pack)


Unreadable = Corrupt | FormatTooNew | NotFound
"""What stands in the place of an object that cannot be read."""

Locator = Callable[[ObjectId], Sequence[Place]]
"""All known copies of an object; none if it is not known."""


class ObjectReader:
    """Reads verified objects; unpacked frames are cached. Safe to share between threads.

    An object that stands in several packs is read from any copy that verifies.

    Args:
        backend: where the packs are.
        locate: finds the copies of an object.
        cache_bytes: what unpacked frames may take in memory.
        cache: objects on the client's disk, asked before the backend and filled from it.
            Whether an object exists is the locator's to say: without a place there is none.
    """

    def __init__(
        self,
        backend: Backend,
        locate: Locator,
        cache_bytes: int = CACHE_BYTES,
        *,
        cache: ObjectCache | None = None,
    ) -> None:
        self._backend = backend
        self._locate = locate
        self._cache = cache
        self._frames: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._held = 0
        self._limit = cache_bytes
        self._lock = threading.Lock()

    @property
    def prefers_many(self) -> bool:
        """True where `get_many` saves more than `peek_frames`: requests, and what they fetched."""
        return self._cache is not None or self._backend.concurrency > 1

    def get(self, object_id: ObjectId) -> bytes:
        """The bytes of an object.

        Raises:
            NotFound: no pack holds it. Corrupt: no copy of it matches its name.
        """
        return self.get_at(object_id, self._locate(object_id))

    def get_at(self, object_id: ObjectId, places: Sequence[Place]) -> bytes:
        """As `get`, for an object whose places are known already."""
        if self._cache is None or not places or places[0].loose:
            return self._read(object_id, places)
        held = self._cache.get_many([object_id]).get(object_id)
        if held is None:
            held = self._read(object_id, places)
            self._cache.put_many([(object_id, held)])
        return held

    def _read(self, object_id: ObjectId, places: Sequence[Place]) -> bytes:
        failure: Exception | None = None
        for place in places:
            try:
                data = self._bytes_at(place)
            except (Corrupt, FormatTooNew, NotFound) as error:
                failure = error
                continue
            if hash_bytes(data) == object_id:
                return data
        name = object_id.hex()
        if isinstance(failure, FormatTooNew):
            raise failure
        if not places or isinstance(failure, NotFound):
            raise NotFound(f"no object {name}", kind="object-missing", object=name)
        raise Corrupt(
            f"object {name} in {places[0].key} does not match its name",
            kind="hash-mismatch",
            hint="run 'graven fsck --full' to see what else is damaged",
            object=name,
            pack=places[0].pack,
        ) from failure

    def get_many(
        self, wanted: Sequence[tuple[ObjectId, Sequence[Place]]]
    ) -> list[bytes | Unreadable]:
        """Objects in the order asked for, each pack opened once; a damaged one is its error."""
        if self._cache is None:
            return self._read_many(wanted)
        held = self._cache.get_many([object_id for object_id, places in wanted if places])
        missing = [pair for pair in wanted if pair[0] not in held]
        found = self._read_many(missing)
        self._cache.put_many(
            [
                (object_id, data)
                for (object_id, _), data in zip(missing, found, strict=True)
                if isinstance(data, bytes)
            ]
        )  # it leaves out what is too large
        fresh = iter(found)
        return [held[object_id] if object_id in held else next(fresh) for object_id, _ in wanted]

    def _read_many(
        self, wanted: Sequence[tuple[ObjectId, Sequence[Place]]]
    ) -> list[bytes | Unreadable]:
        self._fetch(places[0] for _, places in wanted if places)
        pieces = self._cut(wanted)
        out: list[bytes | Unreadable] = []
        for (object_id, places), piece, found in zip(
            wanted, pieces, hash_each(pieces), strict=True
        ):
            if found == object_id:
                out.append(piece)
                continue
            try:
                out.append(self._read(object_id, places))
            except (Corrupt, FormatTooNew, NotFound) as error:
                out.append(error)
        return out

    def _cut(self, wanted: Sequence[tuple[ObjectId, Sequence[Place]]]) -> list[bytes]:
        """What the frames in memory hold of these objects, not verified; else nothing."""
        pieces = []
        with self._lock:
            for _, places in wanted:
                piece = b""
                if places:
                    _, frame, offset, length, _ = place = places[0]
                    body = self._frames.get((place.pack, frame.offset))
                    # A frame of one large object is not kept: `_bytes_at` drops it.
                    if body is not None and (frame.count > 1 or len(body) <= LARGE_OBJECT_BYTES):
                        piece = body[offset : offset + length]
                pieces.append(piece)
        return pieces

    def _fetch(self, places: Iterable[Place]) -> None:
        """Bring frames into the cache, as many as fit well.

        What fails here is left: it fails again, and is told, when its object is asked for.
        """
        packs: dict[str, dict[int, FrameRow]] = {}
        room = self._limit // 2
        with self._lock:
            for place in places:
                if place.loose:  # read one by one: they are large
                    continue
                name, frame = place.pack, place.frame
                wanted = packs.setdefault(name, {})
                if frame.offset in wanted or (name, frame.offset) in self._frames:
                    continue
                room -= frame.raw
                if room < 0:
                    break
                wanted[frame.offset] = frame
        run_all(
            self._backend,
            [
                partial(self._fetch_frames, name, list(frames.values()))
                for name, frames in packs.items()
                if frames
            ],
        )

    def _fetch_frames(self, name: str, frames: Sequence[FrameRow]) -> None:
        try:
            bodies = read_frames(self._backend, name, frames)
        except (Corrupt, NotFound):
            return
        self._keep(
            {
                (name, frame.offset): body
                for frame, body in zip(frames, bodies, strict=True)
                if isinstance(body, bytes)
            }
        )

    def peek_frames(self, name: str, frames: Sequence[FrameRow]) -> list[bytes]:
        """Unpacked frames of a pack, for a caller who verifies what is cut out of them.

        An empty one stands for each that cannot be read; `get_at` says why. None is kept.
        """
        try:
            bodies = read_frames(self._backend, name, frames)
        except (Corrupt, NotFound):
            return [b""] * len(frames)
        return [body if isinstance(body, bytes) else b"" for body in bodies]

    def _bytes_at(self, place: Place) -> bytes:
        frame = place.frame
        part = slice(place.offset, place.offset + place.length)
        if place.loose or frame.count > 1 or frame.raw <= LARGE_OBJECT_BYTES:
            return self._frame(place)[part]
        # A chunk of a file: the room is for frames that hold what is asked for next too.
        fetched = self._drop((place.pack, frame.offset))
        if fetched is not None:
            return fetched[part]
        if frame.codec == CODEC_RAW:
            length = place.length
            return read_raw_object(self._backend, place.pack, frame, place.offset, length)
        return read_frame(self._backend, place.pack, frame)[part]

    def _drop(self, key: tuple[str, int]) -> bytes | None:
        with self._lock:
            data = self._frames.pop(key, None)
            if data is not None:
                self._held -= len(data)
        return data

    def _frame(self, place: Place) -> bytes:
        if place.loose:  # its bytes are all its own, and may be many
            return read_loose(self._backend, place.pack, place.length)
        key = (place.pack, place.frame.offset)
        with self._lock:
            held = self._frames.get(key)
            if held is not None:
                self._frames.move_to_end(key)
                return held
        data = read_frame(self._backend, place.pack, place.frame)
        self._keep({key: data})
        return data

    def _keep(self, frames: dict[tuple[str, int], bytes]) -> None:
        with self._lock:
            for key, data in frames.items():
                if key not in self._frames:
                    self._frames[key] = data
                    self._held += len(data)
            while self._held > self._limit and len(self._frames) > 1:
                self._held -= len(self._frames.popitem(last=False)[1])


def portions(wanted: Sequence[tuple[ObjectId, Sequence[Place]]]) -> Iterator[tuple[int, int]]:
    """Spans of about `PORTION_BYTES` for `ObjectReader.get_many`: objects may have megabytes."""
    first = 0
    held = 0
    for position, (_, places) in enumerate(wanted):
        size = places[0].length if places else 0
        if held and held + size > PORTION_BYTES:
            yield first, position
            first, held = position, 0
        held += size
    if first < len(wanted):
        yield first, len(wanted)
