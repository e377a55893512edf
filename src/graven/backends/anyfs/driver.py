"""Any other fsspec filesystem: sftp, ftp, hdfs, http to read from, chains such as ``zip::``.

fsspec has no call that writes on a condition, so runs can be saved here and guarded refs
cannot be moved. Nothing is promised either about power cuts or about clocks.
"""

from __future__ import annotations

import builtins
import difflib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, unquote

from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # fsspec has no types
from fsspec.registry import (  # type: ignore[import-untyped]  # fsspec has no types
    available_protocols,
    get_filesystem_class,
)

from graven import clock, ids
from graven.backends.about_services import library
from graven.backends.anyfs.chains import scheme_of, without_caches
from graven.backends.anyfs.errors import Doing, translate
from graven.backends.anyfs.info import modified_ms, size_of
from graven.backends.base import TEMP_PREFIX, Capabilities, Data, Entry, is_key
from graven.backends.driver import (
    CONNECT_SECONDS,
    READ_SECONDS,
    About,
    Driver,
    Fetched,
    KeyMissing,
    Options,
    Transient,
)
from graven.backends.perprocess import PerProcess
from graven.backends.redaction import Redactor, public_url
from graven.errors import BackendUnavailable, InvalidInput

T = TypeVar("T")

# Writing does not come into question, or would damage what is there.
_READ_ONLY = frozenset(
    ["http", "https", "zip", "tar", "libarchive", "reference", "data", "git", "github", "gist"]
)
_HTTP = frozenset(["http", "https"])
# Real files: a body goes to a temporary name, and one rename shows it.
_RENAMING = frozenset(
    ["file", "local", "sftp", "ssh", "ftp", "smb", "hdfs", "arrow_hdfs", "webhdfs"]
)
# Their rename refuses a name that is taken (webhdfs without a word), so that one goes first.
_MOVES_ONTO_NOTHING = frozenset(["smb", "hdfs", "arrow_hdfs", "webhdfs"])
# An open file stays the body it was, also when another takes its name.
_HANDLES = frozenset(["file", "local", "sftp", "ssh"])
# All others that are not asynchronous have one connection, or one position in a file.
_TAKE_THREADS = frozenset(["file", "local"])
# Packages whose name is not that of the module that is missing.
_PACKAGES = {
    "smbclient": "smbprotocol",
    "libarchive": "libarchive-c",
    "fsspec_xrootd": "fsspec-xrootd",
    "lakefs_spec": "lakefs-spec",
}
# What tells two places of one URL apart.
_PLACE_OPTIONS = ("endpoint_url", "endpoint", "host", "port", "account_name", "username", "user")


def open_driver(url: str, storage_options: Options) -> Driver:
    """The driver for a URL of any scheme that fsspec knows. Nothing is asked of the place yet.

    Raises:
        InvalidInput: kinds ``unknown-scheme``, ``driver-missing`` and ``bad-url``.
    """
    return AnyDriver(url, storage_options)


@dataclass(frozen=True, slots=True)
class _Place:
    """A filesystem of this process, and what stands before each key."""

    fs: Any
    base: str
    lock: threading.Lock | None


