"""A file in chunks as a file object: against `io.BytesIO`, and with damage in it."""

import io
import os
import random

import pytest

from graven.errors import Corrupt, NotFound
from graven.formats.envelope import FILE, seal
from graven.ids import hash_bytes
from graven.objects import chunks
from graven.objects.filereader import ObjectFile

MIB = 1024 * 1024
DATA = random.Random(7).randbytes(11 * MIB + 5)


class Objects:
    """Objects by id, and how often each was asked for."""

    def __init__(self, items):
        self.held = {item.id: item.data for item in items}
        self.asked = []

    def __call__(self, object_id):
        self.asked.append(object_id)
        if object_id not in self.held:
            raise NotFound(f"no object {object_id.hex()}", kind="object-missing")
        data = self.held[object_id]
        if hash_bytes(data) != object_id:
            raise Corrupt(f"object {object_id.hex()} does not match its name")
        return data


@pytest.fixture(scope="module")
def items():
    return chunks.to_items(DATA)


@pytest.fixture
def objects(items):
    return Objects(items)


@pytest.fixture
def file(objects, items):
    return ObjectFile(objects, items[-1].data)


def test_it_reads_as_a_file_of_the_system_does(file):
    model = io.BytesIO(DATA)
    chance = random.Random(3)
    for _ in range(300):
        whence = chance.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
        low = {os.SEEK_SET: 0, os.SEEK_CUR: -model.tell(), os.SEEK_END: -len(DATA)}[whence]
        offset = chance.randrange(low, low + len(DATA) + 100)
        size = chance.choice([0, 1, 100, 5000, 3 * MIB])
        assert file.seek(offset, whence) == model.seek(offset, whence)
        assert file.read(size) == model.read(size)
        assert file.tell() == model.tell()
    file.seek(5)
    assert file.readall() == DATA[5:]
    assert file.read(1) == b""


@pytest.mark.parametrize("buffer", [1, 100, 8192, 3 * MIB])
def test_it_reads_the_same_through_a_buffer(file, buffer):
    buffered = io.BufferedReader(file, buffer)
    assert buffered.read(10) == DATA[:10]
    buffered.seek(-3 * MIB, os.SEEK_END)
    assert buffered.read() == DATA[-3 * MIB :]
    buffered.seek(0)
    assert b"".join(iter(lambda: buffered.read(700_001), b"")) == DATA


def test_a_place_before_the_beginning_is_refused(file):
    for offset, whence in ((-1, os.SEEK_SET), (-1, os.SEEK_CUR), (-len(DATA) - 1, os.SEEK_END)):
        with pytest.raises(ValueError, match="no such place"):
            file.seek(offset, whence)
    with pytest.raises(ValueError, match="whence 9"):
        file.seek(0, 9)


def test_a_closed_file_is_not_read(file):
    file.close()
    for call in (file.read, file.tell, lambda: file.seek(0), lambda: file.readinto(bytearray(1))):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_only_the_chunks_that_are_needed_are_fetched_and_once(file, objects, items):
    assert objects.asked == []
    file.seek(6 * MIB)
    for _ in range(20):
        file.read(4096)
    assert len(objects.asked) <= 2
    file.seek(6 * MIB)
    file.read(100)
    assert len(objects.asked) <= 2
    whole = ObjectFile(Objects(items), items[-1].data)
    while whole.read(10_000):
        pass
    assert len(whole._fetch.asked) == len(items) - 1


