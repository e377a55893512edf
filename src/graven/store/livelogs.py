"""Logs that are written while a run goes on: a file on this machine until they are closed.

A log lies in the user's state folder, ``logs/<place>-<store id>/<hash of run and name>/``:
``about.json`` says whose it is and is locked by its writer, ``log`` is what is appended to.
A lock goes with the process, so that a log without one has lost its writer.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self

from graven import clock, userdirs
from graven.backends import locks
from graven.errors import BackendUnavailable, Conflict, Corrupt, GravenError, InvalidInput, NotFound
from graven.ids import hash_bytes, parse_object_id
from graven.store.attachment_names import under

if TYPE_CHECKING:
    from graven.store.attaching import AttachingStore
    from graven.store.attachments import Attachment

MEDIA_TYPE = "text/plain"
FOLLOW_SECONDS = 0.2
_ABOUT = "about.json"
_LOG = "log"
_NAME_HEX = 32
_READ_BYTES = 1024 * 1024
_ATTEMPTS = 5
_RETRY_SECONDS = 0.02


class RecoveredLog(NamedTuple):
    """A log whose writer died: ``error`` says why it could not be kept, None if it was."""

    run_id: str
    name: str
    path: str
    error: GravenError | None


class _About(NamedTuple):
    run_id: str
    name: str


class LiveLog:
    """A log that is being written; made by `Store.live_log`.

    Attributes:
        path: of the file, to be appended to by whoever likes; it goes when the log is closed.
        run_id, name: where it will be kept.
    """

    def __init__(self, store: AttachingStore, run_id: str, name: str, folder: str, lock: int):
        self._store = store
        self._folder = folder
        self._lock: int | None = lock
        self.run_id = run_id
        self.name = name
        self.path = os.path.join(folder, _LOG)
        # Unbuffered and appending: lines of several writers stay whole, and are seen at once.
        self._out = open(self.path, "ab", buffering=0)  # noqa: SIM115  closed by close()

    def write(self, text: str | bytes) -> int:
        """Append text; it is in the file on return. Returns the number of bytes."""
        if self._out.closed:
            raise InvalidInput(
                f"log {self.name!r} is closed: what is written now would never be kept",
                kind="log-closed",
            )
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        rest = memoryview(data)
        while rest:
            rest = rest[self._out.write(rest) or 0 :]
        return len(data)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        """Append several texts, as they are."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """There for what writes to files: nothing is ever held back."""

    def close(self) -> Attachment | None:
        """Keep the log in the store and remove the file; None if it was closed before.

        Raises:
            NotFound: the run was deleted. BackendUnavailable: the store cannot be reached.
                The file stays, and `Store.recover_logs` tries again.
        """
        if self._lock is None:
            return None
        self._out.close()
        lock, self._lock = self._lock, None
        try:
            kept = _keep(self._store, _About(self.run_id, self.name), self._folder)
        finally:
            os.close(lock)  # and with it the lock, on a folder that is gone or left to recover
        return kept

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def begin_log(store: AttachingStore, run_id: str, name: str, *, append: bool) -> LiveLog:
    """See `graven.store.attaching.AttachingStore.live_log`."""
    name = under("logs", name)
    if store.readonly:
        raise BackendUnavailable(f"store {store.url} was opened read-only", kind="read-only")
    recover_logs(store)
    folder = os.path.join(_place_of(store), _key(run_id, name))
    lock = _lock_new(folder)
    if lock is None:
        raise Conflict(
            f"log {name!r} of run {run_id} is being written already",
            kind="log-open",
            hint="close it first, or use another name",
            run=run_id,
            name=name,
        )
    try:
        _write_about(folder, _About(run_id, name))
        with open(os.path.join(folder, _LOG), "wb") as out:
            if append:
                _copy_stored(store, run_id, name, out)
        return LiveLog(store, run_id, name, folder, lock)
    except BaseException:
        os.close(lock)
        raise


def _copy_stored(store: AttachingStore, run_id: str, name: str, out: BinaryIO) -> None:
    from graven.store.contents import open_object

    with suppress(NotFound):  # then it is a new log
        stored = store.attachment(run_id, name)
        with open_object(store, parse_object_id(stored.object_id), None, name) as before:
            shutil.copyfileobj(before, out, _READ_BYTES)


def recover_logs(store: AttachingStore) -> list[RecoveredLog]:
    """See `graven.store.attaching.AttachingStore.recover_logs`."""
    if store.readonly or not locks.available():  # nobody can tell whether a writer lives
        return []
    found = []
    for folder in _folders(store):
        lock = _lock(folder, make=False)
        if lock is None:
            continue
        try:
            about = _read_about(folder)
            if about is None:  # its writer died before it wrote a byte
                shutil.rmtree(folder, ignore_errors=True)
                continue
            error = None
            try:
                _keep(store, about, folder)
            except (GravenError, OSError) as fault:
                error = _told(fault)
            found.append(RecoveredLog(*about, os.path.join(folder, _LOG), error))
        finally:
            os.close(lock)
    return found


def left_logs(store: AttachingStore) -> list[RecoveredLog]:
    """Logs whose writers died, as they lie there; ``error`` is None."""
    found = []
    for folder in _folders(store) if locks.available() else ():
        lock = _lock(folder, make=False)
        if lock is None:
            continue
        os.close(lock)
        about = _read_about(folder)
        if about is not None:
            found.append(RecoveredLog(*about, os.path.join(folder, _LOG), None))
    return found


def open_live(store: AttachingStore, run_id: str, name: str) -> BinaryIO | None:
    """A log as it is now on this machine; None if it is not being written here."""
    if not name.startswith("logs/"):
        return None
    path = os.path.join(_place_of(store), _key(run_id, name), _LOG)
    try:
        return open(path, "rb")
    except FileNotFoundError:
        return None


def follow_log(store: AttachingStore, run_id: str, name: str) -> Iterator[bytes]:
    """See `graven.store.attaching.AttachingStore.follow_log`."""
    name = under("logs", name)
    content = open_live(store, run_id, name)
    if content is None:
        with store.open_attachment(run_id, name) as kept:
            while piece := kept.read(_READ_BYTES):
                yield piece
        return
    folder = os.path.join(_place_of(store), _key(run_id, name))
    with content:
        while True:
            written = _is_written(folder)  # asked first: what came before the end is read below
            while piece := content.read(_READ_BYTES):
                yield piece
            if not written:
                return
            clock.sleep(FOLLOW_SECONDS)


def _keep(store: AttachingStore, about: _About, folder: str) -> Attachment:
    """Attach a log, then remove its file: whoever dies in between attaches it again."""
    path = os.path.join(folder, _LOG)
    try:
        with open(path, "rb") as content:
            # A child that still appends must not stop it: what is there now is what is kept.
            kept = store.attach(about.run_id, about.name, _Snapshot(content), media_type=MEDIA_TYPE)
    except FileNotFoundError as error:
        if isinstance(error, GravenError):
            raise
        raise NotFound(f"the log {path} is gone", kind="file-missing", file=path) from error
    shutil.rmtree(folder, ignore_errors=True)
    return kept


class _Snapshot:
    """The first so many bytes of a file that may grow."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._left = os.fstat(content.fileno()).st_size

    def read(self, size: int = -1, /) -> bytes:
        piece = self._content.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece


