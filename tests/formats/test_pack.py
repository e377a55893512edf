"""The pack: its bytes are fixed, and no wrong byte gets through unnoticed."""

import struct

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from graven.errors import Corrupt, FormatTooNew, InvalidInput
from graven.formats import compression, pack, packbuild, packscan
from graven.formats.header import (
    FrameRow,
    Header,
    IndexSection,
    OwnUpdateSection,
    Update,
    UpdateSection,
)
from graven.ids import hash_bytes

NONCE = bytes(range(16))
WRITER = b"writer-1"
HEADER = Header(1_700_000_000_000_000, "main", bytes(20), None, "ok", "measured", 2, None)


def item(kind, data):
    return packbuild.Item(hash_bytes(data), kind, data)


RUN = item("run", b"a run, " * 20)
ENVIRONMENT = item("environment", b"an environment")
BLOB = item("blob", bytes(range(40)))


def small_pack():
    builder = packbuild.PackBuilder(NONCE)
    for each in (ENVIRONMENT, BLOB, RUN):
        builder.add(each)
    return builder.finish(
        WRITER,
        [
            packbuild.PendingUpdate("runs/a", 1000, RUN.id, 0, HEADER, {"source": "x.json"}),
            packbuild.PendingUpdate("runs/a/artifacts/raw", 1001, BLOB.id),
            packbuild.PendingUpdate("runs/gone", 1002, None, 7),
            packbuild.PendingUpdate("runs/b", 1003, bytes(32)),
        ],
    )


def read(data):
    """All that a pack says: updates, and every object that verifies."""
    pack.read_head(data)
    tail = pack.read_tail(data[-4096:], len(data))
    metadata = pack.read_metadata(data[tail.offset : tail.offset + tail.length])
    index = metadata.objects
    assert list(index.spans()) == [
        (object_id, kind, at.frame.offset, at.offset, at.length)
        for object_id, kind, at in zip(index.ids, index.kinds, index.locations(), strict=True)
    ]
    objects = []
    for object_id, kind, place in zip(
        metadata.objects.ids, metadata.objects.kinds, metadata.objects.locations(), strict=True
    ):
        start = place.frame.offset + pack.FRAME_HEADER_BYTES
        raw = pack.decode_frame(place.frame, data[start : start + place.frame.stored])
        body = raw[place.offset : place.offset + place.length]
        if hash_bytes(body) != object_id:
            raise Corrupt("object does not match its name")
        objects.append((object_id, kind, body))
    return metadata.updates, objects


def test_the_sizes_of_the_parts_are_their_sums():
    assert pack.HEAD_BYTES == 8 + 2 + 2 + 4 + 16
    assert pack.FRAME_HEADER_BYTES == 4 + 1 + 1 + 2 + 4 + 4 + 4 + 4
    assert pack.META_HEADER_BYTES == 4 + 4 * 4 + 32 + 4
    assert pack.TAIL_BYTES == 8 + 8 + 2 + 2 + 4 + 8
    assert pack.TOC_ENTRY_BYTES == 1 + 4


def test_golden_head_and_trailer():
    data = small_pack()
    assert data[: pack.HEAD_BYTES].hex() == "896772766e0d0a1a0001000000000000" + NONCE.hex()
    offset, length, version, reserved, _, magic = struct.unpack(">QQHHI8s", data[-32:])
    assert (version, reserved, magic) == (1, 0, bytes.fromhex("1a0d0a6e76726789"))
    assert offset + length + pack.TAIL_BYTES == len(data)
    assert data[offset : offset + 4] == b"gMET"
    assert data[pack.HEAD_BYTES : pack.HEAD_BYTES + 4] == b"gFRM"


def test_golden_sections():
    # Compressed bytes may change with the library; what is compressed may not.
    data = small_pack()
    tail = pack.read_tail(data, len(data))
    region = data[tail.offset : tail.offset + tail.length]
    sizes = struct.unpack_from(">IIII", region, 4)
    body = region[pack.META_HEADER_BYTES :]
    updates = zstandard.decompress(body[: sizes[0]])
    index = zstandard.decompress(body[sizes[0] :])
    assert hash_bytes(updates).hex()[:32] == "d006464f4f21239d17594d9494284454"
    first, second = pack.read_metadata(region).objects.frames
    assert msgspec.msgpack.decode(index) == [
        1,
        [list(msgspec.structs.astuple(f)) for f in (first, second)],
        ENVIRONMENT.id + BLOB.id + RUN.id,
        bytes([4, 1, 3]),
        [14, 40, 140],
    ]
    assert (first.count, first.raw, second.count, second.raw) == (2, 64, 1, 145)


