import os
import socket
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from zipfile import ZipFile

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from graven.backends import open_backend
from graven.backends.anyfs import driver as anyfs
from graven.backends.anyfs.chains import without_caches
from graven.backends.base import TEMP_PREFIX
from graven.backends.local import LocalBackend
from graven.backends.remote import RemoteBackend
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.testing.suites import BackendSuite

ONCE = RetryPolicy(attempts=1, connects=1)


def open_at(url, **options):
    return RemoteBackend(anyfs.open_driver(url, options), ONCE)


class TestLocal(BackendSuite):
    rounds = 5

    def open(self, tmp_path):
        return open_at(f"local://{tmp_path}/store")

    def poke(self, backend, key, data):
        path = backend.url.removeprefix("local://") + "/" + key
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + "~", "wb") as file:
            file.write(data)
        os.replace(path + "~", path)

    def peek(self, backend, key):
        try:
            with open(backend.url.removeprefix("local://") + "/" + key, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None


class TestMemory(BackendSuite):
    rounds = 5

    @pytest.fixture(autouse=True)
    def _forget(self):
        yield
        MemoryFileSystem.store.clear()
        MemoryFileSystem.pseudo_dirs[:] = [""]

    def open(self, tmp_path):
        return open_at(f"memory://{tmp_path}")

    def poke(self, backend, key, data):
        MemoryFileSystem().pipe_file(backend.url.removeprefix("memory:/") + "/" + key, data)

    def peek(self, backend, key):
        try:
            return MemoryFileSystem().cat_file(backend.url.removeprefix("memory:/") + "/" + key)
        except FileNotFoundError:
            return None


def test_uploads_under_way_are_not_shown(tmp_path):
    backend = open_at(f"local://{tmp_path}")
    backend.put("packs/a", b"x")
    (tmp_path / "packs" / f"{TEMP_PREFIX}1").write_bytes(b"half")
    assert backend.names("packs") == ["a"]
    assert [entry.key for entry in backend.list("")] == ["packs/a"]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    backend = open_at(f"local://{tmp_path}")
    backend.put("packs/a/b", b"x")
    with pytest.raises(BackendUnavailable):
        backend.put("packs/a", b"a file where a folder is")
    assert [path.name for path in (tmp_path / "packs").iterdir()] == ["a"]
    with pytest.raises((BackendUnavailable, InvalidInput)):
        backend.put("packs/a/b/c", b"a folder where a file is")
    assert backend.get("packs/a/b") == b"x"


def test_caches_of_fsspec_are_left_out(tmp_path):
    backend = open_at(f"simplecache::local://{tmp_path}", simplecache={"cache_storage": "x"})
    backend.put("packs/a", b"one")
    assert backend.get("packs/a") == b"one"
    (tmp_path / "packs" / "a").write_bytes(b"two")
    assert backend.get("packs/a") == b"two"


def test_a_cache_before_a_place_leaves_that_place(tmp_path):
    backend = open_backend(
        f"simplecache::file://{tmp_path}", storage_options={"cache_storage": "x"}
    )
    assert isinstance(backend, LocalBackend)
    assert isinstance(open_backend(tmp_path / "a::b"), LocalBackend)
    options = {"cache_storage": "x", "s3": {"key": "k"}, "simplecache": {"same_names": True}}
    assert without_caches("simplecache::s3://b/a", options) == ("s3://b/a", {"key": "k"})
    assert without_caches("zip::filecache::s3://b/a", {"mode": "r", "s3": {}, "filecache": {}}) == (
        "zip::s3://b/a",
        {"mode": "r", "s3": {}},
    )
    with pytest.raises(InvalidInput):
        anyfs.open_driver("simplecache::", {})


def test_a_chain_is_opened(tmp_path):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("store/packs/a", b"x")
    backend = open_backend(f"zip://store::local://{tmp_path}/a.zip", readonly=True)
    assert backend.names("packs") == ["a"]
    backend.close()


def test_a_zip_in_a_chain_is_read(tmp_path):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("store/store.json", b"{}")
        archive.writestr("store/packs/0a.pack", b"0123456789")
    backend = open_at(f"zip://store::local://{tmp_path}/a.zip")
    assert backend.names("packs") == ["0a.pack"]
    assert [entry.key for entry in backend.list("")] == ["packs/0a.pack", "store.json"]
    assert backend.get_tail("packs/0a.pack", 3) == (b"789", 10)
    assert backend.get_range("packs/0a.pack", 2, 3) == b"234"
    with pytest.raises(NotFound):
        backend.get("packs/nothing")
    for write in (lambda: backend.put("a", b"x"), lambda: backend.delete("store.json")):
        with pytest.raises(BackendUnavailable) as caught:
            write()
        assert caught.value.kind == "read-only"


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Handler(*args, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_store_is_read_over_http(web, tmp_path):
    for key, body in (("packs/0a.pack", b"0123456789"), ("refs/m%61in ö.json", b"{}")):
        path = tmp_path / key
        path.parent.mkdir()
        path.write_bytes(body)
    backend = open_at(web)
    assert backend.names("packs") == ["0a.pack"]
    assert [(entry.key, entry.size) for entry in backend.list("")] == [
        ("packs/0a.pack", 10),
        ("refs/m%61in ö.json", 2),
    ]
    assert backend.get("refs/m%61in ö.json") == b"{}"
    # A server without ranges sends the whole.
    assert backend.get_range("packs/0a.pack", 2, 3) == b"234"
    assert backend.get_range("packs/0a.pack", 8, 30) == b"89"
    assert backend.get_tail("packs/0a.pack", 3) == (b"789", 10)
    with pytest.raises(NotFound):
        backend.get("packs/nothing")
    assert backend.names("nowhere") == []
    with pytest.raises(BackendUnavailable) as caught:
        backend.put("packs/b", b"x")
    assert caught.value.kind == "read-only"
    backend.close()


def test_nobody_at_home_is_said_in_a_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        backend = open_at(f"http://user:hush-hush@127.0.0.1:{taken.getsockname()[1]}/store")
        with pytest.raises(BackendUnavailable) as caught:
            backend.get("store.json")
        backend.close()
    assert caught.value.kind == "unreachable"
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value) + backend.url + backend.place


def test_unknown_schemes_are_named_with_near_ones():
    with pytest.raises(InvalidInput) as caught:
        open_at("sftpp://host/store")
    assert caught.value.kind == "unknown-scheme"
    assert "'sftpp'" in str(caught.value)
    assert "sftp" in caught.value.hint


def test_a_missing_library_is_named_as_pip_names_it():
    with pytest.raises(InvalidInput) as caught:
        open_at("wandb://host/store")
    assert caught.value.kind == "driver-missing"
    assert caught.value.hint == "pip install wandbfs"


def test_options_that_do_not_fit_are_bad_input(tmp_path):
    backend = open_at(f"zip::local://{tmp_path}/a.zip", zip={"mode": "sideways"})
    with pytest.raises(InvalidInput) as caught:
        backend.get("store.json")
    assert caught.value.kind == "bad-option"


def test_only_runs_can_be_saved(tmp_path):
    driver = anyfs.open_driver(f"local://{tmp_path}", {})
    for write in (
        lambda: driver.put_if_absent("a", b""),
        lambda: driver.put_if_version("a", b"", "1"),
        lambda: driver.delete_if_version("a", "1"),
    ):
        with pytest.raises(BackendUnavailable) as caught:
            write()
        assert caught.value.kind == "no-swap"
        assert caught.value.hint


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_makes_a_filesystem_of_its_own(web, tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    backend = open_at(web)
    assert backend.get("a") == b"x"
    child = os.fork()
    if child == 0:
        os._exit(0 if backend.get("a") == b"x" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend.get("a") == b"x"
    backend.close()
