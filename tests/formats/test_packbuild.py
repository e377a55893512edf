"""A pack laid out in memory of the caller's has the bytes that it has otherwise."""

import random

import pytest

from graven.formats.envelope import BLOB
from graven.formats.packbuild import Item, PackBuilder
from graven.ids import hash_bytes

NONCE, WRITER = bytes(16), bytes(8)
DATA = [random.Random(n).randbytes(n * 40_000) for n in range(1, 9)]
ITEMS = [Item(hash_bytes(data), BLOB, data) for data in [b"small", *DATA]]


def built(room=None, after=0):
    builder = PackBuilder(NONCE)
    for number, item in enumerate(ITEMS):
        if room is not None and number == after:
            builder.lay_out_in(room)
        builder.add(item)
    size = builder.size
    data = builder.finish(WRITER, ())
    assert size < len(data)
    return data


@pytest.mark.parametrize("after", [0, 1, 5])
@pytest.mark.parametrize("room", [2_000_000, 1_441_000, 700_000, 10])
def test_a_pack_in_a_given_room_is_the_same(room, after):
    expected = built()
    assert 1_440_000 < len(expected) < 1_442_000
    found = built(memoryview(bytearray(b"x" * room)), after)
    assert bytes(found) == expected
    assert isinstance(found, memoryview) is (room >= len(expected))
