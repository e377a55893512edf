import itertools
import os
import threading
from pathlib import Path

import pytest

from graven.backends import open_backend
from graven.backends.memory import MemoryBackend, _Body, _spaces
from graven.backends.wrappers import ReadOnlyBackend
from graven.errors import BackendUnavailable, NotFound
from graven.testing.suites import BackendSuite

POKES = itertools.count()


class TestMemory(BackendSuite):
    def open(self, tmp_path):
        return MemoryBackend(str(tmp_path))

    def poke(self, backend, key, data):
        version = f"poked {next(POKES)}"
        _spaces[backend.url[9:]].bodies[key] = _Body(data, version, backend.now_ms())

    def peek(self, backend, key):
        body = _spaces[backend.url[9:]].bodies.get(key)
        return body and body.data


def test_names_share_and_the_empty_name_does_not():
    first, second = MemoryBackend("shared-here"), open_backend("memory://shared-here")
    first.put("a", b"x")
    assert second.get("a") == b"x"
    with pytest.raises(NotFound):
        MemoryBackend("other").get("a")
    private = MemoryBackend()
    private.put("a", b"x")
    with pytest.raises(NotFound):
        MemoryBackend().get("a")
    MemoryBackend.forget("shared-here")
    with pytest.raises(NotFound):
        MemoryBackend("shared-here").get("a")


def test_versions_never_come_back():
    backend = MemoryBackend()
    first = backend.put_if_absent("a", b"x")
    backend.delete("a")
    assert backend.put_if_absent("a", b"x") != first


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_inside_a_write_leaves_the_child_alive():
    backend = MemoryBackend("forked")
    backend.put("a", b"before")
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        with backend._space.lock:
            inside.set()
            go_on.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        backend.put("a", b"in the child")
        os._exit(0 if backend.get("a") == b"in the child" else 1)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend.get("a") == b"before"
    MemoryBackend.forget("forked")


def test_read_only_wrapper_reads_and_refuses():
    inner = MemoryBackend("ro")
    inner.put("packs/a", b"x")
    backend = open_backend("memory://ro", readonly=True)
    assert isinstance(backend, ReadOnlyBackend)
    assert backend.get("packs/a") == backend.get_range("packs/a", 0, 9) == b"x"
    assert backend.get_tail("packs/a", 1) == (b"x", 1)
    assert backend.get_with_version("packs/a") == inner.get_with_version("packs/a")
    assert list(backend.list("")) == [backend.head("packs/a")]
    assert backend.names("packs") == ["a"]
    assert backend.listing_token("packs") == inner.listing_token("packs")
    assert backend.temporaries() == []
    assert backend.now_ms() > 0
    assert not backend.capabilities.create
    assert not backend.capabilities.swap
    for write in (
        lambda: backend.put("a", b""),
        lambda: backend.put_if_absent("a", b""),
        lambda: backend.put_if_version("a", b"", "1"),
        lambda: backend.delete("packs/a"),
        lambda: backend.delete_if_version("packs/a", "1"),
        lambda: backend.remove_temporaries(0),
    ):
        with pytest.raises(BackendUnavailable) as caught:
            write()
        assert caught.value.kind == "read-only"
    assert inner.names("packs") == ["a"]
    backend.close()
    assert Path("ro").exists() is False
    MemoryBackend.forget("ro")
