"""``kill -9`` of a real process at random moments: what it had acknowledged is there."""

import os
import random
import select
import signal
import subprocess
import sys

import pytest

from graven import Store
from graven.testing.invariants import (
    check_catalog_is_derived,
    check_nothing_damaged,
    check_runs_load,
)

WRITER = """
import itertools, sys
from graven import Store
from graven.testing.runs import sample_run

store = Store(sys.argv[1])
seed = int(sys.argv[2])
for number in itertools.count():
    run_id = f"k{seed}-{number}"
    step = number % 5
    if step == 3:
        with store.batch() as batch:
            for part in range(20):
                batch.save(sample_run(f"{run_id}-{part}", float(number)))
        done = f"batch {run_id}"
    else:
        store.save(sample_run(run_id, float(number)))
        done = f"save {run_id}"
    if step == 1:
        store.set_baseline(run_id)
        done += "\\nbaseline " + run_id
    if step == 2:
        store.attach(run_id, "logs/x", b"x" * 5000)
        done += "\\nattach " + run_id
    if step == 4:
        store.delete(run_id)
        done = f"delete {run_id}"
    print(done, flush=True)
"""


def kill_once(folder, seed, chance):
    """Start a writer, kill it at a random moment after its first words; what it had said."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(seed)], stdout=subprocess.PIPE
    )
    said = b""
    wanted = chance.randrange(1, 60)
    while said.count(b"\n") < wanted:
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, "the writer died by itself"
        said += piece
    select.select([], [], [], chance.random() * 0.005)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdout.close()
    said += rest
    return said[: said.rfind(b"\n")].decode().split("\n")


def rounds(folder, count):
    chance = random.Random(20261121)
    saved, deleted, attached = set(), set(), set()
    for seed in range(count):
        baselines = set()
        for line in kill_once(folder, seed, chance):
            verb, run_id = line.split()
            if verb == "save":
                saved.add(run_id)
            elif verb == "batch":
                saved |= {f"{run_id}-{part}" for part in range(20)}
            elif verb == "delete":
                deleted.add(run_id)
            elif verb == "attach":
                attached.add(run_id)
            else:
                baselines.add(run_id)
        store = Store(folder)
        found = {header.run_id for header in store.headers()}
        assert saved <= found
        assert not deleted & found
        assert all(len(store.read_attachment(name, "logs/x")) == 5000 for name in attached)
        batches = [name.rsplit("-", 1)[0] for name in found if name.count("-") == 2]
        assert all(batches.count(name) == 20 for name in set(batches)), "half a batch"
        assert not baselines or store.baselines.entry("main").run.startswith(f"k{seed}-")
        assert store.fsck().damage == []
        store.close()
    store = Store(folder)
    check_runs_load(store)
    check_catalog_is_derived(store)
    check_nothing_damaged(store)


def test_twenty_kills_lose_nothing_that_was_acknowledged(tmp_path):
    rounds(tmp_path / "s", 20)


@pytest.mark.slow
def test_a_hundred_kills(tmp_path):
    if not os.environ.get("GRAVEN_LONG"):
        pytest.skip("a hundred kills take minutes; GRAVEN_LONG=1 runs them")
    rounds(tmp_path / "s", 100)