def test_all_that_goes_in_comes_out():
    updates, objects = read(small_pack())
    assert (updates.writer, updates.base) == (WRITER, 1000)
    assert [(u.name, u.delay, u.floor) for u in updates.updates] == [
        ("runs/a", 0, 0),
        ("runs/a/artifacts/raw", 1, 0),
        ("runs/gone", 2, 7),
        ("runs/b", 3, 0),
    ]
    assert [u.target for u in updates.updates] == [2, 1, None, bytes(32)]
    assert (updates.updates[0].header, updates.updates[0].note) == (HEADER, {"source": "x.json"})
    assert objects == [(i.id, i.kind, i.data) for i in (ENVIRONMENT, BLOB, RUN)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["run", "blob", "definitions"]), st.binary(max_size=60_000)),
        max_size=12,
    )
)
def test_any_objects_come_back(contents):
    items = {hash_bytes(data): item(kind, data) for kind, data in reversed(contents)}
    builder = packbuild.PackBuilder(NONCE)
    for each in [*items.values(), *items.values()]:
        builder.add(each)
    data = builder.finish(WRITER, [])
    _, objects = read(data)
    assert sorted(objects) == sorted((i.id, i.kind, i.data) for i in items.values())
    scanned = [
        found
        for frame in packscan.scan_frames(data)
        for found in packscan.scan_objects(data, frame)
    ]
    assert sorted((f.id, f.kind, f.data) for f in scanned) == sorted(objects)
    assert (
        packscan.find_metadata(data[:-5]).objects.ids
        == pack.read_metadata(
            data[pack.read_tail(data, len(data)).offset : -pack.TAIL_BYTES]
        ).objects.ids
    )


def test_every_flipped_bit_is_found_or_harmless():
    data = small_pack()
    whole = read(data)
    harmless = 0
    for position in range(len(data)):
        for bit in (0x01, 0x80):
            damaged = bytearray(data)
            damaged[position] ^= bit
            try:
                assert read(bytes(damaged)) == whole, position
                harmless += 1
            except (Corrupt, FormatTooNew):
                pass
    # The nonce, reserved fields, frame headers and a frame's own table of contents say
    # nothing that the index does not say again; fsck sees them by the pack's hash.
    assert harmless < 2 * (16 + 4 + 2 * pack.FRAME_HEADER_BYTES + 3 * pack.TOC_ENTRY_BYTES + 16)


def test_every_cut_is_found():
    data = small_pack()
    for length in range(len(data)):
        with pytest.raises(Corrupt):
            read(data[:length])
    with pytest.raises(Corrupt):
        read(data + b"\0")


