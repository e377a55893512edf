"""A service that declares conditions and does not keep them all, as some servers do."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from graven.backends.base import Capabilities, Data, Entry
from graven.backends.memory import MemoryBackend
from graven.errors import NotFound


class CarelessBackend(MemoryBackend):
    """A remote place in memory that answers yes where it should refuse.

    Args:
        name: see `MemoryBackend`.
        ignores: which conditions are not kept: ``create`` (of a name that is taken),
            ``create-over-empty``, ``swap``, ``swap-of-a-missing-key``, ``delete``; or what
            else goes wrong: ``listing`` (a new key is never listed), ``overwrite`` (the first
            body is read for ever), ``clock`` (an hour and a half behind).
        remote: how it presents itself.
        capabilities: what it declares, if not all.
    """

    def __init__(
        self,
        name: str = "",
        *,
        ignores: frozenset[str] = frozenset(),
        remote: bool = True,
        capabilities: Capabilities | None = None,
    ) -> None:
        super().__init__(name)
        self.ignores = ignores
        self.remote = remote
        self.place = self.url = f"careless://{name}"
        self.capabilities = capabilities or self.capabilities
        self._firsts: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        """The body, or the one it had first."""
        return self.get_with_version(key)[0]

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """The body, or the one it had first."""
        data, version = super().get_with_version(key)
        if "overwrite" in self.ignores:
            data = self._firsts.setdefault(key, data)
        return data, version

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """Create, or replace where that is not minded."""
        if "create" in self.ignores:
            return self._replace(key, data)
        if "create-over-empty" in self.ignores and self._has(key, b""):
            return self._replace(key, data)
        return super().put_if_absent(key, data, durable=durable)

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """Swap, or replace where that is not minded."""
        there = self.head(key) is not None
        if ("swap" if there else "swap-of-a-missing-key") in self.ignores:
            return self._replace(key, data)
        return super().put_if_version(key, data, version)

    def delete_if_version(self, key: str, version: str) -> bool:
        """Delete, whatever the version where that is not minded."""
        if "delete" not in self.ignores:
            return super().delete_if_version(key, version)
        self.delete(key)
        return True

    def list(self, prefix: str) -> Iterator[Entry]:
        """All keys, or none."""
        return iter(()) if "listing" in self.ignores else super().list(prefix)

    def names(self, folder: str) -> builtins.list[str]:
        """All names, or none."""
        return [] if "listing" in self.ignores else super().names(folder)

    def now_ms(self) -> int:
        """The time, or what was the time once."""
        return super().now_ms() - (5_400_000 if "clock" in self.ignores else 0)

    def _replace(self, key: str, data: Data) -> str:
        self.put(key, data)
        return self.get_with_version(key)[1]

    def _has(self, key: str, data: bytes) -> bool:
        try:
            return self.get(key) == data
        except NotFound:
            return False
