"""Test servers start, store, end with the tests, and say why they are missing."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import fsspec
import obstore.store
import pytest

from graven import clock
from graven.errors import BackendUnavailable
from graven.testing.servers import SERVERS, Azurite, Ministack, Rclone
from graven.testing.servers.process import ServerProcess, free_ports, temp_folder

EVERY = ["ministack", "seaweedfs", "rclone", "fake_gcs", "azurite"]
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture(params=EVERY)
def server(request):
    return request.getfixturevalue(request.param)


def gone(pid, seconds=20):
    """True once no process of the group is left."""
    deadline = clock.monotonic() + seconds
    while clock.monotonic() < deadline:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        clock.sleep(0.02)
    return False


def test_it_stores_by_its_storage_options(server, new_bucket):
    bucket = new_bucket(server)
    files = fsspec.filesystem(bucket.protocol, **bucket.storage_options)
    files.pipe_file(f"{bucket.name}/a/b", b"hello")
    assert files.cat_file(f"{bucket.name}/a/b") == b"hello"
    assert files.find(bucket.name) == [f"{bucket.name}/a/b"]
    assert bucket.url.endswith(f"://{bucket.name}")


def test_it_is_reached_by_its_environment_alone(server, new_bucket, monkeypatch):
    bucket = new_bucket(server)
    for name, value in server.env.items():
        monkeypatch.setenv(name, value)
    files = fsspec.filesystem(bucket.protocol, skip_instance_cache=True)
    files.pipe_file(f"{bucket.name}/a", b"x")
    assert files.cat_file(f"{bucket.name}/a") == b"x"


def test_obstore_takes_the_environment_of_s3(s3_bucket, monkeypatch):
    for name, value in s3_bucket.server.env.items():
        monkeypatch.setenv(name, value)
    store = obstore.store.from_url(s3_bucket.url)
    store.put("a", b"x")
    assert bytes(store.get("a").bytes()) == b"x"


def test_create_if_absent_holds_where_it_should(any_bucket):
    files = fsspec.filesystem(any_bucket.protocol, **any_bucket.storage_options)
    files.pipe_file(f"{any_bucket.name}/a", b"1", mode="create")
    with pytest.raises(OSError):  # s3fs: FileExistsError or EINVAL, by the words of the reply
        files.pipe_file(f"{any_bucket.name}/a", b"2", mode="create")
    assert files.cat_file(f"{any_bucket.name}/a") == b"1"


def test_rclone_ignores_conditions(rclone, new_bucket):
    bucket = new_bucket(rclone)
    files = fsspec.filesystem("s3", **bucket.storage_options)
    files.pipe_file(f"{bucket.name}/a", b"1", mode="create")
    files.pipe_file(f"{bucket.name}/a", b"2", mode="create")
    assert files.cat_file(f"{bucket.name}/a") == b"2"


def test_only_loopback_is_listened_on(server):
    port = int(server.endpoint.rpartition(":")[2])
    hosts = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for host in hosts - {"127.0.0.1"}:
        if host.startswith("127."):
            continue
        with socket.socket() as one:
            one.settimeout(2)
            assert one.connect_ex((host, port)) != 0


def test_what_is_missing_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GRAVEN_SERVERS_DIR", str(tmp_path))
    for kind in SERVERS.values():
        found = kind.find()
        assert found.path is None
        assert "scripts/servers" in found.why
    (tmp_path / "azurite.reason").write_text("there is no npm on PATH\n")
    assert Azurite.find().why == "there is no npm on PATH"
    with pytest.raises(BackendUnavailable, match="azurite is not installed: there is no npm"):
        Azurite().start()


def test_what_does_not_start_shows_its_log(tmp_path):
    program = tmp_path / "rclone" / Rclone.program
    program.parent.mkdir(parents=True)
    (tmp_path / "rclone" / "installed").touch()
    program.write_text("#!/bin/sh\necho no room left for me >&2; exit 3\n")
    program.chmod(0o755)
    with pytest.raises(BackendUnavailable, match=r"rclone ended with code 3: no room left for me"):
        Rclone(tmp_path).start()


def test_stop_ends_the_process_and_removes_its_folder():
    folder = temp_folder("sleeper")
    process = ServerProcess("sleeper", SLEEPER, folder, {})
    assert process.running()
    process.stop()
    process.stop()
    assert not process.running()
    assert gone(process.pid)
    assert not folder.exists()


def test_a_server_that_will_not_end_is_killed():
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); "
    deaf += "time.sleep(600)"
    process = ServerProcess("deaf", [sys.executable, "-c", deaf], temp_folder("deaf"), {})
    process.wait_until(lambda: "deaf" in process.log())
    process.stop()
    assert gone(process.pid)


def test_a_server_ends_with_a_killed_owner(tmp_path):
    program = (
        "import sys, time\n"
        "from graven.testing.servers.process import ServerProcess, temp_folder\n"
        f"one = ServerProcess('sleeper', {SLEEPER!r}, temp_folder('sleeper'), {{}})\n"
        "print(one.pid, one._folder, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as owner:
        pid, folder = owner.stdout.readline().decode().split()
        owner.kill()
    ended = gone(int(pid))
    with suppress(ProcessLookupError):
        os.killpg(int(pid), signal.SIGKILL)
    (Path(folder) / "server.log").unlink()
    Path(folder).rmdir()
    assert ended


def test_a_taken_port_is_tried_again(ministack, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        ports = iter([[other.getsockname()[1]], free_ports(1)])
        monkeypatch.setattr("graven.testing.servers.base.free_ports", lambda _: next(ports))
        with Ministack():
            assert not list(ports)
