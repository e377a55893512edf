"""``kill -9`` of a real process that prunes: what goes is in a readable archive by then."""

import os
import random
import select
import signal
import subprocess
import sys
from contextlib import closing

import pytest

import graven
from graven import Store
from graven.errors import NotFound
from graven.sync.bundle import verify_bundle
from graven.testing.runs import sample_run
from graven.upkeep.prune import plan_prune
from graven.upkeep.selection import Criteria

KILLS = 60
SEED = 20261121
KEPT, FRESH = 4, 5
MOST_LEFT = 30  # runs that kills have spared, so that no life has thousands to throw away

PRUNER = """
import sys, time
from graven import Store
from graven.upkeep.prune import carry_out, plan_prune
from graven.upkeep.selection import Criteria

store = Store(sys.argv[1])
plan = plan_prune(store, Criteria(keep_last=int(sys.argv[3])))
print("begun", flush=True)
begin = time.perf_counter()
carry_out(store, plan, archive=sys.argv[2])
print(f"done {time.perf_counter() - begin}", flush=True)
"""


def prune(folder, archive, delay, *, after=lambda: True):
    """Prune in a process that is killed so many seconds after something was so; what it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRUNER, str(folder), str(archive), str(KEPT)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n", "the pruner died by itself"
    if delay is not None:
        while not after() and process.poll() is None:
            select.select([process.stdout], [], [], 0.001)
        select.select([process.stdout], [], [], delay)
        process.send_signal(signal.SIGKILL)
    said = process.stdout.read()
    process.wait()
    process.stdout.close()
    return said


def made(number):
    return sample_run(f"k{number}", float(number), minute=number)


def attached(number):
    return random.Random(number).randbytes(3000)


def add_runs(store, numbers):
    for number in numbers:
        store.save(made(number))
        store.attach(f"k{number}", "artifacts/x", attached(number))


def holds(store, number):
    """Whether the run is there, with what belongs to it; half of it is an error."""
    try:
        run = store.load(f"k{number}")
    except NotFound:
        return False
    assert run == made(number)
    assert store.read_attachment(f"k{number}", "artifacts/x") == attached(number)
    return True


def check(folder, archive, there, selected):
    """What is left of the selected runs, after a look at all there is."""
    store = Store(folder)
    assert store.fsck("full", strict=True).damage == []
    assert all(holds(store, number) for number in there - selected)
    left = {number for number in selected if holds(store, number)}
    if archive.exists():  # whole, or not under its name
        assert verify_bundle(archive).sound
        with closing(graven.open(archive)) as inside:
            assert all(holds(inside, number) for number in selected)
    else:
        assert left == selected
    store.close()
    return left


@pytest.mark.slow
def test_a_prune_that_is_killed_has_archived_what_is_gone(tmp_path):
    folder = tmp_path / "s"
    chance = random.Random(SEED)
    there, longest, killed, life, outcomes = set(), None, 0, -1, []
    while killed < KILLS:
        life += 1
        store = Store(folder)
        fresh = set(range(life * FRESH, (life + 1) * FRESH))
        add_runs(store, sorted(fresh))
        there |= fresh
        plan = plan_prune(store, Criteria(keep_last=KEPT))
        store.close()
        selected = {int(name[1:]) for name in plan.run_ids}
        assert selected == set(sorted(there)[:-KEPT])
        archive = tmp_path / f"{life}.zip"
        packs = len(os.listdir(folder / "packs"))
        # At any moment, when the archive has its name, and when the runs are just gone.
        after, within = [
            (lambda: True, longest),
            (archive.exists, 0.02),
            (lambda n=packs: len(os.listdir(folder / "packs")) > n, 0.003),
        ][life % 3]
        in_peace = longest is None or len(there) > MOST_LEFT
        delay = None if in_peace else chance.random() * within
        said = prune(folder, archive, delay, after=after).split()
        if in_peace:
            longest = float(said[1])
        killed += not (in_peace or said)
        left = check(folder, archive, there, selected)
        assert not said or not left
        outcomes.append("done" if said else "left" if left == selected else "gone, unsaid")
        there -= selected - left
    # All of it happened: killed before anything went, and behind that.
    assert outcomes.count("left") >= 5
    assert outcomes.count("gone, unsaid") >= 1
    store = Store(folder)
    store.gc()
    assert store.fsck("full", strict=True).damage == []
    assert all(holds(store, number) for number in there)
    print(killed, "killed:", {outcome: outcomes.count(outcome) for outcome in set(outcomes)})
