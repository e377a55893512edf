"""Plans to delete: strict, since whoever writes one decides what goes."""

import json

import pytest

from graven.errors import Corrupt, FormatTooNew
from graven.formats import layout
from graven.formats.plan import MAX_PLAN_BYTES, Plan, decode_plan, encode_plan, split_plan
from graven.ids import hash_bytes

PACK = layout.pack_name(7, hash_bytes(b"x"))
LOOSE = layout.loose_key(hash_bytes(b"y"), "0" * 32)
GOOD = {"version": 1, "reason": "gc", "grace_seconds": 60, "packs": [PACK], "loose": [LOOSE]}


def test_a_plan_comes_back_as_it_was():
    plan = Plan("repack", 600, (PACK,), (LOOSE,))
    assert decode_plan(encode_plan(plan), "p") == plan


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1"},
        {"reason": "whim"},
        {"reason": None},
        {"grace_seconds": -1},
        {"grace_seconds": True},
        {"grace_seconds": 1.5},
        {"grace_seconds": 10**12},
        {"packs": PACK},
        {"packs": ["../store.json"]},
        {"packs": ["store.json"]},
        {"packs": [layout.plan_name("0" * 32)]},
        {"packs": [None]},
        {"loose": ["store.json"]},
        {"loose": ["refs/baselines/main.json"]},
        {"loose": [f"packs/{PACK}"]},
        {"loose": None},
    ],
    ids=str,
)
def test_what_is_no_plan_is_refused(change):
    with pytest.raises(Corrupt, match="plan p") as caught:
        decode_plan(json.dumps(GOOD | change).encode(), "p")
    assert caught.value.kind == "bad-plan"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b" " * (MAX_PLAN_BYTES + 1)]
)
def test_bytes_that_are_no_plan_are_refused(data):
    with pytest.raises(Corrupt):
        decode_plan(data, "p")


def test_a_newer_plan_is_told_apart():
    with pytest.raises(FormatTooNew):
        decode_plan(json.dumps(GOOD | {"version": 2}).encode(), "p")


def test_a_long_plan_becomes_several_that_can_be_read():
    names = tuple(layout.pack_name(n, hash_bytes(b"x")) for n in range(100_001))
    parts = list(split_plan(Plan("gc", 60, names, (LOOSE,))))
    assert [len(part.packs) for part in parts] == [100_000, 1, 0]
    assert parts[2].loose == (LOOSE,)
    assert all(decode_plan(encode_plan(part), "p") == part for part in parts)
