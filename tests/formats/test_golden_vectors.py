"""One small value of each thing a store holds, with its bytes as literals.

Another reader or writer of the format can be tested against these. Structured objects
are spelled out as values too, and msgpack's own packer (another program than the one
graven uses) must make the same bytes of them.
"""

import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone

import msgpack
import pytest
import zstandard

from graven import clock
from graven.formats import layout, pack
from graven.formats.envelope import seal, unseal
from graven.formats.guarded import RefValue, decode_ref_object, encode_ref_object
from graven.formats.header import Header
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.formats.run import RunEncoder
from graven.formats.run_decode import RunDecoder
from graven.ids import hash_bytes
from graven.model import Metric, MetricDef, MetricDirection, Origin, Point, PointStatus, Run
from graven.objects.chunks import read_file, to_items

COMMIT = "9fceb02d0ae598e95dc970b74767f19372d61af8"
WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

# --- hashes: what b3sum prints ---


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (b"abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ],
)
def test_blobs(data, name):
    assert hash_bytes(data).hex() == name
    assert to_items(data) == [Item(bytes.fromhex(name), "blob", data)]


# --- structured objects ---

ENVIRONMENT = ["environment", 1, {"cores": 2, "cpu": "some", "flags": ["a", "b"], "ghz": 2.5}]
ENVIRONMENT_HEX = (
    "93 ab 656e7669726f6e6d656e74 01 84"
    " a5 636f726573 02"
    " a3 637075 a4 736f6d65"
    " a5 666c616773 92 a161 a162"
    " a3 67687a cb4004000000000000"
)

DEFINITIONS = [
    "definitions",
    1,
    {
        "metrics": {
            "t": {
                "description": "",
                "direction": "lower",
                "group": "",
                "priority": "secondary",
                "unit": "s",
            }
        },
        "points": [
            {
                "estimators": {"t": "median"},
                "metrics": ["m", "t"],
                "name": "sort",
                "scenario": "cpu",
                "tags": {"a": "1", "n": "10"},
                "version": "2f",
            },
            {"metrics": [], "name": "skipped", "scenario": "cpu", "tags": {}},
        ],
    },
]

RUN_BODY = {
    "branch": "main",
    "commit": bytes.fromhex(COMMIT),
    "commit_time": "2026-11-20T23:00:00-08:00",
    "definitions": bytes.fromhex(
        "d1ecbb6cff724b5b62af63dbff1574ea6d78f90fcd98afa649d19da231c5f56c"
    ),
    "dirty": False,
    "environment": bytes.fromhex(
        "b22fea8985d64a68300c1eb9238c6d5a4696d3c54d0c5ce8789c53cdc3161a76"
    ),
    "error": "one failed",
    "experiment": "sorting",
    "extra": {"later": [1, None]},
    "group": "g",
    "guessed": ["branch"],
    "id": "r1",
    "lower": [0, 1],
    "lower_at": [1],
    "metadata": {"k": "v"},
    "metric_extra": [[0, {"pages": 3}]],
    "origin": "simulated",
    "params": {"threads": 8},
    "point_extra": [[1, {"seed": 7}]],
    "point_status": [[1, "skipped", "too slow"]],
    "provenance": {"command": "bench"},
    "sample_counts": [-1, 3],
    "sample_groups": [[1, [1, 2]]],
    # 1/3 has no few decimals: eight planes of three bytes, the most significant first.
    "samples": bytes.fromhex("3f3f3f d5f0f8 550000 550000 550000 550000 550000 550000"),
    "status": "failed",
    "timestamp": "2026-11-21T09:30:00+00:00",
    "upper": [1, 5, 20],
    "value": [2, 200, 125],
}