@pytest.mark.parametrize("fault", ["flipped", "missing", "another length"])
def test_a_damaged_chunk_costs_its_own_bytes_only(items, objects, fault):
    starts = [0]
    for item in items[:-1]:
        starts.append(starts[-1] + len(item.data))
    record = items[-1].data
    if fault == "flipped":
        objects.held[items[3].id] = b"x" + items[3].data[1:]
    elif fault == "missing":
        del objects.held[items[3].id]
    else:
        found = chunks.decode_file(record)
        listed = list(found.chunks)
        listed[3] = (listed[3][0], listed[3][1] + 1)
        listed[4] = (listed[4][0], listed[4][1] - 1)
        record = chunks.file_item(found._replace(chunks=listed)).data
        starts[4] += 1
        objects.held[items[4].id] = items[4].data
    file = ObjectFile(objects, record)
    expected = NotFound if fault == "missing" else Corrupt
    with pytest.raises(expected) as caught:
        file.read()
    assert caught.value.kind == ("chunk-missing" if fault == "missing" else "chunk-damaged")
    assert f"bytes {starts[3]} to {starts[4] - 1} of the file" in caught.value.message
    assert (caught.value.fields["start"], caught.value.fields["end"]) == (starts[3], starts[4])
    assert file.tell() == 0
    assert file.read(starts[3]) == DATA[: starts[3]]
    with pytest.raises(expected):
        file.read(1)
    file.seek(starts[5])
    assert file.read() == DATA[starts[5] :]
    buffered = io.BufferedReader(file)
    buffered.seek(starts[3] - 10)
    assert buffered.read(10) == DATA[starts[3] - 10 : starts[3]]
    with pytest.raises(expected):
        buffered.read(10)
    buffered.seek(starts[5])
    assert buffered.read(10) == DATA[starts[5] : starts[5] + 10]


def test_chunks_of_another_file_are_found_out_at_the_end(items, objects):
    found = chunks.decode_file(items[-1].data)
    file = ObjectFile(objects, chunks.file_item(found._replace(blake3=hash_bytes(b""))).data)
    last = found.size - found.chunks[-1][1]
    assert file.read(last) == DATA[:last]
    for _ in range(2):
        with pytest.raises(Corrupt, match="does not match its chunks"):
            file.read(1)
    file.seek(0)
    assert file.read(100) == DATA[:100]


def test_an_empty_file_is_read():
    empty = {"blake3": hash_bytes(b""), "chunks": [], "size": 0}
    file = ObjectFile(lambda _: b"", seal(FILE, empty))
    assert file.read() == b""
    assert file.readinto(bytearray(5)) == 0


class Batches(Objects):
    """Several at once, an error in the place of an object."""

    def many(self, ids):
        self.batches.append(len(ids))
        out = []
        for object_id in ids:
            try:
                out.append(self(object_id))
            except (Corrupt, NotFound) as error:
                out.append(error)
        return out


def test_who_reads_on_gets_chunks_ahead_and_who_seeks_does_not(items):
    objects = Batches(items)
    objects.batches = []
    file = ObjectFile(objects, items[-1].data, objects.many)
    chance = random.Random(4)
    for _ in range(10):
        offset = chance.randrange(len(DATA) - 10)
        file.seek(offset)
        assert file.read(10) == DATA[offset : offset + 10]
    assert sum(objects.batches) <= 4
    objects.batches, objects.asked = [], []
    whole = ObjectFile(objects, items[-1].data, objects.many)
    assert whole.read() == DATA
    assert max(objects.batches) > 2
    assert len(objects.asked) == len(items) - 1


def test_a_damaged_chunk_among_those_ahead_hurts_when_it_is_read(items):
    objects = Batches(items)
    objects.batches = []
    objects.held[items[6].id] = b"wrong"
    file = ObjectFile(objects, items[-1].data, objects.many)
    start = sum(len(item.data) for item in items[:6])
    assert file.read(start) == DATA[:start]
    with pytest.raises(Corrupt, match=f"bytes {start} to "):
        file.read(1)
    end = start + len(items[6].data)
    file.seek(end)
    assert file.read() == DATA[end:]


def test_pieces_are_the_chunks_that_are_left(file):
    assert b"".join(file.pieces()) == DATA
    assert file.tell() == len(DATA)
    file.seek(5 * MIB + 5)
    assert b"".join(file.pieces()) == DATA[5 * MIB + 5 :]


def test_pieces_verify_each_chunk_and_do_not_hash_the_whole_again(items, objects):
    found = chunks.decode_file(items[-1].data)
    record = chunks.file_item(found._replace(blake3=hash_bytes(b""))).data
    assert b"".join(ObjectFile(objects, record).pieces()) == DATA
    objects.held[items[3].id] = b"x" + items[3].data[1:]
    pieces = ObjectFile(objects, record).pieces()
    assert [next(pieces) for _ in range(3)] == [item.data for item in items[:3]]
    with pytest.raises(Corrupt, match="of the file cannot be read"):
        next(pieces)
