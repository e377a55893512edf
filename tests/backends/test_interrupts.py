"""Ctrl-C while requests wait, and calls that are made at once."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from graven.backends.interruptible import interruptible
from graven.backends.parallel import run_all
from graven.testing.remote import RemoteMemory

PROGRAM = """
import signal, socket, sys, threading
from graven.backends import open_backend
from graven.backends.parallel import run_all

# Whoever starts the tests in the background may have them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
silent = socket.create_server(("127.0.0.1", 0))

def tell():
    silent.accept()
    print("waiting", flush=True)

threading.Thread(target=tell, daemon=True).start()
backend = open_backend("s3://bucket", storage_options={
    "key": "a", "secret": "b", "endpoint_url": f"http://127.0.0.1:{silent.getsockname()[1]}",
    "client_kwargs": {"region_name": "us-east-1"},
})
calls = [lambda: backend.get("a")] * int(sys.argv[1])
run_all(backend, calls)
"""


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
@pytest.mark.parametrize("calls", [1, 4])
def test_an_interrupt_does_not_wait_for_a_silent_server(bare_environment, client, calls):
    environment = {**os.environ, "GRAVEN_S3_CLIENT": client}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(calls)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        try:
            _, told = process.communicate(timeout=15)  # the request itself waits for 20 s
        finally:
            process.kill()
    assert "KeyboardInterrupt" in told
    assert process.returncode != 0


def test_what_a_call_returns_and_raises():
    assert interruptible(lambda: 5) == 5
    assert interruptible(threading.current_thread) is not threading.main_thread()
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)
    found = []
    thread = threading.Thread(target=lambda: found.append(interruptible(threading.current_thread)))
    thread.start()
    thread.join()
    assert found == [thread]


def test_after_a_fork_there_is_another_helper():
    interruptible(os.getpid)
    code = "import os; from graven.backends.interruptible import interruptible as i; i(os.getpid)\n"
    code += "pid = os.fork()\nif not pid: os._exit(i(os.getpid) != os.getpid())\n"
    code += "assert os.waitpid(pid, 0)[1] == 0"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


def test_the_first_error_in_order_is_raised_and_the_rest_left_out():
    backend = RemoteMemory("interrupts")
    assert backend.concurrency > 2
    begun = []

    def call(number):
        begun.append(number)
        if number == 1:
            time.sleep(0.05)
            raise ValueError("second")
        if number == 0:
            time.sleep(0.1)
            raise ValueError("first")
        time.sleep(0.01)
        return number

    with pytest.raises(ValueError, match="first"):
        run_all(backend, [lambda n=n: call(n) for n in range(5000)])
    assert len(begun) < 5000
    assert run_all(backend, [lambda n=n: n for n in range(100)]) == list(range(100))
