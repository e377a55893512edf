"""A stream on its way into a store: killed, out of room, damaged afterwards."""

import io
import os
import random
import select
import signal
import subprocess
import sys

import pytest
from test_no_room import no_space

from graven import Store
from graven.errors import BackendUnavailable
from graven.formats import layout
from graven.store.filing import put_stream
from graven.store.session import Intent
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run

MIB = 1024 * 1024

# Chunks of some KiB and packs of 64, so that a put of a megabyte has many steps.
WRITER = """
import io, itertools, random, sys
from graven import Store
from graven.formats import layout, pack
from graven.objects import chunks, intake
from graven.store.filing import put_stream
from graven.store.session import Intent

chunks.WHOLE_BYTES = chunks.MIN_CHUNK = 1024
chunks.AVERAGE_CHUNK, chunks.MAX_CHUNK = 4096, 16384
intake.GROUP_BYTES = 8192
pack.DATA_PACK_BYTES, pack.LARGE_OBJECT_BYTES = 65536, 512

store = Store(sys.argv[1])
data = random.Random(int(sys.argv[2])).randbytes(1_000_000)
for number in itertools.count():
    content = data[number * 1000:] + b"%d" % number
    writer = store.parts.session.writer()
    stored = put_stream(store, io.BytesIO(content), writer=writer)
    ref = layout.attachment_ref("r", f"artifacts/{sys.argv[2]}")
    writer.extend([Intent(ref, stored.object_id, None, {"size": stored.size})])
    print("begun", number, flush=True)
    writer.finish()
    print("done", number, flush=True)
"""


def kill_once(folder, seed, chance):
    """Kill a process that puts one file after another; the numbers it had begun and done."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(seed)], stdout=subprocess.PIPE
    )
    said = b""
    wanted = chance.randrange(1, 8)
    while said.count(b"\n") < wanted:
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, "the writer died by itself"
        said += piece
    select.select([], [], [], chance.random() * 0.05)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read()
    process.wait()
    process.stdout.close()
    words = [line.split() for line in said[: said.rfind(b"\n")].decode().split("\n")]
    begun = [int(number) for word, number in words if word == "begun"]
    return max(begun, default=-1), max((int(n) for w, n in words if w == "done"), default=-1)


def check_acknowledged(store, seed, begun, done):
    """What was said to be done is there, or what was begun after it; never a mixture."""
    found = {a.name for a in store.attachments("r")}
    if f"artifacts/{seed}" not in found:
        assert done < 0
        return
    data = random.Random(seed).randbytes(1_000_000)
    allowed = [data[n * 1000 :] + b"%d" % n for n in range(max(done, 0), begun + 1)]
    assert store.read_attachment("r", f"artifacts/{seed}") in allowed


def test_twenty_kills_while_files_are_put_leave_a_sound_store(tmp_path):
    folder = tmp_path / "s"
    chance = random.Random(20261121)
    Store(folder).save(sample_run("r"))
    outcomes = {}
    for seed in range(20):
        outcomes[seed] = kill_once(folder, seed, chance)
        store = Store(folder)
        check_acknowledged(store, seed, *outcomes[seed])
        assert store.fsck().damage == []
        store.close()
    store = Store(folder)
    for seed, outcome in outcomes.items():
        check_acknowledged(store, seed, *outcome)
    assert store.fsck("full").damage == []
    assert sum(begun >= 0 for begun, _ in outcomes.values()) > 10


def attach(store, data):
    writer = store.parts.session.writer()
    stored = put_stream(store, io.BytesIO(data), writer=writer)
    ref = layout.attachment_ref("r", "artifacts/x")
    writer.extend([Intent(ref, stored.object_id, None, {"size": stored.size})])
    writer.finish()


@pytest.mark.parametrize("packs", [0, 1, 2])
def test_a_disk_that_fills_in_the_middle_shows_nothing_and_loses_nothing(
    tmp_path, monkeypatch, packs
):
    store = Store(tmp_path / "s")
    store.save(sample_run("r"))
    data = random.Random(1).randbytes(40 * MIB)
    real, left = os.write, [packs * 16 * MIB + 5 * MIB]

    def write(handle, body):
        if left[0] < len(body):
            no_space()
        left[0] -= len(body)
        return real(handle, body)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(BackendUnavailable) as caught:
            attach(store, data)
    assert caught.value.kind == "disk-full"
    assert store.attachments("r") == []
    assert not [n for n in os.listdir(tmp_path / "s" / "packs") if n.startswith(".tmp-")]
    check_store(store)
    attach(store, data)  # what was written before is used
    assert store.read_attachment("r", "artifacts/x") == data
    check_store(store)
