"""``kill -9`` of a real process while it puts one large file, with packs as they really are.

64 MiB and six kills by default; GRAVEN_LARGE_MIB and GRAVEN_LARGE_KILLS ask for more.
"""

import os
import random
import select
import shutil
import signal
import subprocess
import sys

import pytest

from graven import Store
from graven.ids import new_hasher
from graven.testing.runs import sample_run

MIB = 1024 * 1024
FILE_MIB = int(os.environ.get("GRAVEN_LARGE_MIB", "64"))
KILLS = int(os.environ.get("GRAVEN_LARGE_KILLS", "6"))
NAME = "artifacts/checkpoint"
OLD = random.Random(1).randbytes(3 * MIB)

PUTTER = """
import sys
from pathlib import Path
from graven import Store

store = Store(sys.argv[1])
print("begun", flush=True)
store.attach("r", sys.argv[3], Path(sys.argv[2]), progress=lambda read, new: print(read, flush=True))
print("done", flush=True)
"""  # noqa: E501  a program, not ours to fold


@pytest.fixture
def large(tmp_path):
    """A file of noise, and its hash."""
    path, hasher, noise = tmp_path / "large", new_hasher(), random.Random(2)
    with path.open("wb") as out:
        for _ in range(FILE_MIB):
            piece = noise.randbytes(MIB)
            hasher.update(piece)
            out.write(piece)
    yield path, hasher.digest()
    path.unlink()


def put(folder, path, wanted=None, delay=0.0):
    """Put the file in a process that is killed ``delay`` seconds after it has read so much.

    Returns:
        Whether it had said that it was done.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PUTTER, str(folder), str(path), NAME],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n", "the writer died by itself"
    if wanted is not None:
        for line in process.stdout:
            if line == "done\n" or int(line) >= wanted:
                break
        select.select([], [], [], delay)
        process.send_signal(signal.SIGKILL)
        finished = line == "done\n" or "done" in process.stdout.read()
    else:
        finished = "done" in process.stdout.read()
    process.wait()
    process.stdout.close()
    return finished


def content_hash(store):
    hasher = new_hasher()
    with store.open_attachment("r", NAME) as content:
        while piece := content.read(MIB):
            hasher.update(piece)
    return hasher.digest()


def check(folder, old, new, *, finished):
    """A strict look at every byte; whether the new content has come."""
    store = Store(folder)
    assert store.fsck("full", strict=True).damage == []
    found = content_hash(store)
    assert found == new or (found == old and not finished)
    store.close()
    return found == new


@pytest.mark.slow
def test_a_large_put_that_is_killed_leaves_the_old_content_or_the_new(tmp_path, large):
    path, new = large
    hasher = new_hasher()
    hasher.update(OLD)
    old = hasher.digest()
    template = tmp_path / "template"
    store = Store(template)
    store.save(sample_run("r"))
    store.attach("r", NAME, OLD)
    store.close()
    chance = random.Random(20261121)
    folder = tmp_path / "s"
    came, packs = [], []
    for life in range(KILLS):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        # The last moments are where packs, names and the ref come together.
        late = life % 3 == 2
        wanted = FILE_MIB * MIB if late else chance.randrange(FILE_MIB * MIB)
        finished = put(folder, path, wanted, chance.random() * (0.1 if late else 0.02))
        came.append(check(folder, old, new, finished=finished))
        packs.append(len([n for n in os.listdir(folder / "packs") if n.endswith(".pack")]))
    assert not all(came)
    assert max(packs) > 2  # killed with data packs behind it
    # What a killed one has left is used by the next, and does not hurt it.
    assert put(folder, path)
    assert check(folder, old, new, finished=True)
    print(
        f"{KILLS} kills at {FILE_MIB} MiB: {sum(came)} new, {KILLS - sum(came)} old; packs {packs}"
    )
    shutil.rmtree(folder)
