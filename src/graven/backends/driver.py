"""The seam under `graven.backends.remote`: requests to one bucket, each sent once.

A driver translates. It knows one client library, sends the request that it is asked for,
and says in a word what came of it; it neither tries again nor checks keys, which
`RemoteBackend` does for all of them. Retries inside the client library are turned off:
whoever tries a conditional write again must know that he did.
"""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graven.backends.base import Capabilities, Data, Entry

CONNECT_SECONDS = 3.0
"""How long a driver waits for a connection."""
READ_SECONDS = 20.0
"""How long a driver waits for bytes of an answer."""

Options = Mapping[str, Any]
"""``storage_options`` as the users of the scheme's fsspec library know them."""


class Fetched(NamedTuple):
    """A body, or the end of one: ``size`` is that of the whole body, in bytes."""

    data: bytes
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class About:
    """What a person wants to know of the way to a place. No secrets.

    Attributes:
        service: what it is (``S3``, ``sftp``).
        library: the client library with its version (``s3fs 2026.2.0``).
        endpoint: the server's address.
        credentials: of what kind they are and where they were found.
        bucket: bucket or container; empty where there is no such thing.
        prefix: what every key begins with in there: empty, or with a closing ``/``.
        region: of the service, where it has any.
    """

    service: str
    library: str = ""
    endpoint: str = ""
    credentials: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = ""


class KeyMissing(Exception):
    """There is no such key."""


class ConditionFailed(Exception):
    """A conditional write was refused: the key is there, has moved on, or is gone."""


class Transient(Exception):
    """The request failed and may succeed when sent again.

    Args:
        message: what happened, for a person.
        unknown: True if the request may have been carried out all the same.
        unreachable: True if no connection came about at all.
        after: seconds to wait, where the server said so.
    """

    def __init__(
        self,
        message: str,
        *,
        unknown: bool = False,
        unreachable: bool = False,
        after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.unknown = unknown
        self.unreachable = unreachable
        self.after = after


class Driver(abc.ABC):
    """One prefix in one bucket. Safe to share between threads.

    Keys are relative to the prefix and have been checked. Every method raises `Transient`
    for what may pass, and `graven.errors.BackendUnavailable` for what will not: kinds
    ``denied`` (wrong key, no right), ``no-credentials``, ``bucket-missing``.

    Attributes:
        url: where it is, without secrets.
        place: tells the place from all others (the endpoint is part of it, no secret is).
        capabilities: what the service promises; a live server is asked by ``graven doctor``.
    """

    url: str
    place: str
    capabilities: Capabilities

    @abc.abstractmethod
    def get(self, key: str) -> Fetched:
        """The whole body. Raises `KeyMissing`."""

    @abc.abstractmethod
    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most ``length`` (> 0) bytes from ``start``; none behind the end.

        Raises `KeyMissing`.
        """

    @abc.abstractmethod
    def get_tail(self, key: str, length: int) -> Fetched:
        """The last ``length`` (> 0) bytes, or the whole of a shorter body. Raises `KeyMissing`."""

    @abc.abstractmethod
    def put(self, key: str, data: Data) -> str:
        """Write the body; returns its version (empty where the service names none)."""

    @abc.abstractmethod
    def put_if_absent(self, key: str, data: Data) -> str:
        """Write the body if there is none; returns its version. Raises `ConditionFailed`."""

    @abc.abstractmethod
    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """Replace the body if it is at ``version``.

        Raises `ConditionFailed`, also if it is gone.
        """

    @abc.abstractmethod
    def delete(self, key: str) -> None:
        """Remove the body; one that is not there is fine."""

    @abc.abstractmethod
    def delete_if_version(self, key: str, version: str) -> None:
        """Remove the body if it is at ``version``. Raises `ConditionFailed`, also if it is gone."""

    @abc.abstractmethod
    def head(self, key: str) -> Entry:
        """Size, version and time of a body. Raises `KeyMissing`."""

    @abc.abstractmethod
    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """Entries whose keys begin with ``prefix`` and sort behind ``after``, a page a request.

        ``deep`` False leaves out what lies in folders below. An entry's key is relative, as
        everywhere. In any order. ``after`` (a whole key) may be ignored: more is fine.
        """

    @abc.abstractmethod
    def now_ms(self) -> int:
        """The service's clock, milliseconds since 1970."""

    def heard_ms(self) -> int | None:
        """As `now_ms`, from answers that have come anyhow; None if none told the time."""
        return None

    def about(self) -> About:
        """How it gets there, for a person. May log in; asks nothing of the bucket."""
        return About(self.url.partition("://")[0])

    def keeps_versions(self) -> bool | None:
        """Whether the bucket keeps bodies that are replaced or deleted: one request.

        None where the service does not tell in one. Raises as every method does; that the
        question is denied is usual.
        """
        return None

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of connections. A second time is fine."""
