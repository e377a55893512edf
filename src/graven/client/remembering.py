"""Backends around a remote one: one that remembers its small files, one with no network."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NoReturn

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
from graven.backends.parallel import run_all
from graven.client.memo import Memo, is_memorable
from graven.errors import BackendUnavailable, NotFound

CLOCK_SECONDS = 24 * 3600.0
CLOCK_CHANGE_MS = 10_000
_CLOCK = "clock"  # no key of a store


def _number(data: bytes | None) -> int:
    try:
        return int(data or b"0")
    except ValueError:  # damaged: as if the clocks were equal
        return 0


class RememberingBackend(Backend):
    """Hands every call on; what it sees of baselines, tags and settings goes into a memo."""

    def __init__(self, inner: Backend, memo: Memo) -> None:
        self.inner = inner
        self.memo = memo
        self.url = inner.url
        self.place = inner.place
        self.capabilities = inner.capabilities
        self.concurrency = inner.concurrency
        self.writes_behind = inner.writes_behind
        self.remote = inner.remote
        self.readonly = inner.readonly

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        if is_memorable(key):
            return self.get_with_version(key)[0]
        return self.inner.get(key)

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        if not is_memorable(key):
            return self.inner.get_with_version(key)
        try:
            data, version = self.inner.get_with_version(key)
        except NotFound:
            self.memo.keep(key, None, "")
            raise
        self.memo.keep(key, data, version)
        return data, version

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        found = self.inner.names(folder)
        if is_memorable(folder.rstrip("/") + "/"):
            self.memo.keep_names(folder.rstrip("/"), found)
        return found

    def bodies(self, folder: str) -> dict[str, bytes]:
        """See `Backend.bodies`: one listing, and what has not been seen in the version it shows."""
        bare = folder.rstrip("/")
        keys = {e.key[len(bare) + 1 :]: e for e in self.inner.list(f"{bare}/")}
        entries = {name: entry for name, entry in keys.items() if "/" not in name}
        if is_memorable(f"{bare}/"):
            self.memo.keep_names(bare, [*entries])
        found = run_all(self, [partial(self.get_listed, entry) for entry in entries.values()])
        return {name: body for name, body in zip(entries, found, strict=True) if body is not None}

    def get_listed(self, entry: Entry) -> bytes | None:
        """The body of an entry of a new listing; None if it is gone since."""
        seen = self.memo.recall(entry.key) if entry.version else None
        if seen is not None and seen.data is not None and seen.version == entry.version:
            return seen.data
        try:
            return self.get_with_version(entry.key)[0]
        except NotFound:
            return None

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """See `Backend.put_if_absent`."""
        return self._kept(key, data, self.inner.put_if_absent(key, data, durable=durable))

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """See `Backend.put_if_version`."""
        return self._kept(key, data, self.inner.put_if_version(key, data, version))

    def _kept(self, key: str, data: Data, version: str | None) -> str | None:
        if version is not None and is_memorable(key):
            self.memo.keep(key, bytes(data), version)
        return version

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        return self.inner.get_range(key, start, length)

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """See `Backend.get_ranges`."""
        return self.inner.get_ranges(key, spans)

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        return self.inner.get_tail(key, length)

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """See `Backend.put`."""
        self.inner.put(key, data, durable=durable)

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        self.inner.delete(key)

    def delete_if_version(self, key: str, version: str) -> bool:
        """See `Backend.delete_if_version`."""
        return self.inner.delete_if_version(key, version)

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        return self.inner.head(key)

    def still_there(self, key: str) -> bool:
        """See `Backend.still_there`."""
        return self.inner.still_there(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return self.inner.list(prefix)

    def names_after(self, folder: str, after: str) -> builtins.list[str]:
        """See `Backend.names_after`."""
        return self.inner.names_after(folder, after)

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`."""
        return self.inner.listing_token(folder)

    def now_ms(self) -> int:
        """See `Backend.now_ms`."""
        return self.inner.now_ms()

    def heard_ms(self) -> int | None:
        """See `Backend.heard_ms`; where no answer told the time, what one of a day ago told.

        The difference of the two clocks is what is remembered.
        """
        heard = self.inner.heard_ms()
        seen = self.memo.recall(_CLOCK)
        recent = seen is not None and 0 <= seen.age < CLOCK_SECONDS
        if heard is not None:
            ahead = clock.wall_ms() - heard
            if not recent or seen is None or abs(ahead - _number(seen.data)) > CLOCK_CHANGE_MS:
                self.memo.keep(_CLOCK, b"%d" % ahead, "")
            return heard
        return clock.wall_ms() - _number(seen.data) if recent and seen is not None else None

    def close(self) -> None:
        """See `Backend.close`."""
        self.inner.close()


class OfflineBackend(Backend):
    """Answers from the memo alone; all else is refused (kind ``offline``)."""

    remote = True

    def __init__(self, url: str, place: str, memo: Memo) -> None:
        self.url = url
        self.place = place
        self.memo = memo
        # As if it could write: who tries is told that it is offline, not that it cannot.
        self.capabilities = Capabilities(create=True, swap=True, durable=False, trusted_clock=False)

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        return self.get_with_version(key)[0]

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        seen = self.memo.recall(check_key(key)) if is_memorable(key) else None
        if seen is None:
            self._refuse(key)
        if seen.data is None:
            raise key_missing(key, self.url)
        return seen.data, seen.version

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        check_span(start, length)
        return self.get(key)[start : start + length]

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        check_span(0, length)
        data = self.get(key)
        return data[max(0, len(data) - length) :], len(data)

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """Refused."""
        self._refuse_write(key)

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """Refused."""
        self._refuse_write(key)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """Refused."""
        self._refuse_write(key)

    def delete(self, key: str) -> None:
        """Refused."""
        self._refuse_write(key)

    def delete_if_version(self, key: str, version: str) -> bool:
        """Refused."""
        self._refuse_write(key)

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        try:
            data, version = self.get_with_version(key)
        except NotFound:
            return None
        return Entry(key, len(data), version, 0)

    def list(self, prefix: str) -> Iterator[Entry]:
        """Refused: nobody keeps whole listings."""
        self._refuse(check_prefix(prefix) or "")

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`; empty where nobody has looked."""
        return self.memo.recall_names(check_folder(folder))

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`."""
        check_folder(folder)
        return None

    def now_ms(self) -> int:
        """The clock of this machine."""
        return clock.wall_ms()

    def close(self) -> None:
        """See `Backend.close`."""

    def _refuse_write(self, key: str) -> NoReturn:
        raise BackendUnavailable(
            f"offline nothing is written: {key!r} of {self.url}",
            kind="offline",
            hint="leave --offline and GRAVEN_OFFLINE away",
            key=key,
            url=self.url,
        )

    def _refuse(self, key: str) -> NoReturn:
        raise BackendUnavailable(
            f"{key!r} of {self.url} is not kept on this machine",
            kind="offline",
            hint="ask again without --offline",
            key=key,
            url=self.url,
        )
