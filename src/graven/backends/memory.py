"""A backend in the memory of one process, shared by name. For tests and scratch stores."""

from __future__ import annotations

import builtins
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from graven import clock
from graven.backends.base import (
    Backend,
    Capabilities,
    Data,
    Entry,
    check_folder,
    check_key,
    check_prefix,
    check_span,
    key_missing,
)


@dataclass(slots=True)
class _Body:
    data: bytes
    version: str
    modified_ms: int


@dataclass(slots=True)
class _Space:
    lock: threading.Lock = field(default_factory=threading.Lock)
    bodies: dict[str, _Body] = field(default_factory=dict)
    writes: int = 0
    changes: Counter[str] = field(default_factory=Counter)  # of the names in each folder


_spaces: dict[str, _Space] = {}
_spaces_lock = threading.Lock()


def _renew_locks() -> None:
    # A lock that another thread held at the fork would stay shut in the child.
    global _spaces_lock  # noqa: PLW0603  the child gets a fresh lock under the same name
    _spaces_lock = threading.Lock()
    for space in _spaces.values():
        space.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


class MemoryBackend(Backend):
    """Keys in a dict.

    All backends of one name in a process see the same keys; a forked child goes
    on with a copy of its own. Versions are numbers that never come back.

    Args:
        name: what to share; empty for one that nobody else sees.
    """

    def __init__(self, name: str = "") -> None:
        self.url = f"memory://{name}"
        self.capabilities = Capabilities(create=True, swap=True, durable=False, trusted_clock=True)
        if name:
            with _spaces_lock:
                self._space = _spaces.setdefault(name, _Space())
        else:
            self._space = _Space()

    @staticmethod
    def forget(name: str) -> None:
        """Let go of what is stored under ``name``; backends that are open keep theirs."""
        with _spaces_lock:
            _spaces.pop(name, None)

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        return self._find(key).data

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        check_span(start, length)
        return self._find(key).data[start : start + length]

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        check_span(0, length)
        data = self._find(key).data
        return data[max(0, len(data) - length) :], len(data)

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        body = self._find(key)
        return body.data, body.version

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """See `Backend.put`; ``durable`` means nothing here."""
        del durable
        check_key(key)
        copy = bytes(data)
        with self._space.lock:
            self._store(key, copy)

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """See `Backend.put_if_absent`."""
        del durable
        check_key(key)
        copy = bytes(data)
        with self._space.lock:
            return None if key in self._space.bodies else self._store(key, copy)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """See `Backend.put_if_version`."""
        check_key(key)
        copy = bytes(data)
        with self._space.lock:
            body = self._space.bodies.get(key)
            if body is None or body.version != version:
                return None
            return self._store(key, copy)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        check_key(key)
        with self._space.lock:
            self._remove(key)

    def delete_if_version(self, key: str, version: str) -> bool:
        """See `Backend.delete_if_version`."""
        check_key(key)
        with self._space.lock:
            body = self._space.bodies.get(key)
            if body is None or body.version != version:
                return False
            self._remove(key)
            return True

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        body = self._space.bodies.get(check_key(key))
        return None if body is None else _entry(key, body)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        folder = check_prefix(prefix)
        start = f"{folder}/" if folder else ""
        with self._space.lock:
            found = [pair for pair in self._space.bodies.items() if pair[0].startswith(start)]
        found.sort(key=lambda pair: pair[0])
        return (_entry(key, body) for key, body in found)

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        folder = check_folder(folder)
        with self._space.lock:
            keys = list(self._space.bodies)
        pairs = (_split(key) for key in keys)
        return [name for parent, name in pairs if parent == folder]

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`."""
        return str(self._space.changes[check_folder(folder)])

    def now_ms(self) -> int:
        """See `Backend.now_ms`."""
        return clock.wall_ms()

    def close(self) -> None:
        """See `Backend.close`; the keys stay for others of the same name."""

    def _find(self, key: str) -> _Body:
        body = self._space.bodies.get(check_key(key))
        if body is None:
            raise key_missing(key, self.url)
        return body

    def _store(self, key: str, data: bytes) -> str:
        space = self._space
        space.writes += 1
        if key not in space.bodies:
            space.changes[_split(key)[0]] += 1
        # A new body, not a changed one: readers hold the old without a lock.
        space.bodies[key] = _Body(data, str(space.writes), clock.wall_ms())
        return str(space.writes)

    def _remove(self, key: str) -> None:
        if self._space.bodies.pop(key, None) is not None:
            self._space.changes[_split(key)[0]] += 1


def _split(key: str) -> tuple[str, str]:
    folder, _, name = key.rpartition("/")
    return folder, name


def _entry(key: str, body: _Body) -> Entry:
    return Entry(key, len(body.data), body.version, body.modified_ms)
