"""``kill -9`` of a real process 200 times while it puts large files, repacks and collects.

A day is a second here: plans are carried out by one of the next lives. One process forks all
lives, since a new interpreter for each would take longer than what it does.
"""

import json
import random
import subprocess
import sys
from itertools import pairwise

import pytest

from graven import Store
from graven.errors import NotFound
from graven.formats.storefile import decode_store_file, encode_store_file
from graven.testing.runs import sample_run

LIVES = 200
SEED = 20261121

DRIVER = """
import json, os, random, signal, sys, time
from graven import Store, errors
from graven.formats import pack
from graven.objects import chunks, intake
from graven.store import attachment_writes, filing
from graven.testing.runs import sample_run
from graven.upkeep import gc, repack, sweep

os.fsync = os.fdatasync = lambda fd: None  # what a killed process has written stays written
chunks.WHOLE_BYTES = attachment_writes.WHOLE_BYTES = 1024
chunks.MIN_CHUNK, chunks.AVERAGE_CHUNK, chunks.MAX_CHUNK = 1024, 4096, 16384
intake.GROUP_BYTES = 8192
pack.DATA_PACK_BYTES, pack.LARGE_OBJECT_BYTES = 65536, 512
repack.SMALL_BYTES, repack.GRACE_SECONDS = 1 << 20, 1
gc.YOUNG_MS = sweep.YOUNG_MS = 1000


def live(folder, life, seed, out):
    chance = random.Random(f"{seed} {life}")
    store = Store(folder)
    here = []

    def do(kind, name, act):
        os.write(out, json.dumps(["begun", kind, name]).encode() + b"\\n")
        try:
            result = act()
        except errors.GravenError as error:
            told = ["failed", kind, name, type(error).__name__, error.kind]
        else:
            told = ["done", kind, name]
            if kind == "gc":
                told.append(len(result.swept.deleted))
        os.write(out, json.dumps(told).encode() + b"\\n")

    for number in range(10_000):
        kind = chance.choice(["put", "put", "put", "delete", "repack", "gc", "gc"])
        if kind == "put":
            name = f"k{life}-{number}"
            data = random.Random(name).randbytes(20_000) + random.Random(life).randbytes(90_000)
            do("save", name, lambda: store.save(sample_run(name, float(number))))
            do("put", name, lambda: store.attach(name, "artifacts/x", data))
            here.append(name)
        elif kind == "delete" and here:
            name = here.pop(chance.randrange(len(here)))
            do("delete", name, lambda: store.delete(name))
        elif kind == "repack":
            do("repack", "", store.repack)
        elif kind == "gc":
            do("gc", "", store.gc)


folder, lives, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
for life in range(lives):
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            live(folder, life, seed, theirs)
        except BaseException as error:
            os.write(theirs, json.dumps(["died", repr(error)]).encode() + b"\\n")
        os._exit(1)
    os.close(theirs)
    first = b""
    wanted = chance.randrange(1, 8)
    while first.count(b"\\n") < wanted and (piece := os.read(ours, 65536)):
        first += piece
    time.sleep(chance.random() * 0.05)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(ours, "rb") as rest:
        said = first + rest.read()
    os.waitpid(child, 0)
    sys.stdout.buffer.write(said[: said.rfind(b"\\n") + 1] + b'["killed"]\\n')
"""


def content(name):
    life = int(name[1:].split("-")[0])
    return random.Random(name).randbytes(20_000) + random.Random(life).randbytes(90_000)


def run_driver(folder, lives):
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(folder), str(lives), str(SEED)],
        stdout=subprocess.PIPE,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def killed_at(words):
    """What each life was doing when it was killed; nothing between two things."""
    for word, after in pairwise(words):
        if word[0] == "begun" and after[0] == "killed":
            yield word[1]


def check_acknowledged(store, words):
    begun = {(kind, name) for said, kind, name, *_ in words if said == "begun"}
    done = {(kind, name) for said, kind, name, *_ in words if said == "done"}
    for kind, name in done:
        if kind == "delete":
            with pytest.raises(NotFound):
                store.load(name)
        elif ("delete", name) in begun:
            continue  # it may be there or not
        elif kind == "save":
            assert store.load(name) == sample_run(name, float(name.split("-")[1]))
        elif kind == "put":
            assert store.read_attachment(name, "artifacts/x") == content(name)


@pytest.mark.slow
def test_two_hundred_kills_while_files_are_put_repacked_and_collected(tmp_path):
    folder = tmp_path / "s"
    Store(folder).close()
    config = folder / "store.json"
    made = decode_store_file(config.read_bytes(), "store.json")
    config.write_bytes(encode_store_file(made._replace(grace_seconds=1)))
    words = run_driver(folder, LIVES)
    told = [tuple(word) for word in words if word[0] != "killed"]
    assert [word for word in told if word[0] == "died"] == []
    # What takes longer than half of the second that a day is here is refused, rightly.
    assert {word[4] for word in told if word[0] == "failed"} <= {"session-old"}
    assert sum(word[0] == "killed" for word in words) == LIVES
    assert sum(word[3] for word in told if word[:2] == ("done", "gc")) > 20  # packs deleted
    kills = list(killed_at(words))
    assert all(kills.count(kind) >= 5 for kind in ("put", "repack", "gc")), kills

    store = Store(folder)
    assert store.fsck("full", strict=True).damage == []
    check_acknowledged(store, told)
    swept = store.gc().swept
    assert swept is not None
    assert store.fsck("full", strict=True).damage == []
    check_acknowledged(store, told)
