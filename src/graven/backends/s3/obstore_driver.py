"""The driver for S3 that goes through obstore: several times as fast for small bodies.

It has no conditional delete, no way to the headers of answers, and does not survive a fork:
`graven.backends.s3.fast` sends what it cannot do through s3fs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn

import obstore
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import S3Store

from graven.backends import driver
from graven.backends.about_services import library, s3_credentials
from graven.backends.base import Capabilities, Data, Entry, is_key
from graven.backends.driver import (
    About,
    ConditionFailed,
    Driver,
    Fetched,
    KeyMissing,
    Options,
    Transient,
)
from graven.backends.s3.errors import Answer, bucket_missing, not_s3, one_line, verdict
from graven.backends.s3.obstore_settings import Settings
from graven.backends.s3.place import S3Place
from graven.backends.server_clock import ServerClock, fetch_date
from graven.errors import BackendUnavailable

BIG_BODY_BYTES = 1 << 20
BIG_BODY_SECONDS = 900.0
"""obstore counts the sending of a body as waiting for the answer: 64 MiB at 75 kB/s."""

_STATUS = re.compile(r"Server returned (?:non-2xx|error) status code: (\d{3})[^:\n]*:? ?")
_FIELD = {name: re.compile(rf"<{name}>([^<]*)</{name}>") for name in ("Code", "Message", "Region")}
_NO_CONNECTION = re.compile(r"kind: Connect\b|legacy::Error\(\s*Connect,")
_TLS = re.compile(
    r"InvalidCertificate|InvalidMessage|AlertReceived|HandshakeFailure|invalid peer certificate"
)
_NOT_S3 = ("invalid list response", "extract metadata", "non-partial response", "CONTENT_RANGE")
_CEPH = re.compile(r"<RequestId>tx[0-9a-f]{16,}-")
_TROUBLE = (BaseError, FileNotFoundError, ValueError)
# ministack's answer to the last bytes of an empty body.
_EMPTY_TAIL = 'CONTENT_RANGE header: "bytes 0--1/0"'


class Unfit(Exception):
    """Nothing was sent or done, and another client can do it."""


class ObstoreDriver(Driver):
    """A folder in a bucket, through obstore: one request a call, none sent again.

    Every method may also raise `Unfit`.
    """

    capabilities = Capabilities(
        create=True, swap=True, durable=True, trusted_clock=True, swap_delete=False
    )

    def __init__(self, place: S3Place, settings: Settings, options: Options) -> None:
        self.url = place.url
        self.place = place.place
        self._place = place
        self._settings = settings
        self._options = options
        self._clock = ServerClock()
        self._process = os.getpid()
        self._seen = False  # the bucket is there
        self._store = self._open(driver.READ_SECONDS)
        self._patient = self._open(BIG_BODY_SECONDS)

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        return self._get(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        self._check_process()
        path = self._path(key)
        try:
            found = obstore.get_range(self._store, path, start=start, length=length)
        except _TROUBLE as error:
            if _is_beyond(error):
                return b""
            self._fail(error)
        self._seen = True
        return bytes(found)

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`."""
        try:
            return self._get(key, {"range": {"suffix": length}})
        except _BeyondEnd:  # of an empty body there is no last byte
            return Fetched(b"", "", 0)

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        return self._put(key, data, "overwrite")

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        return self._put(key, data, "create")

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        try:
            return self._put(key, data, {"e_tag": version})
        except ConditionFailed as error:
            # Ceph compares the ETag with and without its quotes, and finds them different.
            bare = version.strip('"')
            if bare == version or not _CEPH.search(str(error.__cause__)):
                raise
            return self._put(key, data, {"e_tag": bare})

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        self._check_process()
        try:
            obstore.delete(self._store, self._path(key))
        except _TROUBLE as error:
            with suppress(KeyMissing):  # nearly no server says so; it is fine either way
                self._fail(error)

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`: obstore has none."""
        raise Unfit

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        self._check_process()
        try:
            found = obstore.head(self._store, self._path(key))
        except _TROUBLE as error:
            try:
                self._fail(error)
            except KeyMissing:
                # The answer to a HEAD has no body that would tell a missing bucket.
                if not self._seen:
                    self._get(key)
                raise
        self._seen = True
        return Entry(key, found["size"], found["e_tag"] or "", _millis(found["last_modified"]))

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`."""
        self._check_process()
        folder = self._path(prefix) or None
        try:
            if deep or after:
                offset = self._path(after) if after else None
                for page in obstore.list(self._store, folder, offset=offset, chunk_size=1000):
                    yield from self._entries(page, prefix, deep=deep)
            else:
                page = obstore.list_with_delimiter(self._store, folder)["objects"]
                yield from self._entries(page, prefix, deep=deep)
        except InvalidPathError as error:  # a key of somebody else's
            raise Unfit from error
        except _TROUBLE as error:
            try:
                self._fail(error)
            except KeyMissing:
                raise bucket_missing(self._place) from error

    def now_ms(self) -> int:
        """See `Driver.now_ms`: asked without a signature, since any answer has a date."""
        now = self._clock.now_ms()
        if now is None:
            date = fetch_date(self._settings.endpoint, f"/{self._place.bucket}")
            self._clock.hear(date)
            now = self._clock.now_ms()
        if now is None:
            raise not_s3(self._place, "its answers have no date")
        return now

    def about(self) -> About:
        """See `Driver.about`."""
        config = self._settings.config
        method = "" if config.get("skip_signature") else "env"
        return About(
            service="S3",
            library=library("obstore"),
            endpoint=self._settings.endpoint,
            credentials=s3_credentials(self._options, method, anonymous=not method),
            bucket=self._place.bucket,
            prefix=self._place.root,
            region=str(config["region"]),
        )

    def keeps_versions(self) -> bool | None:
        """See `Driver.keeps_versions`: obstore cannot ask."""
        raise Unfit

    def close(self) -> None:
        """See `Driver.close`: connections are closed with the last reference to them."""

    def _open(self, seconds: float) -> Any:
        wait = timedelta(seconds=seconds)
        return S3Store(
            self._place.bucket,
            config=dict(self._settings.config),  # type: ignore[arg-type]  # names checked there
            client_options={
                "allow_http": self._settings.allow_http,
                "connect_timeout": timedelta(seconds=driver.CONNECT_SECONDS),
                "read_timeout": wait,
                "timeout": timedelta(seconds=BIG_BODY_SECONDS),
            },
            retry_config={"max_retries": 0, "retry_timeout": timedelta(0)},
        )

    def _get(self, key: str, options: Any = None) -> Fetched:
        self._check_process()
        try:
            found = obstore.get(self._store, self._path(key), options=options)
            meta = found.meta
            data = bytes(found.bytes())
        except _TROUBLE as error:
            if _is_beyond(error):
                raise _BeyondEnd from error
            self._fail(error)
        self._seen = True
        if not meta["e_tag"]:
            raise not_s3(self._place, "its answer names no version (ETag)")
        return Fetched(data, meta["e_tag"], meta["size"])

    def _put(self, key: str, data: Data, mode: Any) -> str:
        self._check_process()
        store = self._patient if len(data) > BIG_BODY_BYTES else self._store
        body = data if isinstance(data, bytes) else bytes(data)
        try:
            # In parts it would be above 5 MB, if it were let.
            found = obstore.put(store, self._path(key), body, mode=mode, use_multipart=False)
        except _TROUBLE as error:
            try:
                self._fail(error)
            except KeyMissing:  # what AWS says to If-Match on a key that is gone
                raise ConditionFailed from error
        self._seen = True
        return found["e_tag"] or ""

    def _entries(self, page: Any, prefix: str, *, deep: bool) -> Iterator[Entry]:
        self._seen = True
        for item in page:
            key = item["path"][len(self._place.root) :]
            if is_key(key) and (deep or "/" not in key[len(prefix) :]):
                modified = _millis(item["last_modified"])
                yield Entry(key, item["size"], item["e_tag"] or "", modified)

    def _path(self, key: str) -> str:
        return self._place.root + key

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise Unfit  # the threads of obstore stayed behind, and it would wait for them

    def _fail(self, error: Exception) -> NoReturn:
        found = translate(error, self._place)
        if isinstance(found, BackendUnavailable) and found.kind == "wrong-region":
            raise Unfit from error  # s3fs finds the right one
        if isinstance(found, (KeyMissing, ConditionFailed)):
            self._seen = self._seen or "<Code>" in str(error)
        raise found from error


class _BeyondEnd(Exception):
    """The range asked for lies behind the end of the body."""


def translate(error: Exception, place: S3Place) -> Exception:
    """The exception for one of obstore's, of whose kinds only the words tell.

    Returns:
        `KeyMissing`, `ConditionFailed`, `Transient` or `BackendUnavailable`.
    """
    text, _, source = str(error).partition("\n\nDebug source:")
    status = _STATUS.search(text)
    if status:
        body = text[status.end() :]
        told = {name: field.search(body) for name, field in _FIELD.items()}
        code, message, region = (found[1] if found else "" for found in told.values())
        page = body.lstrip()[:9].lower().startswith(("<html", "<!doctype"))
        headers = {"content-type": "text/html"} if page else {}
        answer = Answer(int(status[1]), code or status[1], message, headers, region)
        return verdict(answer, place)
    if "redirect without LOCATION" in text:
        return verdict(Answer(301, "301", "", {}), place)
    if any(words in text for words in _NOT_S3):
        return not_s3(place, one_line(text.removeprefix("Generic S3 error:")))
    if _NO_CONNECTION.search(source):
        if _TLS.search(source):
            return BackendUnavailable(
                f"no secure connection for {place.url}",
                kind="tls",
                hint="check the endpoint and its certificate",
                url=place.url,
            )
        return Transient("no connection", unreachable=True)
    # Without the address, and without a full stop.
    said = text.rpartition(" - ")[2] or type(error).__name__
    return Transient(f"no whole answer: {one_line(said)}", unknown=True)


def _is_beyond(error: Exception) -> bool:
    text = str(error)
    status = _STATUS.search(text)
    return (status is not None and status[1] == "416") or _EMPTY_TAIL in text


def _millis(moment: datetime) -> int:
    # Whole seconds: HEAD tells no more, and the same body has the same time wherever it shows.
    return int(moment.timestamp()) * 1000
