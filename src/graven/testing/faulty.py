"""Backends that fail on demand: errors, lost answers, and death at a given point."""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

from graven.backends.base import Backend, Data, Entry
from graven.backends.folders import Folder
from graven.backends.local import LocalBackend
from graven.errors import BackendUnavailable

When: TypeAlias = Literal["before", "after"]

WRITES = frozenset(["put", "put_if_absent", "put_if_version", "delete", "delete_if_version"])
"""The methods that change something."""

_T = TypeVar("_T")


class SimulatedCrash(BaseException):
    """The process died here. Not an `Exception`: no handler may go on as if it lived."""


def lost_answer() -> BackendUnavailable:
    """The error of a request that ran out of time, done or not."""
    return BackendUnavailable("no answer in time", kind="timeout")


@dataclass(slots=True)
class Fault:
    """What happens at one call.

    Attributes:
        error: makes what is raised.
        when: before the call (nothing happened) or after it (it happened, and nobody is told).
        countdown: matching calls until then, this one included; 0 when it is over.
        method: the only method that counts, or None for all.
    """

    error: Callable[[], BaseException]
    when: When
    countdown: int
    method: str | None


class FaultyBackend(Backend):
    """Hands every call on to ``inner``, counts it, and fails where told to.

    After a `SimulatedCrash` it is dead: each further call raises another, so that
    clean-up code cannot do what a dead process would not.

    Attributes:
        calls: (method, key) of every call so far, those that failed included.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.url = inner.url
        self.capabilities = inner.capabilities
        self.remote = inner.remote
        self.readonly = inner.readonly
        self.concurrency = inner.concurrency
        self.place = inner.place
        self.calls: builtins.list[tuple[str, str]] = []
        self._faults: builtins.list[Fault] = []
        self._dead = False
        self._lock = threading.Lock()

    def fail(
        self,
        nth: int = 1,
        *,
        method: str | None = None,
        when: When = "before",
        error: Callable[[], BaseException] = lost_answer,
    ) -> None:
        """Raise at the ``nth`` call from now (of ``method``, if given)."""
        self._faults.append(Fault(error, when, nth, method))

    def lose_answer(self, nth: int = 1, *, method: str | None = None) -> None:
        """Do the ``nth`` call, then say that there was no answer (kind ``timeout``)."""
        self.fail(nth, method=method, when="after")

    def crash(self, nth: int = 1, *, method: str | None = None, when: When = "before") -> None:
        """Die at the ``nth`` call from now."""
        self.fail(nth, method=method, when=when, error=SimulatedCrash)

    @property
    def writes(self) -> builtins.list[tuple[str, str]]:
        """The calls so far that change something."""
        return [call for call in self.calls if call[0] in WRITES]

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        return self._do("get", key, lambda: self.inner.get(key))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        return self._do("get_range", key, lambda: self.inner.get_range(key, start, length))

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """See `Backend.get_ranges`."""
        return self._do("get_ranges", key, lambda: self.inner.get_ranges(key, spans))

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        return self._do("get_tail", key, lambda: self.inner.get_tail(key, length))

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        return self._do("get_with_version", key, lambda: self.inner.get_with_version(key))

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """See `Backend.put`."""
        self._do("put", key, lambda: self.inner.put(key, data, durable=durable))

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """See `Backend.put_if_absent`."""
        return self._do(
            "put_if_absent", key, lambda: self.inner.put_if_absent(key, data, durable=durable)
        )

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """See `Backend.put_if_version`."""
        return self._do(
            "put_if_version", key, lambda: self.inner.put_if_version(key, data, version)
        )

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self._do("delete", key, lambda: self.inner.delete(key))

    def delete_if_version(self, key: str, version: str) -> bool:
        """See `Backend.delete_if_version`."""
        return self._do(
            "delete_if_version", key, lambda: self.inner.delete_if_version(key, version)
        )

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        return self._do("head", key, lambda: self.inner.head(key))

    def still_there(self, key: str) -> bool:
        """See `Backend.still_there`; not counted as a call."""
        return self.inner.still_there(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`; one call, however many keys."""
        return self._do("list", prefix, lambda: self.inner.list(prefix))

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        return self._do("names", folder, lambda: self.inner.names(folder))

    def names_after(self, folder: str, after: str) -> builtins.list[str]:
        """See `Backend.names_after`."""
        return self._do("names_after", folder, lambda: self.inner.names_after(folder, after))

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`."""
        return self._do("listing_token", folder, lambda: self.inner.listing_token(folder))

    def now_ms(self) -> int:
        """See `Backend.now_ms`; not counted, a bucket tells its time with every answer."""
        return self.inner.now_ms()

    def heard_ms(self) -> int | None:
        """See `Backend.heard_ms`."""
        return self.inner.heard_ms()

    def temporaries(self) -> builtins.list[tuple[str, int]]:
        """See `Backend.temporaries`; not counted."""
        return self.inner.temporaries()

    def remove_temporaries(self, older_than_ms: int) -> int:
        """See `Backend.remove_temporaries`; not counted."""
        return self.inner.remove_temporaries(older_than_ms)

    def close(self) -> None:
        """See `Backend.close`; not counted."""
        self.inner.close()

    def _do(self, method: str, key: str, call: Callable[[], _T]) -> _T:
        with self._lock:
            self.calls.append((method, key))
            due = self._due(method)
        self._raise(due, "before")
        result = call()
        self._raise(due, "after")
        return result

    def _due(self, method: str) -> builtins.list[Fault]:
        if self._dead:
            raise SimulatedCrash
        counted = [fault for fault in self._faults if fault.method in (None, method)]
        for fault in counted:
            fault.countdown -= 1
        self._faults = [fault for fault in self._faults if fault.countdown > 0]
        return [fault for fault in counted if fault.countdown == 0]

    def _raise(self, due: builtins.list[Fault], when: When) -> None:
        for fault in due:
            if fault.when == when:
                error = fault.error()
                self._dead = self._dead or isinstance(error, SimulatedCrash)
                raise error


class SteppingLocalBackend(LocalBackend):
    """A `LocalBackend` that can die between the steps of a write.

    Attributes:
        steps: the steps done so far (``write sync rename sync-folder``).
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        crash_after: int | None = None,
        fsync: bool = True,
    ) -> None:
        """Die right after step number ``crash_after``, counted from 1; None lives on."""
        super().__init__(root, fsync=fsync)
        self.steps: builtins.list[str] = []
        self._crash_after = crash_after

    @property
    def crashed(self) -> bool:
        """It died."""
        return self._crash_after is not None and len(self.steps) >= self._crash_after

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if self.crashed:
            raise SimulatedCrash

    def _discard(self, folder: Folder, temp: str) -> None:
        if not self.crashed:  # the dead clean nothing up
            super()._discard(folder, temp)
