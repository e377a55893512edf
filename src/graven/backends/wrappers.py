"""Backends around other backends."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from typing import NoReturn

from graven.backends.base import Backend, Capabilities, Data, Entry, check_key
from graven.errors import BackendUnavailable


class ReadOnlyBackend(Backend):
    """Hands reads on and refuses every write (kind ``read-only``)."""

    readonly = True

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.url = inner.url
        self.remote = inner.remote
        self.concurrency = inner.concurrency
        self.writes_behind = inner.writes_behind
        self.place = inner.place
        had = inner.capabilities
        self.capabilities = Capabilities(
            create=False, swap=False, durable=had.durable, trusted_clock=had.trusted_clock
        )

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        return self.inner.get(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        return self.inner.get_range(key, start, length)

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """See `Backend.get_ranges`."""
        return self.inner.get_ranges(key, spans)

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        return self.inner.get_tail(key, length)

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        return self.inner.get_with_version(key)

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """Refused."""
        self._refuse(key)

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """Refused."""
        self._refuse(key)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """Refused."""
        self._refuse(key)

    def delete(self, key: str) -> None:
        """Refused."""
        self._refuse(key)

    def delete_if_version(self, key: str, version: str) -> bool:
        """Refused."""
        self._refuse(key)

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        return self.inner.head(key)

    def still_there(self, key: str) -> bool:
        """See `Backend.still_there`."""
        return self.inner.still_there(key)

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        return self.inner.list(prefix)

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        return self.inner.names(folder)

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
        """See `Backend.heard_ms`."""
        return self.inner.heard_ms()

    def temporaries(self) -> builtins.list[tuple[str, int]]:
        """See `Backend.temporaries`."""
        return self.inner.temporaries()

    def remove_temporaries(self, older_than_ms: int) -> int:
        """Refused."""
        self._refuse("")

    def close(self) -> None:
        """See `Backend.close`."""
        self.inner.close()

    def _refuse(self, key: str) -> NoReturn:
        if key:
            check_key(key)
        raise BackendUnavailable(
            f"opened read-only: {key!r} in {self.url}",
            kind="read-only",
            hint="open the store for writing",
            key=key,
        )