RUN = Run(
    id="r1",
    timestamp=WHEN,
    commit=COMMIT,
    branch="main",
    environment={"flags": ["a", "b"], "ghz": 2.5, "cpu": "some", "cores": 2},
    metric_defs={"t": MetricDef(name="t", unit="s", direction=MetricDirection.LOWER)},
    points=(
        Point(
            name="sort",
            scenario="cpu",
            tags={"n": "10", "a": "1"},
            metrics={
                "t": Metric(
                    value=1.25,
                    lower=1.0,
                    upper=2.0,
                    samples=(1 / 3, 1.0, 1.5),
                    sample_groups=(1, 2),
                    estimator="median",
                ),
                "m": Metric(value=2.0, upper=0.5, extra={"pages": 3}),
            },
            version="2f",
        ),
        Point(
            name="skipped",
            scenario="cpu",
            status=PointStatus.SKIPPED,
            error="too slow",
            extra={"seed": 7},
        ),
    ),
    metadata={"k": "v"},
    experiment="sorting",
    status="failed",
    params={"threads": 8},
    error="one failed",
    provenance={"command": "bench"},
    origin=Origin.SIMULATED,
    group="g",
    commit_time=datetime(2026, 11, 20, 23, tzinfo=timezone(timedelta(hours=-8))),
    dirty=False,
    guessed=("branch",),
    extra={"later": [1, None]},
)

SMALLEST = Run(id="r", timestamp=WHEN, points=())

IDS = {
    "environment": RUN_BODY["environment"].hex(),
    "definitions": RUN_BODY["definitions"].hex(),
    "run": "4e04dd6c891b250b058be3894afd1056254fced20043ead659196a3c42417390",
    "the smallest run": "299c7be669c959569aec13a90b0b32a0e8a5c3a447d45fb9c3a5fd67aa856c8f",
}


def test_environment():
    data = bytes.fromhex(ENVIRONMENT_HEX)
    assert seal("environment", RUN.environment) == data == msgpack.packb(ENVIRONMENT)
    assert RunEncoder().encode(RUN).environment == Item(
        bytes.fromhex(IDS["environment"]), "environment", data
    )


def test_definitions():
    found = RunEncoder().encode(RUN).definitions
    assert found.data == msgpack.packb(DEFINITIONS)
    assert found.id.hex() == IDS["definitions"]


def test_a_run_with_every_field():
    found = RunEncoder().encode(RUN).run
    assert msgpack.unpackb(found.data) == ["run", 1, RUN_BODY]
    assert found.data == msgpack.packb(["run", 1, RUN_BODY])
    assert found.id.hex() == IDS["run"]


def test_the_smallest_run():
    found = RunEncoder().encode(SMALLEST)
    assert found.run.data.hex() == (
        "93 a3 72756e 01 84"
        f" ab 646566696e6974696f6e73 c420 {found.definitions.id.hex()}"
        f" ab 656e7669726f6e6d656e74 c420 {found.environment.id.hex()}"
        " a2 6964 a1 72"
        " a9 74696d657374616d70 b9 323032362d31312d32315430393a33303a30302b30303a3030"
    ).replace(" ", "")
    assert found.run.id.hex() == IDS["the smallest run"]
    assert found.environment.data.hex() == "93ab656e7669726f6e6d656e740180"
    assert found.definitions.data == msgpack.packb(
        ["definitions", 1, {"metrics": {}, "points": []}]
    )


def test_runs_are_read_from_the_literal_bytes():
    objects = [msgpack.packb(value) for value in (ENVIRONMENT, DEFINITIONS)]
    by_id = {hash_bytes(data): data for data in objects}
    assert RunDecoder(by_id.__getitem__).decode(msgpack.packb(["run", 1, RUN_BODY])) == RUN


def test_file():
    first, second = b"a" * 300, b"b" * 20
    record = bytes.fromhex(
        "93 a4 66696c65 01 83"
        f" a6 626c616b6533 c420 {hash_bytes(first + second).hex()}"
        f" a6 6368756e6b73 92 92 c420 {hash_bytes(first).hex()} cd012c"
        f" 92 c420 {hash_bytes(second).hex()} 14"
        " a4 73697a65 cd0140"
    )
    assert unseal(record, "file", strict=True).body["size"] == 320
    chunks = {hash_bytes(data): data for data in (first, second)}
    assert read_file(record, chunks.__getitem__) == first + second


