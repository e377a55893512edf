"""Objects by id from packs: requests, copies, damage, and the cache in between."""

import random
import threading

import pytest

from graven.backends.memory import MemoryBackend
from graven.backends.wrappers import ReadOnlyBackend
from graven.errors import BackendUnavailable, Corrupt, NotFound
from graven.formats import layout, pack, packbuild
from graven.formats.envelope import BLOB
from graven.ids import hash_bytes
from graven.objects import reader as module
from graven.objects.cache import ObjectCache
from graven.objects.packs import read_pack_metadata
from graven.objects.reader import ObjectReader, Place, portions
from graven.testing.faulty import FaultyBackend

READS = ("get", "get_range", "get_ranges", "get_tail", "get_with_version")


def body(number, size=6000):
    return random.Random(number).randbytes(size)


class World:
    """Packs in memory, and the places of what they hold."""

    def __init__(self):
        self.inner = MemoryBackend()
        self.backend = FaultyBackend(self.inner)
        self.places = {}

    def add_pack(self, bodies):
        builder = packbuild.PackBuilder(bytes(16))
        for data in bodies:
            builder.add(packbuild.Item(hash_bytes(data), BLOB, data))
        stored = builder.finish(b"writer-1", [])
        name = layout.pack_name(1, hash_bytes(stored))
        self.inner.put(layout.pack_key(name), stored)
        objects = read_pack_metadata(self.inner, name).metadata.objects
        for object_id, at in zip(objects.ids, objects.locations(), strict=True):
            place = Place(name, at.frame, at.offset, at.length, BLOB)
            self.places.setdefault(object_id, []).append(place)
        return name

    def locate(self, object_id):
        return self.places.get(object_id, [])

    def reader(self, **options):
        return ObjectReader(self.backend, self.locate, **options)

    def wanted(self, bodies):
        return [(hash_bytes(data), self.locate(hash_bytes(data))) for data in bodies]

    def reads(self):
        """How many reads the backend has seen since the last time."""
        count = sum(1 for name, _ in self.backend.calls if name in READS)
        self.backend.calls.clear()
        return count

    def damage(self, name, frame):
        key = layout.pack_key(name)
        data = bytearray(self.inner.get(key))
        data[frame.offset + pack.FRAME_HEADER_BYTES + frame.stored // 2] ^= 1
        self.inner.put(key, data)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def cache(tmp_path):
    cache = ObjectCache(str(tmp_path / "objects.sqlite"), 32 << 20)
    yield cache
    cache.close()


@pytest.fixture(params=["plain", "cached"])
def options(request):
    """A reader must answer the same with a cache and without."""
    return {} if request.param == "plain" else {"cache": request.getfixturevalue("cache")}


def test_objects_come_in_the_order_asked(world, options):
    bodies = [body(n) for n in range(8)]
    world.add_pack(bodies[:5])
    world.add_pack(bodies[5:])
    asked = [bodies[n] for n in (7, 0, 3, 3, 5, 0)]
    reader = world.reader(**options)
    for _ in range(2):
        assert reader.get_many(world.wanted(asked)) == asked
    assert [reader.get(hash_bytes(data)) for data in bodies] == bodies
    assert reader.get_many([]) == []


def test_what_is_empty_is_an_object_too(world, options):
    world.add_pack([b"", body(1)])
    reader = world.reader(**options)
    for _ in range(2):
        assert reader.get(hash_bytes(b"")) == b""
        assert reader.get_many(world.wanted([b"", body(1), b""])) == [b"", body(1), b""]


def test_what_is_nowhere_is_not_found(world, options):
    world.add_pack([body(1)])
    reader = world.reader(**options)
    with pytest.raises(NotFound) as caught:
        reader.get(hash_bytes(b"nowhere"))
    assert caught.value.kind == "object-missing"
    missing, found = reader.get_many(world.wanted([b"nowhere", body(1)]))
    assert isinstance(missing, NotFound)
    assert found == body(1)


def test_damage_of_one_object_leaves_the_others(world, options, request):
    bodies = [body(n, 20_000) for n in range(3)]  # a frame each
    name = world.add_pack(bodies)
    world.damage(name, world.locate(hash_bytes(bodies[1]))[0].frame)
    reader = world.reader(**options)
    for _ in range(2):
        first, second, third = reader.get_many(world.wanted(bodies))
        assert (first, third) == (bodies[0], bodies[2])
        assert isinstance(second, Corrupt)
        with pytest.raises(Corrupt):
            reader.get(hash_bytes(bodies[1]))
    if "cache" in options:
        assert hash_bytes(bodies[1]) not in options["cache"].get_many([hash_bytes(bodies[1])])


def test_another_copy_serves_where_one_is_damaged_or_gone(world, options):
    bodies = [body(n, 20_000) for n in range(2)]
    first = world.add_pack([bodies[0]])
    second = world.add_pack([bodies[1]])
    world.add_pack(bodies)
    world.damage(first, world.locate(hash_bytes(bodies[0]))[0].frame)
    world.inner.delete(layout.pack_key(second))
    reader = world.reader(**options)
    assert reader.get_many(world.wanted(bodies)) == bodies
    assert [reader.get(hash_bytes(data)) for data in bodies] == bodies


# The cache.


def test_what_was_read_is_asked_of_the_backend_no_more(world, cache):
    bodies = [body(n) for n in range(10)]
    world.add_pack(bodies)
    world.reader(cache=cache).get_many(world.wanted(bodies[:5]))
    world.reader(cache=cache).get(hash_bytes(bodies[5]))
    assert world.reads() > 0
    later = world.reader(cache=cache)
    assert later.get_many(world.wanted(bodies[:6])) == bodies[:6]
    assert [later.get(hash_bytes(data)) for data in bodies[:6]] == bodies[:6]
    assert world.reads() == 0


def test_only_what_the_cache_lacks_is_fetched(world, cache):
    bodies = [body(n, 20_000) for n in range(6)]  # a frame each
    world.add_pack(bodies[:3])
    world.add_pack(bodies[3:])
    world.reader(cache=cache).get_many(world.wanted(bodies[:4]))
    asked = []
    real = module.read_frames

    def read_frames(backend, name, frames):
        asked.extend(frame.offset for frame in frames)
        return real(backend, name, frames)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_frames", read_frames)
        assert world.reader(cache=cache).get_many(world.wanted(bodies)) == bodies
    assert asked == [world.locate(hash_bytes(data))[0].frame.offset for data in bodies[4:]]


def test_every_object_of_a_frame_gets_into_the_cache_when_it_is_read(world, cache):
    bodies = [body(n, 500) for n in range(5)]  # all in one frame
    world.add_pack(bodies)
    reader = world.reader(cache=cache)
    for data in bodies:
        reader.get(hash_bytes(data))
    assert world.reads() == 1
    ids = [hash_bytes(data) for data in bodies]
    assert cache.get_many(ids) == dict(zip(ids, bodies, strict=True))


def test_the_cache_answers_where_the_pack_has_moved_and_not_where_nothing_is_known(world, cache):
    name = world.add_pack([body(1)])
    world.reader(cache=cache).get(hash_bytes(body(1)))
    world.inner.delete(layout.pack_key(name))
    assert world.reader(cache=cache).get(hash_bytes(body(1))) == body(1)
    world.places.clear()  # pruned
    with pytest.raises(NotFound):
        world.reader(cache=cache).get(hash_bytes(body(1)))
    (answer,) = world.reader(cache=cache).get_many(world.wanted([body(1)]))
    assert isinstance(answer, NotFound)


def test_a_reader_without_a_cache_says_what_it_prefers(world, cache):
    assert not world.reader().prefers_many
    assert world.reader(cache=cache).prefers_many
    world.backend.concurrency = 8
    assert world.reader().prefers_many


def test_frames_that_are_peeked_at_stand_for_themselves(world):
    name = world.add_pack([body(number) for number in range(4)])
    frames = list(dict.fromkeys(place[0].frame for place in world.places.values()))
    assert len(frames) > 1
    whole = world.reader().peek_frames(name, frames)
    assert [len(frame) for frame in whole] == [frame.raw for frame in frames]
    assert any(body(0) in frame for frame in whole)

    odd = [type(frames[0])(f.offset, 9, f.count, f.raw, f.stored) for f in frames[:1]]
    assert world.reader().peek_frames(name, [*odd, *frames[1:]]) == [b"", *whole[1:]]
    world.inner.delete(layout.pack_key(name))
    assert world.reader().peek_frames(name, frames) == [b""] * len(frames)


# Several packs at once.


class Meeting(ReadOnlyBackend):
    """Reads of so many packs wait for each other."""

    def __init__(self, inner, count):
        super().__init__(inner)
        self.concurrency = 8
        self.barrier = threading.Barrier(count)

    def get_ranges(self, key, spans):
        self.barrier.wait(timeout=60)
        return super().get_ranges(key, spans)


def test_packs_are_read_at_once_where_calls_wait(world):
    bodies = [body(n) for n in range(4)]
    for data in bodies:
        world.add_pack([data])
    reader = ObjectReader(Meeting(world.inner, 4), world.locate)
    assert reader.get_many(world.wanted(bodies)) == bodies


def test_one_pack_that_is_gone_does_not_stop_the_others(world):
    bodies = [body(n) for n in range(4)]
    names = [world.add_pack([data]) for data in bodies]
    world.backend.concurrency = 8
    world.inner.delete(layout.pack_key(names[2]))
    found = world.reader().get_many(world.wanted(bodies))
    assert isinstance(found[2], NotFound)
    assert [*found[:2], found[3]] == [*bodies[:2], bodies[3]]


def test_no_network_is_an_error_of_the_whole(world, cache):
    bodies = [body(n) for n in range(3)]
    world.add_pack(bodies)
    world.reader(cache=cache).get_many(world.wanted(bodies[:2]))

    class Offline(ReadOnlyBackend):
        concurrency = 8

        def get_range(self, key, start, length):
            raise BackendUnavailable("no network")

        def get_ranges(self, key, spans):
            raise BackendUnavailable("no network")

    reader = ObjectReader(Offline(world.inner), world.locate, cache=cache)
    assert reader.get_many(world.wanted(bodies[:2])) == bodies[:2]
    with pytest.raises(BackendUnavailable):
        reader.get_many(world.wanted(bodies))


def test_portions_cover_all_and_none_is_large(world, monkeypatch):
    bodies = [body(n, 1000) for n in range(7)]
    world.add_pack(bodies)
    monkeypatch.setattr(module, "PORTION_BYTES", 2500)
    wanted = [*world.wanted(bodies), (hash_bytes(b"nowhere"), [])]
    assert list(portions(wanted)) == [(0, 2), (2, 4), (4, 6), (6, 8)]
    assert list(portions([])) == []
    monkeypatch.setattr(module, "PORTION_BYTES", 10)
    assert list(portions(wanted[:3])) == [(0, 1), (1, 2), (2, 3)]