def test_scanning_a_damaged_pack_never_fails():
    data = small_pack()
    known = {ENVIRONMENT.id, BLOB.id, RUN.id}
    for position in range(pack.HEAD_BYTES, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        damaged = bytes(damaged)
        found = {
            each.id
            for frame in packscan.scan_frames(damaged)
            for each in packscan.scan_objects(damaged, frame)
        }
        assert len(known & found) >= 1
        packscan.find_metadata(damaged)
    for length in range(len(data)):
        list(packscan.scan_frames(data[:length]))


def test_many_marks_cost_no_copies():
    assert packscan.find_metadata(b"gMET" * 200_000) is None
    assert list(packscan.scan_frames(b"gFRM" * 200_000)) == []


def test_newer_packs_ask_for_a_newer_program():
    data = small_pack()
    with pytest.raises(FormatTooNew):
        pack.read_head(data[:8] + b"\0\2" + data[10:])
    with pytest.raises(FormatTooNew):
        pack.read_head(data[:10] + b"\0\1" + data[12:])
    with pytest.raises(FormatTooNew):
        pack.decode_frame(FrameRow(0, 9, 1, 4, 4), b"abcd")


def region_of(updates, index):
    encode = msgspec.msgpack.Encoder(order="deterministic").encode
    return packbuild._build_metadata(encode(updates), encode(index), 3)


GOOD_INDEX = [1, [[32, 0, 1, 9, 9]], RUN.id, b"\3", [4]]


def section(**changes):
    row = {"name": "runs/a", "delay": 0, "target": 0, "floor": 0, "header": None} | changes
    return [1, WRITER, row.pop("base", 5), [list(row.values())]]


def header(**changes):
    return list(msgspec.structs.astuple(msgspec.structs.replace(HEADER, **changes)))


def test_the_hand_made_region_is_read():
    found = pack.read_metadata(region_of(section(header=header()), GOOD_INDEX))
    assert found.updates.updates[0].header == HEADER


@pytest.mark.parametrize(
    ("updates", "index"),
    [
        (section(target=1), GOOD_INDEX),
        (section(target=-1), GOOD_INDEX),
        (section(target=b"short"), GOOD_INDEX),
        (section(delay=-1), GOOD_INDEX),
        (section(delay=2**63), GOOD_INDEX),
        (section(base=2**63, delay=0), GOOD_INDEX),
        (section(base=-1), GOOD_INDEX),
        (section(floor=2**63), GOOD_INDEX),
        (section(floor=-1), GOOD_INDEX),
        (section(name=7), GOOD_INDEX),
        (section(header=header(commit=[1])), GOOD_INDEX),
        (section(header=header(timestamp=2**62)), GOOD_INDEX),
        (section(header=header(points=-1)), GOOD_INDEX),
        (section(header=header(branch=3)), GOOD_INDEX),
        (section(), [1, [[32, 0, 2, 9, 9]], RUN.id, b"\3", [4]]),
        (section(), [1, [[32, 0, 1, 10, 9]], RUN.id, b"\3", [4]]),
        (section(), [1, [[32, 0, 1, 9, 9]], RUN.id[1:], b"\3", [4]]),
        (section(), [1, [[32, 0, 1, 9, 9]], RUN.id, b"\x63", [4]]),
        (section(), [1, [[-1, 0, 1, 9, 9]], RUN.id, b"\3", [4]]),
        (section(), [1, [[2**63, 0, 1, 9, 9]], RUN.id, b"\3", [4]]),
        (section(), [1, [[32, 0, 1, 1, 9]], RUN.id, b"\3", [-4]]),
        (section(), "index"),
        ({}, GOOD_INDEX),
    ],
    ids=repr,
)
def test_a_region_that_lies_under_a_right_hash_is_refused(updates, index):
    with pytest.raises(Corrupt):
        pack.read_metadata(region_of(updates, index))


@pytest.mark.parametrize("which", [0, 1])
def test_sections_of_a_newer_version_are_refused(which):
    sections = [section(), list(GOOD_INDEX)]
    sections[which][0] = 2
    with pytest.raises(FormatTooNew):
        pack.read_metadata(region_of(*sections))


def test_a_bomb_is_not_unpacked():
    bomb = zstandard.compress(bytes(pack.MAX_FRAME_RAW + 1))
    row = FrameRow(0, compression.CODEC_ZSTD, 1, pack.MAX_FRAME_RAW + 1, len(bomb))
    with pytest.raises(Corrupt, match="another length"):
        pack.decode_frame(row, bomb)
    with pytest.raises(Corrupt, match="another length"):
        pack.decode_frame(msgspec.structs.replace(row, raw=10), bomb)


def test_an_object_that_no_reader_would_unpack_is_refused():
    class Huge(bytes):
        def __len__(self):
            return pack.MAX_FRAME_RAW

    with pytest.raises(InvalidInput, match="blob object of 50,331,648 bytes is larger"):
        packbuild.PackBuilder(NONCE).add(packbuild.Item(BLOB.id, "blob", Huge()))


def test_what_does_not_shrink_is_stored_raw():
    import random

    noise = random.Random(1).randbytes(400_000)
    builder = packbuild.PackBuilder(NONCE)
    builder.add(item("blob", noise))
    data = builder.finish(WRITER, [])
    (frame,) = packscan.scan_frames(data)
    assert frame.codec == compression.CODEC_RAW
    assert read(data)[1][0][2] == noise


def test_sections_have_the_fields_of_the_format():
    own = ("version", "writer", "base", "updates")
    assert OwnUpdateSection.__struct_fields__ == own
    assert UpdateSection.__struct_fields__ == (*own, "others", "owners")
    assert IndexSection.__struct_fields__ == ("version", "frames", "ids", "kinds", "lengths")


def test_updates_of_others_keep_their_writers_and_stamps():
    others = [b"a" * 8, WRITER, None, b"z" * 8, b"a" * 8]
    updates = [
        packbuild.PendingUpdate(f"runs/{n}", 1000 + n, None, 0, None, None, writer)
        for n, writer in enumerate(others)
    ]
    data = packbuild.PackBuilder(NONCE).finish(WRITER, updates)
    tail = pack.read_tail(data, len(data))
    section = pack.read_metadata(data[tail.offset : tail.offset + tail.length]).updates
    assert [section.base + row.delay for row in section.updates] == list(range(1000, 1005))
    assert section.writers() == [writer or WRITER for writer in others]


def test_a_pack_of_one_writer_names_it_once():
    own = [packbuild.PendingUpdate("runs/a", 5, None), packbuild.PendingUpdate("runs/b", 6, None)]
    named = [update._replace(writer=WRITER) for update in own]
    build = packbuild.PackBuilder(NONCE).finish
    assert build(WRITER, own) == packbuild.PackBuilder(NONCE).finish(WRITER, named)


@pytest.mark.parametrize(
    ("others", "owners"),
    [
        (b"12345678", None),
        (b"1234567", [0]),
        (b"12345678", [2]),
        (b"", [1]),
        (b"", [-1]),
        (b"", []),
    ],
)
def test_owners_that_do_not_add_up_are_damage(others, owners):
    section = UpdateSection(1, WRITER, 5, [Update("runs/a", 0, None)], others, owners)
    with pytest.raises(Corrupt, match="list of writers"):
        pack._read_updates(msgspec.msgpack.encode(section), 0)