def test_files_are_cut_where_they_always_were():
    # Other cut points would be read as well; they would share no chunk with those of before.
    data = b"".join(hash_bytes(n.to_bytes(4, "big")) for n in range(100_000))
    *chunks, record = to_items(data)
    assert [len(chunk.data) for chunk in chunks] == [588175, 1518754, 1093071]
    assert record.id.hex() == "0ca65321d79201ace5966dfb2dec73f71a829972367fed35fe05d17d5330a3c4"


def test_ref():
    value = RefValue(
        run="r1",
        object="ab" * 32,
        seq=2,
        previous=None,
        write_id="0" * 32,
        by="",
        at="2026-11-21T09:30:00+00:00",
        message="why",
    )
    record = {
        "at": "2026-11-21T09:30:00+00:00",
        "by": "",
        "message": "why",
        "object": "ab" * 32,
        "previous": None,
        "run": "r1",
        "seq": 2,
        "write_id": "0" * 32,
    }
    data = msgpack.packb(["ref", 1, record])
    assert encode_ref_object(value) == data
    assert decode_ref_object(data) == value
    assert (
        hash_bytes(data).hex() == "84dfc2cfcc06f85890b9242741061be5ee54850818e71aaa1c3347171b2e6d7c"
    )


# --- packs ---

NONCE = bytes(range(16))
WRITER = b"writer-1"
HEADER = Header(1_700_000_000_000_000, "main", bytes(20), None, "ok", "measured", 2, None)
BLOB = Item(hash_bytes(b"abc"), "blob", b"abc")
RUN_ITEM = Item(hash_bytes(b"no real run"), "run", b"no real run")

HEAD_HEX = "89 6772766e 0d0a1a  0001 0000 00000000  000102030405060708090a0b0c0d0e0f"
# Mark, codec (raw), reserved, objects, length, stored length, CRC; kind, length, object.
BLOB_FRAME_HEX = "6746524d 00 000000 00000001 00000008 00000008 e6937c95 01 00000003 616263"
RUN_FRAME_HEX = (
    "6746524d 00 000000 00000001 00000010 00000010 a56f3880 03 0000000b 6e6f207265616c2072756e"
)
UPDATES = [
    1,
    WRITER,
    1000,
    [
        [
            "runs/a",
            0,
            1,
            0,
            [1_700_000_000_000_000, "main", bytes(20), None, "ok", "measured", 2, None],
            {"source": "x"},
        ],
        ["runs/a/logs/x", 1, 0, 0, None, None],
        ["runs/gone", 2, None, 7, None, None],
        ["runs/b", 3, bytes(32), 0, None, None],
    ],
]
# Made once and kept: zstd may pack the metadata otherwise one day, and must still read it.
PACK_HEX = """
896772766e0d0a1a0001000000000000000102030405060708090a0b0c0d0e0f6746524d000000000000000100000008
00000008e6937c9501000000036162636746524d00000000000000010000001000000010a56f3880030000000b6e6f20
7265616c2072756e674d455400000081000000ab000000610000005890375befe488c5a74326a98228d0353c07470124
a858c9b923770810acf3234dedae1f4428b52ffd20abc5030054069401c4087772697465722d31cd03e89496a672756e
732f6100010098cf00060a24181e4000a46d61696ec41400c0a26f6ba86d6561737572656402c081a6736f75726365a1
7896ad2f6c6f67732f78010000c0c096a9676f6e6502c007c0c06203c420c0c00600d0812e3c81431e374dcd606c3401
7a28b52ffd2058c10200950192952000010808954000011010c4406437b3ac38465133ffb63b75273a8db548c558465d
79db03fd359c6cd5bd9d855823dd12203942701d92afd2892f6551562e408d505500bb738409ab3c9645a8c402010392
030b0000000000000068000000000000011a00010000bbeba40f1a0d0a6e76726789
"""


def build():
    builder = PackBuilder(NONCE)
    builder.add(BLOB)
    builder.add(RUN_ITEM)
    return builder.finish(
        WRITER,
        [
            PendingUpdate("runs/a", 1000, RUN_ITEM.id, 0, HEADER, {"source": "x"}),
            PendingUpdate("runs/a/logs/x", 1001, BLOB.id),
            PendingUpdate("runs/gone", 1002, None, 7),
            PendingUpdate("runs/b", 1003, bytes(32)),
        ],
    )