class AnyDriver(Driver):
    """A folder of any fsspec filesystem.

    Bodies are written whole where the filesystem can rename, and by one call of its
    ``pipe_file`` elsewhere, which object stores make visible at once.
    """

    def __init__(self, url: str, options: Options) -> None:
        self._chain, self._options = without_caches(url, options)
        if not self._chain:
            raise InvalidInput(f"no place behind the cache: {url!r}", kind="bad-url")
        schemes = [scheme_of(link) or "file" for link in self._chain.split("::")]
        for scheme in schemes:
            _check_scheme(scheme, public_url(url))
        self._scheme = schemes[0]
        if schemes[-1] in _HTTP:
            alone, scheme = len(schemes) == 1, schemes[-1]
            limited = _limit_waits(self._options if alone else self._options.get(scheme, {}))
            self._options = limited if alone else {**self._options, scheme: limited}
        self._redactor = Redactor(url, options)
        self._here = PerProcess(self._open)
        self._made: set[str] = set()
        self.url = public_url(url)
        self.place = "|".join(
            [self.url, *(f"{name}={options[name]}" for name in _PLACE_OPTIONS if name in options)]
        )
        self.capabilities = Capabilities(
            create=False, swap=False, durable=False, trusted_clock=False
        )

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        data = self._do(lambda here: _read(here, self._path(here, key), here.fs.cat_file))
        return Fetched(data, "", len(data))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        if self._scheme in _HANDLES:
            return self._do(lambda here: _read_file(here, self._path(here, key), start, length))[0]
        return self._do(lambda here: self._span(here, key, start, length)).data

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`; two requests, since few of them know of tails."""
        if self._scheme in _HANDLES:
            data, size = self._do(
                lambda here: _read_file(here, self._path(here, key), None, length)
            )
            return Fetched(data, "", size)
        return self._do(lambda here: self._span(here, key, None, length))

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        if self._scheme in _READ_ONLY:
            self._refuse(key)
        self._do(lambda here: self._write(here, key, bytes(data)), "write")
        return ""

    def put_if_absent(self, key: str, data: Data) -> str:
        """Refused: fsspec has no such call that has one winner."""
        del data
        self._incapable(key)

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """Refused: fsspec has no such call."""
        del data, version
        self._incapable(key)

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        if self._scheme in _READ_ONLY:
            self._refuse(key)
        with suppress(KeyMissing):  # that it is gone is what was wanted
            self._do(lambda here: here.fs.rm_file(self._path(here, key)), "delete")

    def delete_if_version(self, key: str, version: str) -> None:
        """Refused: fsspec has no such call."""
        del version
        self._incapable(key)

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        return self._do(lambda here: self._entry(here, key))

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`; a request a folder."""
        del after
        folders = [prefix]
        while folders:
            folder = folders.pop()
            try:
                found = self._do(partial(self._look, folder=folder))
            except KeyMissing:
                continue  # a folder is there as long as a key lies under it
            for key, info in found:
                if info["type"] == "directory":
                    folders += [f"{key}/"] if deep else []
                elif info["type"] == "file":
                    yield from self._listed(key, info)

    def now_ms(self) -> int:
        """The clock of this machine: fsspec knows of no other, and none is declared."""
        return clock.wall_ms()

    def about(self) -> About:
        """See `Driver.about`."""
        login = bool({"username", "user", "password"} & self._options.keys())
        return About(
            service=f"{self._scheme} (fsspec)",
            library=library("fsspec"),
            credentials="login (storage options)" if login else "",
        )

    def close(self) -> None:
        """See `Driver.close`: connections end with the filesystem that holds them."""
        here = self._here.take()
        close = getattr(here.fs, "close", None) if here else None
        if close:
            close()

    # Within: each takes the place, and raises what the library raises.

    def _path(self, here: _Place, key: str) -> str:
        return here.base + (quote(key) if self._scheme in _HTTP else key)

    def _span(self, here: _Place, key: str, start: int | None, length: int) -> Fetched:
        """A range, or without ``start`` the tail, of a body whose size is asked first."""
        path = self._path(here, key)
        size = self._entry(here, key).size
        first = max(0, size - length) if start is None else start
        end = min(size, first + length)
        if first >= end:
            return Fetched(b"", "", size)
        data: bytes = here.fs.cat_file(path, start=first, end=end)
        if len(data) != end - first:
            if len(data) != size:
                raise Transient(f"{len(data)} bytes came where {end - first} were asked for")
            data = data[first:end]  # the server does not know ranges
        return Fetched(data, "", size)

    def _write(self, here: _Place, key: str, data: bytes) -> None:
        path = self._path(here, key)
        if self._scheme not in _RENAMING:
            here.fs.pipe_file(path, data)
            return
        folder, _, _ = path.rpartition("/")
        temporary = f"{folder}/{TEMP_PREFIX}{ids.random_bytes(8).hex()}"
        try:
            self._write_file(here, folder, temporary, data)
            self._rename(here, temporary, path)
        except BaseException:
            with suppress(OSError):  # the fault that brought us here is the one to tell
                here.fs.rm_file(temporary)
            raise

    def _write_file(self, here: _Place, folder: str, path: str, data: bytes) -> None:
        if folder not in self._made:
            here.fs.makedirs(folder, exist_ok=True)
            self._made.add(folder)
        try:
            here.fs.pipe_file(path, data)
        except FileNotFoundError:  # somebody has removed the folder since
            here.fs.makedirs(folder, exist_ok=True)
            here.fs.pipe_file(path, data)

    def _rename(self, here: _Place, source: str, target: str) -> None:
        if self._scheme in _MOVES_ONTO_NOTHING and here.fs.exists(target):
            here.fs.rm_file(target)
        if here.fs.isdir(target):  # some would move the file into it
            raise IsADirectoryError(target)
        here.fs.mv(source, target)

    def _entry(self, here: _Place, key: str) -> Entry:
        path = self._path(here, key)
        info = here.fs.info(path)
        if info["type"] != "file":
            raise KeyMissing(key)
        size = size_of(info)
        if size is None:
            size = len(here.fs.cat_file(path))
        return Entry(key, size, "", modified_ms(info))

    def _look(self, here: _Place, folder: str) -> builtins.list[tuple[str, dict[str, Any]]]:
        """What a folder (``packs/``) holds, as (key, what fsspec says of it)."""
        here.fs.invalidate_cache()
        path = self._path(here, folder)
        place = path if self._scheme in _HTTP else path.rstrip("/") or path
        out = []
        for info in here.fs.ls(place, detail=True):
            name = self._name(path, info["name"])
            if name and is_key(folder + name):
                out.append((folder + name, info))
        return out

    def _name(self, path: str, full: str) -> str:
        """The last part of a listed name; '' for what does not lie in the folder."""
        if self._scheme in _HTTP:
            inside = full.startswith(path)
            return unquote(full[len(path) :].rstrip("/")) if inside else ""
        # A file that is listed as if it were a folder shows itself.
        itself = full.strip("/") == path.strip("/")
        return "" if itself else full.rstrip("/").rpartition("/")[2]

    # Around them.

    def _listed(self, key: str, info: Mapping[str, Any]) -> Iterator[Entry]:
        size = size_of(info)
        if size is not None:
            yield Entry(key, size, "", modified_ms(info))
            return
        with suppress(KeyMissing):  # gone since it was listed
            yield self.head(key)

    def _open(self) -> _Place:
        fs, root = url_to_fs(self._chain, skip_instance_cache=True, **self._options)
        # Not every filesystem takes the argument for this.
        with suppress(AttributeError):  # nor has every one listings to keep
            fs.dircache.use_listings_cache = False
        base = root.rstrip("/") + "/" if root.strip("/") else fs.root_marker or root
        shared = getattr(fs, "async_impl", False) or self._scheme in _TAKE_THREADS
        return _Place(fs, base, None if shared else threading.Lock())

    def _do(self, call: Callable[[_Place], T], doing: Doing = "read") -> T:
        try:
            here = self._here.get()
            if here.lock is None:
                return call(here)
            with here.lock:
                return call(here)
        except (KeyMissing, Transient):
            raise
        except Exception as error:
            raise translate(error, self.url, self._redactor, doing) from error

    def _refuse(self, key: str) -> NoReturn:
        raise BackendUnavailable(
            f"cannot write {key!r}: {self.url} is read-only",
            kind="read-only",
            hint=f"{self._scheme} stores are to be read",
            key=key,
        )

    def _incapable(self, key: str) -> NoReturn:
        raise BackendUnavailable(
            f"cannot write {key!r} on a condition: fsspec has no such call for {self.url}",
            kind="no-swap",
            hint="keep the store on a local disk, S3, GCS or Azure to move guarded refs",
            key=key,
        )


def _check_scheme(scheme: str, url: str) -> None:
    try:
        get_filesystem_class(scheme)
    except ValueError:
        near = difflib.get_close_matches(scheme, sorted(available_protocols()), 3)
        raise InvalidInput(
            f"unknown scheme {scheme!r} in {url!r}",
            kind="unknown-scheme",
            hint=f"did you mean {' or '.join(near)}?" if near else None,
        ) from None
    except ImportError as error:
        package = _package(error, scheme)
        raise InvalidInput(
            f"what reads {scheme!r} is not installed: {package}",
            kind="driver-missing",
            hint=f"pip install {package}",
        ) from error


def _package(error: ImportError, scheme: str) -> str:
    """The package to install: fsspec's error is about its own module, its cause names ours."""
    cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
    module = (cause.name or "").partition(".")[0]
    return _PACKAGES.get(module, module) or f"the fsspec filesystem for {scheme}"


def _limit_waits(options: Mapping[str, Any]) -> dict[str, Any]:
    from aiohttp import ClientTimeout

    waits = ClientTimeout(sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    return {**options, "client_kwargs": {"timeout": waits, **options.get("client_kwargs", {})}}


def _read(here: _Place, path: str, read: Callable[[str], T]) -> T:
    try:
        return read(path)
    except OSError as error:
        # SFTP has no number for it, and servers have words of their own.
        if error.errno is None and here.fs.isdir(path):
            raise KeyMissing(path) from error
        raise


def _read_file(here: _Place, path: str, start: int | None, length: int) -> tuple[bytes, int]:
    """A range, or without ``start`` the tail, and the size of one body."""

    def read(path: str) -> tuple[bytes, int]:
        with here.fs.open(path, "rb") as file:
            size = file.seek(0, 2) or file.tell()
            file.seek(max(0, size - length) if start is None else start)
            return file.read(length), size

    return _read(here, path, read)
