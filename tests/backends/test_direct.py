"""Large bodies past the page cache: the same bytes, wherever that is not to be had, too."""

import errno
import fcntl
import mmap
import os
import random

import pytest

from graven.backends import direct
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable

MIB = 1024 * 1024
BODY = random.Random(7).randbytes(9 * MIB + 4097)
SIZES = [0, 1, direct.LEAST_BYTES - 1, direct.LEAST_BYTES, 5 * MIB + 4095, len(BODY)]


def switches(monkeypatch, answer=lambda on: None):
    """What the flag was set to; ``answer`` may raise."""
    seen, real = [], fcntl.fcntl

    def control(fd, command, flags=0):
        if command == fcntl.F_SETFL:
            seen.append(bool(flags & os.O_DIRECT))
            answer(seen[-1])
        return real(fd, command, flags)

    monkeypatch.setattr(fcntl, "fcntl", control)
    return seen


@pytest.mark.parametrize("size", SIZES)
def test_a_body_of_any_size_is_written_whole(tmp_path, size):
    backend = LocalBackend(tmp_path)
    backend.put("packs/x", memoryview(BODY)[:size])
    assert backend.get("packs/x") == BODY[:size]


def test_small_bodies_and_those_nobody_waits_for_go_through_the_cache(tmp_path, monkeypatch):
    seen = switches(monkeypatch)
    backend = LocalBackend(tmp_path)
    backend.put("packs/small", BODY[: direct.LEAST_BYTES - 1])
    backend.put("packs/large", BODY, durable=False)
    LocalBackend(tmp_path, fsync=False).put("packs/unsynced", BODY)
    assert seen == []
    backend.put("packs/large", BODY)
    assert seen == [True, False]


def test_a_file_system_without_it_gets_the_body_through_the_cache(tmp_path, monkeypatch):
    def refuse(on):
        if on:
            raise OSError(errno.EINVAL, "no such flag here")

    switches(monkeypatch, refuse)
    backend = LocalBackend(tmp_path)
    backend.put("packs/x", BODY)
    assert backend.get("packs/x") == BODY


@pytest.mark.parametrize("refused_after", [0, 1])
def test_one_that_refuses_the_write_itself_gets_the_rest_through_the_cache(
    tmp_path, monkeypatch, refused_after
):
    real, calls = os.write, []

    def write(fd, data):
        calls.append(len(data))
        if len(calls) == refused_after + 1:
            raise OSError(errno.EINVAL, "not with this flag")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    backend = LocalBackend(tmp_path)
    backend.put("packs/x", BODY)
    assert backend.get("packs/x") == BODY
    assert len(calls) == refused_after + 2


@pytest.mark.parametrize("taken", [100, 4096, MIB + 1])
def test_a_write_that_is_cut_short_goes_on_where_it_stopped(tmp_path, monkeypatch, taken):
    real, calls = os.write, []

    def write(fd, data):
        calls.append(len(data))
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        if len(calls) == 2:  # as bytes that the cache takes: they need no address or length
            fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_DIRECT)
            count = real(fd, bytes(data[:taken]))
            fcntl.fcntl(fd, fcntl.F_SETFL, flags)
            return count
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    backend = LocalBackend(tmp_path)
    backend.put("packs/x", BODY)
    assert backend.get("packs/x") == BODY


def test_another_fault_is_told_and_nothing_stays(tmp_path, monkeypatch):
    def write(fd, data):
        raise OSError(errno.ENOSPC, "no space left")

    backend = LocalBackend(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(BackendUnavailable) as caught:
            backend.put("packs/x", BODY)
    assert caught.value.kind == "disk-full"
    assert os.listdir(tmp_path / "packs") == []
    backend.put("packs/x", BODY)  # with the buffer that the failed write gave back
    assert backend.get("packs/x") == BODY


@pytest.mark.parametrize("start", [0, 4096, 4097])
def test_memory_that_begins_with_a_page_is_written_as_it_is(tmp_path, start):
    room = mmap.mmap(-1, len(BODY))
    room[:] = BODY
    backend = LocalBackend(tmp_path)
    backend.put("packs/x", memoryview(room)[start:])
    assert backend.get("packs/x") == BODY[start:]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_parent_and_child_do_not_share_what_they_write_from(tmp_path):
    backend = LocalBackend(tmp_path)
    backend.put("packs/before", BODY)  # leaves a buffer behind
    bodies = {name: bytes([number]) * (5 * MIB) for number, name in enumerate("pc")}
    child = os.fork()
    for number in range(30):
        name = "p" if child else "c"
        backend.put(f"packs/{name}{number}", bodies[name])
        if backend.get(f"packs/{name}{number}") != bodies[name]:
            os._exit(1) if not child else pytest.fail("mixed")
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert all(backend.get(f"packs/{n}{i}") == bodies[n] for n in "pc" for i in range(30))