def test_a_pack_that_was_made_once_is_read():
    data = bytes.fromhex(PACK_HEX)
    assert pack.read_head(data) == NONCE
    tail = pack.read_tail(data[-pack.TAIL_BYTES :], len(data))
    metadata = pack.read_metadata(data[tail.offset : tail.offset + tail.length])
    assert (metadata.updates.writer, metadata.updates.base) == (WRITER, 1000)
    assert [
        (u.name, u.delay, u.target, u.floor, u.header, u.note) for u in metadata.updates.updates
    ] == [
        ("runs/a", 0, 1, 0, HEADER, {"source": "x"}),
        ("runs/a/logs/x", 1, 0, 0, None, None),
        ("runs/gone", 2, None, 7, None, None),
        ("runs/b", 3, bytes(32), 0, None, None),
    ]
    index = metadata.objects
    assert (index.ids, index.kinds, index.lengths) == (
        [BLOB.id, RUN_ITEM.id],
        ["blob", "run"],
        [3, 11],
    )
    assert [data[slice_of(place)] for place in index.locations()] == [BLOB.data, RUN_ITEM.data]


def slice_of(place):
    """Where an object of a frame that is stored raw lies in its pack."""
    start = place.frame.offset + pack.FRAME_HEADER_BYTES + place.offset
    return slice(start, start + place.length)


def test_the_parts_of_a_pack_that_are_not_compressed():
    data = build()
    start = bytes.fromhex(HEAD_HEX + BLOB_FRAME_HEX + RUN_FRAME_HEX + "674d4554")
    assert data[: len(start)] == start
    tail = pack.read_tail(data, len(data))
    assert data[-8:].hex() == "1a0d0a6e76726789"
    assert data[-32:-12].hex() == f"{tail.offset:016x}{tail.length:016x}00010000"
    assert int.from_bytes(data[-12:-8], "big") == zlib.crc32(data[-32:-12])


def test_the_sections_of_a_pack_before_compression():
    data = build()
    tail = pack.read_tail(data, len(data))
    sizes = struct.unpack_from(">IIII", data, tail.offset + 4)
    start = tail.offset + pack.META_HEADER_BYTES
    body = data[start : start + sizes[0] + sizes[2]]
    header = data[tail.offset : start]
    assert header[:20] == b"gMET" + struct.pack(">IIII", *sizes)
    assert header[20:52] == hash_bytes(body)
    assert int.from_bytes(header[52:], "big") == zlib.crc32(header[:52])
    assert zstandard.decompress(body[: sizes[0]]) == msgpack.packb(UPDATES)
    assert zstandard.decompress(body[sizes[0] :]) == msgpack.packb(
        [1, [[32, 0, 1, 8, 8], [64, 0, 1, 16, 16]], BLOB.id + RUN_ITEM.id, b"\1\3", [3, 11]]
    )


# --- stamps and names ---


def test_stamps():
    moment = 1_795_253_400_000  # 2026-11-21T09:30:00Z
    ticking = clock.HybridClock(lambda: moment)
    stamps = [ticking.tick() for _ in range(3)]
    assert [clock.format_stamp(s) for s in stamps] == [
        "01a1fd70f1c00000",
        "01a1fd70f1c00001",
        "01a1fd70f1c00002",
    ]
    assert clock.stamp_to_datetime(stamps[2]) == WHEN
    ahead = clock.HybridClock(lambda: moment, floor=0x01A1FD70F1C1FFFF)
    assert clock.format_stamp(ahead.tick()) == "01a1fd70f1c20000"


def test_names():
    name = layout.pack_name(0x01A1FD70F1C00000, hash_bytes(b"abc"))
    assert layout.pack_key(name) == (
        "packs/01a1fd70f1c00000-"
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85.pack"
    )
    assert layout.view_key("Über e\u0301.") == "runs/%c3%9cber%20%c3%a9%2e.json"
    assert layout.guarded_key("tags", "v1.0") == "refs/tags/v1.0.json"
    assert layout.run_ref("r 1") == "runs/r 1"
    assert layout.attachment_ref("r1", "logs/a b") == "runs/r1/logs/a b"
