import signal
import subprocess
import sys
import threading
import time

import pytest

from graven.backends import locks

COUNTER = """
import sys
from graven.backends.local import LocalBackend
backend = LocalBackend(sys.argv[1])
for _ in range(50):
    while True:
        body, version = backend.get_with_version("refs/n")
        if backend.put_if_version("refs/n", b"%d" % (int(body) + 1), version):
            break
"""


@pytest.mark.skipif(not locks.available(), reason="no compare-and-swap on this system")
def test_eight_processes_count_to_four_hundred(store):
    store.put("refs/n", b"0")
    command = [sys.executable, "-c", COUNTER, str(store.root)]
    counters = [subprocess.Popen(command) for _ in range(8)]
    assert [counter.wait() for counter in counters] == [0] * 8
    assert store.get("refs/n") == b"400"
    assert store.temporaries() == []


@pytest.mark.skipif(not locks.available(), reason="no compare-and-swap on this system")
def test_a_lock_dies_with_its_process(store, ls):
    version = store.put_if_absent("refs/a", b"x")
    program = """
import sys, time
from graven.backends.local import LocalBackend
from graven.backends.locks import locked
backend = LocalBackend(sys.argv[1])
with locked(backend._folders.find("refs")):
    print("locked", flush=True)
    time.sleep(600)
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(store.root)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "locked\n"
        swapped = []
        waiter = threading.Thread(
            target=lambda: swapped.append(store.put_if_version("refs/a", b"y", version))
        )
        waiter.start()
        waiter.join(0.2)
        assert waiter.is_alive()  # it is a lock
        holder.send_signal(signal.SIGKILL)
        waiter.join(30)
    assert swapped[0] is not None
    assert ls(store.root / "refs") == ["a"]


WRITER = """
import sys
from graven.backends.local import LocalBackend
backend = LocalBackend(sys.argv[1])
number = 0
while True:
    body = (b"%d " % number) * 20_000
    backend.put("packs/same", body)
    backend.put_if_absent(f"packs/{number}", body)
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
def test_a_killed_writer_leaves_whole_files_and_all_it_acknowledged(store, delay):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE, text=True
    )
    with writer:
        writer.stdout.readline()
        time.sleep(delay)  # only varies where the writer is hit
        writer.kill()
        acknowledged = [0, *(int(line) for line in writer.stdout if line.endswith("\n"))]
    for name in store.names("packs"):
        number = int(name) if name != "same" else int(store.get("packs/same").split(b" ")[0])
        assert store.get(f"packs/{name}") == (b"%d " % number) * 20_000
    assert {str(number) for number in acknowledged} <= set(store.names("packs"))
    assert len(store.temporaries()) <= 1
