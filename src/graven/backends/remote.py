"""A backend on a bucket: keys checked, requests sent again where that is right."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from graven.backends.base import (
    Backend,
    Data,
    Entry,
    check_folder,
    check_key,
    check_prefix,
    check_span,
    key_missing,
)
from graven.backends.driver import ConditionFailed, Driver, Fetched, KeyMissing
from graven.backends.parallel import run_all
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable

T = TypeVar("T")

CONCURRENCY = 32


class RemoteBackend(Backend):
    """A bucket behind a driver.

    Nothing of a listing is kept: every question about names is a request.

    Args:
        driver: sends the requests.
        retry: when to send again.
    """

    remote = True
    concurrency = CONCURRENCY
    writes_behind = 1

    def __init__(self, driver: Driver, retry: RetryPolicy | None = None) -> None:
        self.driver = driver
        self.url = driver.url
        self.place = driver.place
        self.capabilities = driver.capabilities
        self._retry = retry or RetryPolicy()

    def get(self, key: str) -> bytes:
        """See `Backend.get`."""
        return self._read(key, lambda: self.driver.get(key)).data

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Backend.get_range`."""
        check_span(start, length)
        if length == 0:
            self._read(key, lambda: self.driver.head(key))
            return b""
        return self._read(key, lambda: self.driver.get_range(key, start, length))

    def get_ranges(self, key: str, spans: Sequence[tuple[int, int]]) -> builtins.list[bytes]:
        """See `Backend.get_ranges`: neighbours share a request, and requests are sent at once."""
        check_key(key)
        for start, length in spans:
            check_span(start, length)
        return read_spans(self, key, spans)

    def get_tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Backend.get_tail`."""
        check_span(0, length)
        if length == 0:
            return b"", self._read(key, lambda: self.driver.head(key)).size
        found: Fetched = self._read(key, lambda: self.driver.get_tail(key, length))
        return found.data, found.size

    def get_with_version(self, key: str) -> tuple[bytes, str]:
        """See `Backend.get_with_version`."""
        found: Fetched = self._read(key, lambda: self.driver.get(key))
        return found.data, found.version

    def put(self, key: str, data: Data, *, durable: bool = True) -> None:
        """See `Backend.put`; a bucket acknowledges nothing that is not durable."""
        del durable
        check_key(key)
        self._try(lambda: self.driver.put(key, data))

    def put_if_absent(self, key: str, data: Data, *, durable: bool = True) -> str | None:
        """See `Backend.put_if_absent`."""
        del durable
        if not self.capabilities.create:
            raise self._incapable(key, "create only if absent", "no-create")
        return self._on_condition(key, lambda: self.driver.put_if_absent(key, data))

    def put_if_version(self, key: str, data: Data, version: str) -> str | None:
        """See `Backend.put_if_version`."""
        self._check_swap(key)
        return self._on_condition(key, lambda: self.driver.put_if_version(key, data, version))

    def delete(self, key: str) -> None:
        """See `Backend.delete`."""
        check_key(key)
        self._try(lambda: self.driver.delete(key))

    def delete_if_version(self, key: str, version: str) -> bool:
        """See `Backend.delete_if_version`."""
        self._check_swap(key)
        if not self.capabilities.swap_delete:
            raise self._incapable(key, "compare and delete", "no-swap")
        done = self._on_condition(
            key, lambda: (self.driver.delete_if_version(key, version), "gone")[1]
        )
        return done is not None

    def head(self, key: str) -> Entry | None:
        """See `Backend.head`."""
        try:
            return self._send(key, lambda: self.driver.head(key))
        except KeyMissing:
            return None
        except ConditionFailed as error:
            raise self._beside_the_point(error) from error

    def list(self, prefix: str) -> Iterator[Entry]:
        """See `Backend.list`."""
        folder = check_prefix(prefix)
        start = f"{folder}/" if folder else ""
        found = self._try(lambda: [*self.driver.list(start)])
        return iter(sorted(found, key=lambda entry: entry.key))

    def names(self, folder: str) -> builtins.list[str]:
        """See `Backend.names`."""
        return self._names(folder, "")

    def names_after(self, folder: str, after: str) -> builtins.list[str]:
        """See `Backend.names_after`."""
        return [name for name in self._names(folder, after) if name > after]

    def _names(self, folder: str, after: str) -> builtins.list[str]:
        folder = check_folder(folder)
        start = f"{folder}/" if folder else ""
        wanted = partial(self.driver.list, start, after=start + after if after else "", deep=False)
        found = self._try(lambda: [*wanted()])
        return [entry.key[len(start) :] for entry in found]

    def listing_token(self, folder: str) -> str | None:
        """See `Backend.listing_token`: a bucket has none."""
        check_folder(folder)
        return None

    def now_ms(self) -> int:
        """See `Backend.now_ms`."""
        return self._try(self.driver.now_ms)

    def heard_ms(self) -> int | None:
        """See `Backend.heard_ms`."""
        return self.driver.heard_ms()

    def keeps_versions(self) -> bool | None:
        """See `Driver.keeps_versions`."""
        return self._try(self.driver.keeps_versions)

    def close(self) -> None:
        """See `Backend.close`."""
        self.driver.close()

    def _try(self, send: Callable[[], T]) -> T:
        """Send what sets no condition, and what no missing key can stop."""
        try:
            return self._retry.run(send, self.url)
        except (KeyMissing, ConditionFailed) as error:
            raise self._beside_the_point(error) from error

    def _send(self, key: str, send: Callable[[], T]) -> T:
        check_key(key)
        return self._retry.run(send, self.url)

    def _beside_the_point(self, error: Exception) -> BackendUnavailable:
        told = "no such key" if isinstance(error, KeyMissing) else "a condition does not hold"
        return BackendUnavailable(
            f"{self.url} refused, for no reason that fits the request: {told}",
            kind="refused",
            hint="is it the service that is meant? 'graven doctor' looks at it",
            url=self.url,
        )

    def _read(self, key: str, send: Callable[[], T]) -> T:
        try:
            return self._send(key, send)
        except KeyMissing:
            raise key_missing(key, self.url) from None
        except ConditionFailed as error:
            raise self._beside_the_point(error) from error

    def _on_condition(self, key: str, send: Callable[[], str]) -> str | None:
        try:
            return self._send(key, send)
        except ConditionFailed:
            return None
        except KeyMissing as error:
            raise self._beside_the_point(error) from error

    def _check_swap(self, key: str) -> None:
        check_key(key)
        if not self.capabilities.swap:
            raise self._incapable(key, "compare and swap", "no-swap")

    def _incapable(self, key: str, what: str, kind: str) -> BackendUnavailable:
        check_key(key)
        return BackendUnavailable(
            f"{self.url} cannot {what}", kind=kind, hint="see 'graven doctor'", key=key
        )


GAP_BYTES = 64 * 1024
"""Ranges that lie nearer than this come in one request: a request costs more than the bytes."""
MAX_SPAN_BYTES = 8 * 1024 * 1024


def read_spans(backend: Backend, key: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Ranges of one body, neighbours joined, requests sent at once; in the order asked."""
    groups = join_spans(spans)
    bodies = run_all(
        backend, [partial(backend.get_range, key, start, length) for start, length, _ in groups]
    )
    out = [b""] * len(spans)
    for (first, _, members), body in zip(groups, bodies, strict=True):
        for number in members:
            start, length = spans[number]
            out[number] = body[start - first : start - first + length]
    return out


def join_spans(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int, list[int]]]:
    """Ranges that cover all spans: (start, length, numbers of the spans within)."""
    groups: list[tuple[int, int, list[int]]] = []
    for number in sorted(range(len(spans)), key=lambda n: spans[n]):
        start, length = spans[number]
        if groups:
            first, covered, members = groups[-1]
            end = max(first + covered, start + length)
            near = start - (first + covered) <= GAP_BYTES
            if near and end - first <= MAX_SPAN_BYTES:
                members.append(number)
                groups[-1] = (first, end - first, members)
                continue
        groups.append((start, length, [number]))
    return groups
