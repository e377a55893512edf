"""Cutting: a stream has the cut points of the bytes it gives, however it gives them."""

import io
import random

import pytest

from graven.errors import Corrupt
from graven.formats.envelope import FILE, seal
from graven.ids import hash_bytes
from graven.objects import chunks

MIB = 1024 * 1024


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


class Trickle:
    """Gives fewer bytes than asked for, and has no ``readinto``."""

    def __init__(self, data, seed):
        self.inner = io.BytesIO(data)
        self.chance = random.Random(seed)

    def read(self, size, /):
        return self.inner.read(min(size, self.chance.randrange(1, 3 * MIB)))


CONTENTS = {
    "nothing": b"",
    "little": b"abc",
    "noise": noise(23 * MIB + 77),
    "zeros": bytes(17 * MIB),
    "one window": noise(8 * MIB, 2),
    "one window and a byte": noise(8 * MIB + 1, 3),
    "zeros, then noise": bytes(5 * MIB) + noise(6 * MIB, 4),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_stream_is_cut_where_its_bytes_are(name):
    data = CONTENTS[name]
    wanted = list(chunks.cut(data))
    assert list(chunks.cut_stream(io.BytesIO(data))) == wanted
    assert list(chunks.cut_stream(Trickle(data, 5))) == wanted
    assert b"".join(wanted) == data
    assert all(len(piece) <= chunks.MAX_CHUNK for piece in wanted)
    assert all(len(piece) >= chunks.MIN_CHUNK for piece in wanted[:-1])


def test_a_byte_put_in_front_moves_few_cuts():
    data = noise(20 * MIB)
    before = set(chunks.cut(data))
    after = list(chunks.cut(b"x" + data))
    assert sum(len(piece) for piece in after if piece not in before) < 5 * MIB


def test_what_is_encoded_is_decoded():
    data = noise(3 * MIB)
    *parts, record = chunks.to_items(data)
    found = chunks.decode_file(record.data)
    assert found.size == len(data)
    assert found.blake3 == hash_bytes(data)
    assert [chunk for chunk, _ in found.chunks] == [part.id for part in parts]
    assert chunks.file_item(found) == record


def body(**changes):
    one = hash_bytes(b"a")
    return {"blake3": one, "chunks": [[one, 1]], "size": 1, **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 2},
        {"size": -1},
        {"size": "1"},
        {"chunks": [[b"short", 1]]},
        {"chunks": [[hash_bytes(b"a"), 0]], "size": 0},
        {"chunks": [[hash_bytes(b"a"), -1], [hash_bytes(b"a"), 2]]},
        {"chunks": [[hash_bytes(b"a"), True]]},
        {"chunks": [[hash_bytes(b"a"), 1, 1]]},
        {"chunks": [[hash_bytes(b"a"), 2**40]], "size": 2**40},
        {"chunks": 5},
        {"blake3": b"short"},
    ],
    ids=str,
)
def test_a_malformed_record_is_refused(changes):
    with pytest.raises(Corrupt):
        chunks.decode_file(seal(FILE, body(**changes)))
