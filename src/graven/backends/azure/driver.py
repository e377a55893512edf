"""The driver for Azure Blob Storage: adlfs finds the login, Azure's client sends the requests.

What adlfs itself sends would be sent again on its own terms. The versions are ETags, which
are new with every write.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from adlfs import AzureBlobFileSystem  # type: ignore[import-untyped]  # adlfs has no types
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobPrefix
from azure.storage.blob.aio import BlobServiceClient
from fsspec.asyn import sync  # type: ignore[import-untyped]  # fsspec has no types
from fsspec.exceptions import FSTimeoutError  # type: ignore[import-untyped]  # as above

from graven.backends.about_services import azure_credentials, library
from graven.backends.azure.errors import LOGIN_HINT, container_missing, not_azure, translate
from graven.backends.azure.place import AzurePlace
from graven.backends.base import Capabilities, Data, Entry, is_key
from graven.backends.driver import (
    CONNECT_SECONDS,
    READ_SECONDS,
    About,
    ConditionFailed,
    Driver,
    Fetched,
    KeyMissing,
    Options,
    Transient,
)
from graven.backends.perprocess import PerProcess
from graven.backends.redaction import Redactor, public_url
from graven.backends.server_clock import ServerClock
from graven.errors import BackendUnavailable, InvalidInput

T = TypeVar("T")

PAGE = 5000  # the most that Azure sends
SINGLE_PUT_BYTES = 256 * 1024 * 1024  # in one request, and so with one condition
SINGLE_GET_BYTES = 256 * 1024 * 1024
RAW_BYTES = 1024 * 1024  # above this aiohttp wants a body as a file
KEPT_SIZES = 50_000
TAIL_TRIES = 3
CLOSE_SECONDS = 2.0

_TOTAL = re.compile(r"bytes [0-9*-]+/([0-9]+)")
_ONCE = {"retry_total": 0, "connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}

# Each of its troubles would be printed besides, by a program that has set up no logging.
logging.getLogger("azure").addHandler(logging.NullHandler())


class _Account(NamedTuple):
    """The connections of one process, with what ends them."""

    service: BlobServiceClient
    credential: Any  # made by adlfs, and so ours to close; None if there is none
    loop: asyncio.AbstractEventLoop
    anonymous: bool


class AzureDriver(Driver):
    """A folder in a container of Azure Blob Storage."""

    def __init__(self, place: AzurePlace, options: Options) -> None:
        self._place = place
        self._options = _arguments(place, options)
        self._redactor = Redactor(place.url, options)
        self._account = PerProcess(self._connect)
        self._clock = ServerClock()
        self._sizes: dict[str, int] = {}  # as last seen; only ever a guess
        self.url = place.url
        service = self._account.get().service.url.partition("?")[0].rstrip("/")
        self.place = f"az {service} {place.container}/{place.root}"
        self.capabilities = Capabilities(create=True, swap=True, durable=True, trusted_clock=True)

    # Reading.

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        return self._download(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        try:
            return self._download(key, start, length).data
        except _BeyondEnd:
            return b""

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`.

        Azure knows no tails. Where the size was seen before (the listing that named the pack)
        one request does, since its answer tells the size that holds; else two.
        """
        size = self._sizes.get(key)
        for _ in range(TAIL_TRIES):
            if size is None:
                size = self.head(key).size
            try:
                found = self._download(key, max(0, size - length) if size else None)
            except _BeyondEnd:  # it has become shorter
                size = None
                continue
            if len(found.data) >= min(length, found.size):
                return found._replace(data=found.data[-length:])
            size = found.size
        raise Transient(f"{key!r} changes while it is read")

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        found = self._blob(key, lambda blob, more: blob.get_blob_properties(**more))
        if _is_folder(found):
            raise KeyMissing
        return self._entry(key, found)

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`.

        Azure has a parameter for ``after``, whose rules differ with the kind of account: it is
        not used.
        """
        del after
        root = self._place.root
        account = self._account.get()
        container = account.service.get_container_client(self._place.container)
        walk = container.list_blobs if deep else partial(container.walk_blobs, delimiter="/")
        # Metadata tell the folders that accounts with a hierarchy list.
        found = walk(
            name_starts_with=root + prefix,
            include=["metadata"],
            results_per_page=PAGE,
            **self._hooks(),
        )
        pages = found.by_page()
        while True:
            try:
                page = self._send(partial(_next_page, pages))
            except KeyMissing:
                raise container_missing(self._place) from None
            if page is None:
                return
            for item in page:
                key = item.name[len(root) :]
                if not isinstance(item, BlobPrefix) and is_key(key) and not _is_folder(item):
                    yield self._entry(key, item)

    def heard_ms(self) -> int | None:
        """See `Driver.heard_ms`."""
        return self._clock.now_ms()

    def now_ms(self) -> int:
        """See `Driver.now_ms`."""
        now = self._clock.now_ms()
        if now is None:
            self._look_at_container()
            now = self._clock.now_ms()
        if now is None:
            raise Transient(f"answers of {self.url} have no date")
        return now

    # Writing.

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        return self._upload(key, data, overwrite=True)

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        return self._upload(key, data, overwrite=True, match_condition=MatchConditions.IfMissing)

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        try:
            return self._upload(key, data, overwrite=True, **_unchanged(version))
        except KeyMissing:
            raise ConditionFailed from None

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        with suppress(KeyMissing):
            self._blob(key, lambda blob, more: blob.delete_blob(**more))

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`."""
        condition = _unchanged(version)
        try:
            self._blob(key, lambda blob, more: blob.delete_blob(**condition, **more))
        except KeyMissing:
            raise ConditionFailed from None

    def about(self) -> About:
        """See `Driver.about`."""
        service = self._account.get().service
        return About(
            service="Azure Blob Storage",
            library=library("adlfs", "azure-storage-blob"),
            endpoint=public_url(str(service.url)).rstrip("/"),
            credentials=azure_credentials(service.credential, str(service.url)),
            bucket=self._place.container,
            prefix=self._place.root,
        )

    def close(self) -> None:
        """See `Driver.close`."""
        account = self._account.take()
        if account is not None:
            _end(account, os.getpid())

    # Requests.

    def _download(self, key: str, start: int | None = None, length: int | None = None) -> Fetched:
        async def fetch(blob: Any, more: dict[str, Any]) -> tuple[Any, bytes]:
            stream = await blob.download_blob(offset=start, length=length, **more)
            return stream, await stream.readall()

        stream, data = self._blob(key, fetch)
        told = stream.properties
        if not told.etag:
            raise not_azure(self._place, "its answer names no version (ETag)")
        if len(data) != stream.size:
            # The client tries to read on where an answer breaks off, and may miss that.
            raise Transient(f"{len(data)} bytes came where {stream.size} were announced")
        if _is_folder(told):
            raise KeyMissing
        total = _TOTAL.fullmatch(told.content_range or "")
        size = int(total[1]) if total and stream.size else stream.size
        self._remember(key, size)
        return Fetched(data, _version(told.etag), size)

    def _upload(self, key: str, data: Data, **condition: Any) -> str:
        body = bytes(data)

        def send(blob: Any, more: dict[str, Any]) -> Awaitable[dict[str, Any]]:
            if len(body) > RAW_BYTES:
                more["raw_request_hook"] = partial(_as_file, body=body)
            return blob.upload_blob(body, length=len(body), **condition, **more)  # type: ignore[no-any-return]  # the client is Any here

        try:
            found = self._blob(key, send)
        except KeyMissing:
            if condition.get("match_condition") is MatchConditions.IfNotModified:
                raise
            raise container_missing(self._place) from None
        self._remember(key, len(body))
        return _version(found["etag"])

    def _look_at_container(self) -> None:
        next(self.list("", deep=False), None)

    def _blob(self, key: str, call: Callable[[Any, dict[str, Any]], Awaitable[T]]) -> T:
        """Send one request about a blob: ``call(its client, the arguments that all take)``."""
        service = self._account.get().service
        blob = service.get_blob_client(self._place.container, self._place.root + key)
        return self._send(lambda: call(blob, self._hooks()))

    def _send(self, call: Callable[[], Awaitable[T]]) -> T:
        account = self._account.get()
        try:
            found: T = sync(account.loop, call)
            return found
        except (AzureError, FSTimeoutError, OSError) as error:
            if isinstance(error, HttpResponseError) and error.status_code == 416:
                raise _BeyondEnd from None
            raise translate(
                error, self._place, self._redactor, anonymous=account.anonymous
            ) from error

    def _hooks(self) -> dict[str, Any]:
        return {**_ONCE, "raw_response_hook": self._hear}

    def _hear(self, response: Any) -> None:
        self._clock.hear(response.http_response.headers.get("Date", ""))

    def _entry(self, key: str, found: Any) -> Entry:
        self._remember(key, found.size)
        modified = int(found.last_modified.timestamp() * 1000)
        return Entry(key, found.size, _version(found.etag), modified)

    def _remember(self, key: str, size: int) -> None:
        if len(self._sizes) >= KEPT_SIZES:
            self._sizes.clear()
        self._sizes[key] = size

    # The account.

    def _connect(self) -> _Account:
        try:
            files = AzureBlobFileSystem(**self._options)
        except TypeError as error:
            raise self._bad_option(error) from error
        except ValueError as error:
            if "Must provide" not in str(error):
                raise self._bad_option(error) from error
            raise BackendUnavailable(
                f"no account named for {self.url}",
                kind="no-credentials",
                hint=LOGIN_HINT,
                url=self.url,
            ) from error
        _forget_ends(files)
        known = files.service_client
        service = BlobServiceClient(
            known.url,
            credential=known.credential,
            max_single_put_size=SINGLE_PUT_BYTES,
            max_single_get_size=SINGLE_GET_BYTES,
        )
        made = files.credential if self._options.get("credential") is None else None
        anonymous = known.credential is None and "?" not in known.url
        account = _Account(service, made, files.loop, anonymous)
        weakref.finalize(self, _end, account, os.getpid())
        return account

    def _bad_option(self, error: Exception) -> InvalidInput:
        return InvalidInput(
            f"storage options for {self.url} are not such as adlfs takes:"
            f" {self._redactor.told(error)}",
            kind="bad-option",
        )


class _BeyondEnd(Exception):
    """The range asked for begins behind the end of the body."""


def _arguments(place: AzurePlace, options: Options) -> dict[str, Any]:
    out = {**options, "use_listings_cache": False, "skip_instance_cache": True}
    if place.account:
        out.setdefault("account_name", place.account)
    if place.account_host:
        out.setdefault("account_host", place.account_host)
    return out


def _forget_ends(files: Any) -> None:
    """Take back what adlfs has arranged for the end of the process.

    It would wait for the thread of its event loop: for ever in a forked child, which has no
    such thread. `_end` does the same, and looks where it is.
    """
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive is not None and alive[0] is files:
            finalizer.detach()


def _end(account: _Account, process: int) -> None:
    """Close the connections; does nothing in another process, and a second time."""
    if os.getpid() != process or account.loop.is_closed():
        return

    async def close() -> None:
        await account.service.close()
        if account.credential is not None:
            await account.credential.close()

    # A loop that has ended, or a server that does not answer: nobody need wait for it.
    with suppress(FSTimeoutError, RuntimeError, OSError, AzureError):
        sync(account.loop, close, timeout=CLOSE_SECONDS)


async def _next_page(pages: Any) -> list[Any] | None:
    try:
        page = await anext(pages)
    except StopAsyncIteration:
        return None
    return [item async for item in page]


def _as_file(request: Any, *, body: bytes) -> None:
    request.http_request.set_streamed_data_body(io.BytesIO(body))


def _unchanged(version: str) -> dict[str, Any]:
    if not version or '"' in version:
        raise ConditionFailed
    return {"etag": f'"{version}"', "match_condition": MatchConditions.IfNotModified}


def _version(etag: str) -> str:
    """An ETag without its quotes, which listings leave out."""
    return etag.strip('"')


def _is_folder(found: Any) -> bool:
    """True for the marks that accounts with a hierarchy keep for folders."""
    return str((found.metadata or {}).get("hdi_isfolder", "")).lower() == "true"
