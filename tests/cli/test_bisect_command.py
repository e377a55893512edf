"""`graven bisect` as a process: what is left when it is told to end."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest


def git(folder, *words):
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.invalid", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_is_left_when_it_is_told_to_end(tmp_path, number):
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q", "-b", "main")
    for subject in ("one", "two"):
        git(project, "commit", "-q", "--allow-empty", "-m", subject)
    held = tmp_path / "held"
    inner = f"import fcntl, time; f = open({str(held)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
    inner += "f.write('x'); f.flush(); time.sleep(60)"
    outer = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', {inner!r}])"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "GRAVEN_STORE": str(tmp_path / "store")}
    graven = [sys.executable, "-m", "graven"]
    subprocess.run([*graven, "init"], env=environment, check=True, capture_output=True)
    with subprocess.Popen(
        [*graven, "bisect", "HEAD~1", "HEAD", "--time", "--", sys.executable, "-c", outer],
        cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509  no threads here; under nohup it would be deaf
    ) as process:  # fmt: skip
        while process.poll() is None and not (held.exists() and held.read_text()):
            time.sleep(0.05)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, b"graven: interrupted\n")
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert list(tmp_path.glob("graven-bisect-*")) == []
    with held.open() as file:
        for _ in range(100):  # a signal takes a moment
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.05)
    pytest.fail("what the command started is still there")