def _place_of(store: AttachingStore) -> str:
    from graven.client.folder import place_name

    backend = store.parts.backend
    root = getattr(backend, "root", None)
    place = os.path.realpath(str(root)) if root else backend.place or backend.url
    return os.path.join(userdirs.state_dir(), "logs", f"{place_name(place)}-{store.store_id}")


def _key(run_id: str, name: str) -> str:
    return hash_bytes(f"{run_id}\0{name}".encode()).hex()[:_NAME_HEX]


def _folders(store: AttachingStore) -> list[str]:
    place = _place_of(store)
    try:
        return sorted(os.path.join(place, name) for name in os.listdir(place))
    except FileNotFoundError:  # no log was ever begun
        return []


def _is_written(folder: str) -> bool:
    lock = _lock(folder, make=False)
    if lock is not None:
        os.close(lock)
        return False
    return os.path.exists(folder)


def _lock_new(folder: str) -> int | None:
    """The lock of a log that begins; None if somebody is writing it."""
    for _ in range(_ATTEMPTS):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):  # recovered, and so removed, in between
            lock = _lock(folder)
            if lock is not None:
                return lock
        clock.sleep(_RETRY_SECONDS)  # who follows a log tries its lock for a moment
    return None


def _lock(folder: str, *, make: bool = True) -> int | None:
    """A handle that holds the log's lock; None if another has it, or the log is gone."""
    path = os.path.join(folder, _ABOUT)
    try:
        handle = os.open(path, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
    except OSError:  # gone, or somebody else's folder
        if make:
            raise
        return None
    if locks.try_flock(handle) and _still_at(handle, path):
        return handle
    os.close(handle)
    return None


def _still_at(handle: int, path: str) -> bool:
    """False if it was recovered, and so removed, between opening and locking."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def _write_about(folder: str, about: _About) -> None:
    # In place, since the lock is on this very file; half of it counts as none.
    with open(os.path.join(folder, _ABOUT), "r+", encoding="utf-8") as out:
        json.dump({"run": about.run_id, "name": about.name}, out)
        out.truncate()


def _read_about(folder: str) -> _About | None:
    try:
        with open(os.path.join(folder, _ABOUT), encoding="utf-8") as source:
            said = json.load(source)
        return _About(str(said["run"]), str(said["name"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _told(fault: GravenError | OSError) -> GravenError:
    if isinstance(fault, GravenError):
        return fault
    return Corrupt(f"the log cannot be read: {fault.strerror}", kind="io-error")
