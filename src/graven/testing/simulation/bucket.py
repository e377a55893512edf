"""A bucket in memory that tells what has landed in it, and one client's way to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from graven.backends.base import Capabilities, Data, Entry
from graven.backends.driver import ConditionFailed, Driver, Fetched, KeyMissing
from graven.backends.memory import MemoryBackend
from graven.backends.remote import RemoteBackend
from graven.backends.retrying import RetryPolicy
from graven.errors import NotFound

if TYPE_CHECKING:
    from graven.testing.simulation.clients import Client, Task

T = TypeVar("T")


class Write(NamedTuple):
    """Something that has changed in a bucket; ``data`` is None for a deletion.

    Attributes:
        step: the number of the request that did it.
        task: what it was sent for; it may have ended before.
    """

    step: int
    task: Task[Any] | None
    key: str
    data: bytes | None


class Bucket:
    """Keys and bodies, seen alike by all clients at once, but perhaps listed late.

    Attributes:
        storage: the bodies; whoever reads them here takes no part in the simulation.
        watchers: called with each `Write` at the moment at which it lands.
        lateness: for so many steps a new key may be missing from a listing, and be there
            in the one before. S3 and its like are never late today; others were.
        tells_time: its answers carry the time by its clock, which is right.
    """

    def __init__(
        self, name: str, dice: random.Random, *, lateness: int = 0, tells_time: bool = True
    ) -> None:
        self.storage = MemoryBackend()
        self.storage.url = f"sim://{name}"
        self.watchers: list[Callable[[Write], None]] = []
        self.lateness = lateness
        self.tells_time = tells_time
        self._dice = dice
        self._since: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Its name."""
        return self.storage.url

    def note(self, write: Write) -> None:
        """Tell the watchers of a change that has just happened."""
        if write.data is None:
            self._since.pop(write.key, None)
        else:
            self._since.setdefault(write.key, write.step)
        for watch in self.watchers:
            watch(write)

    def lists(self, key: str, step: int) -> bool:
        """True if a listing made now shows the key."""
        young = step - self._since.get(key, 0) < self.lateness
        return not young or self._dice.random() < 0.5


class Request(NamedTuple, Generic[T]):
    """One request: ``act`` carries it out; ``data`` is what a put writes."""

    client: Client
    bucket: Bucket
    method: str
    key: str
    act: Callable[[], T]
    data: bytes | None = None


class SimulatedDriver(Driver):
    """One client's way to one bucket: each request waits for the client's next turn."""

    def __init__(self, client: Client, bucket: Bucket) -> None:
        self.url = self.place = bucket.url
        self.capabilities = Capabilities(create=True, swap=True, durable=True, trusted_clock=True)
        self._client = client
        self._bucket = bucket
        self._storage = bucket.storage

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        return self._read("get", key, lambda: self._fetch(key))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        return self._read("get_range", key, lambda: self._storage.get_range(key, start, length))

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`."""
        return self._read("get_tail", key, lambda: self._fetch(key, length))

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""

        def look() -> Entry:
            entry = self._storage.head(key)
            if entry is None:
                raise KeyMissing(key)
            return entry

        return self._read("head", key, look)

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        body = bytes(data)
        self._send("put", key, lambda: self._storage.put(key, body), body)
        return ""

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        body = bytes(data)
        return self._send(
            "put_if_absent", key, lambda: _done(self._storage.put_if_absent(key, body)), body
        )

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        body = bytes(data)
        return self._send(
            "put_if_version",
            key,
            lambda: _done(self._storage.put_if_version(key, body, version)),
            body,
        )

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        self._send("delete", key, lambda: self._storage.delete(key))

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`."""
        self._send(
            "delete_if_version",
            key,
            lambda: _done(self._storage.delete_if_version(key, version) or None),
        )

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`; one request, however many keys."""

        def look() -> list[Entry]:
            step = self._client.simulation.step
            return [
                entry
                for entry in self._storage.list(prefix)
                if entry.key > after
                and (deep or "/" not in entry.key[len(prefix) :])
                and self._bucket.lists(entry.key, step)
            ]

        return iter(self._read("list", prefix, look))

    def now_ms(self) -> int:
        """See `Driver.now_ms`."""
        return self._read("now_ms", "", self._storage.now_ms)

    def heard_ms(self) -> int | None:
        """See `Driver.heard_ms`."""
        return self._client.simulation.true_ms() if self._bucket.tells_time else None

    def close(self) -> None:
        """See `Driver.close`."""

    def _fetch(self, key: str, length: int | None = None) -> Fetched:
        body, version = self._storage.get_with_version(key)
        return Fetched(body if length is None else body[-length:], version, len(body))

    def _read(self, method: str, key: str, act: Callable[[], T]) -> T:
        try:
            return self._send(method, key, act)
        except NotFound:
            raise KeyMissing(key) from None

    def _send(self, method: str, key: str, act: Callable[[], T], data: bytes | None = None) -> T:
        return self._client.send(Request(self._client, self._bucket, method, key, act, data))


class SimulatedBackend(RemoteBackend):
    """The backend of real buckets, its retries included, over a simulated one."""

    remote = True
    concurrency = 1  # a client is one thread: others would have neither its clock nor its turn
    writes_behind = 0

    def __init__(self, client: Client, bucket: Bucket, retry: RetryPolicy) -> None:
        super().__init__(SimulatedDriver(client, bucket), retry)


def _done(result: T | None) -> T:
    if result is None:
        raise ConditionFailed("the condition does not hold")
    return result
