"""The driver for Google Cloud Storage: gcsfs logs in and connects, the requests are ours.

What gcsfs itself sends would be sent again on its own terms, and its errors drop the body
and the headers of the answer. The versions are generations.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import google.auth.exceptions
import requests.exceptions
from fsspec.asyn import sync  # type: ignore[import-untyped]  # fsspec has no types
from fsspec.exceptions import FSTimeoutError  # type: ignore[import-untyped]  # as above

# Not gcsfs.GCSFileSystem, which may be one that asks each bucket of an emulator for its
# kind, and waits a minute for the answer.
from gcsfs.core import (  # type: ignore[import-untyped]  # gcsfs has no types
    GCSFileSystem,
    _location,
)
from gcsfs.retry import (  # type: ignore[import-untyped]  # as above
    HttpError,
    NonRetryableError,
)
from yarl import URL

from graven import clock, ids
from graven.backends.about_services import gcs_credentials, library
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
from graven.backends.gcs.errors import (
    Answer,
    bucket_missing,
    login_failed,
    not_gcs,
    says_no_object,
    translate,
    verdict,
)
from graven.backends.gcs.place import GCSPlace
from graven.backends.perprocess import PerProcess
from graven.backends.redaction import Redactor, public_url
from graven.backends.server_clock import ServerClock
from graven.errors import InvalidInput

API = "/storage/v1"
PAGE = 1000
JOINED_BYTES = 256 * 1024  # up to here a body is copied into one piece with what frames it
SLICE_BYTES = 1024 * 1024
CLOSE_SECONDS = 2.0

_FIELDS = "name,size,generation,updated"
_TOTAL = re.compile(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]+)")
_NAMED_TOKENS = frozenset(["google_default", "cache", "cloud", "anon", "browser"])
# Where gcsfs looks, but for Google's machines, on which the first finds the login as well:
# elsewhere it asks for them until a quarter of a minute is over.
_LOGINS = ("google_default", "cache")
_GOOGLE = "googleapis.com"


class _Request(NamedTuple):
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = {}
    pieces: Sequence[Data] = ()


class GCSDriver(Driver):
    """A folder in a bucket of Google Cloud Storage."""

    def __init__(self, place: GCSPlace, options: Options) -> None:
        self._place = place
        self._options = _arguments(options)
        self._redactor = Redactor(place.url, options)
        self._filesystem = PerProcess(self._connect)
        self._clock = ServerClock()
        self._seen = False  # the bucket is there
        self._names = f"/b/{quote(place.bucket, safe='')}/o"
        self.url = place.url
        server = str(URL(_endpoint(options)).with_user(None).origin())
        self.place = f"gs {server} {place.bucket}/{place.root}"
        self.capabilities = Capabilities(create=True, swap=True, durable=True, trusted_clock=True)

    # Reading.

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        answer = self._download(key)
        return Fetched(answer.body, _generation(answer), len(answer.body))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        answer = self._download(key, f"bytes={start}-{start + length - 1}")
        if answer.status == 416:  # it begins behind the end
            return b""
        return answer.body if answer.status == 206 else answer.body[start : start + length]

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`."""
        answer = self._download(key, f"bytes=-{length}")
        if answer.status == 416:  # of an empty body there is no last byte
            return Fetched(b"", _generation(answer), 0)
        total = _TOTAL.fullmatch(answer.headers.get("Content-Range", ""))
        size = int(total[1]) if answer.status == 206 and total else len(answer.body)
        return Fetched(answer.body[-length:], _generation(answer), size)

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        request = _Request("GET", API + self._object(key), {"fields": _FIELDS})
        return _entry(key, self._record(request))

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`."""
        root = self._place.root
        query = {
            "prefix": root + prefix,
            "maxResults": str(PAGE),
            "fields": f"nextPageToken,items({_FIELDS})",
        }
        if after:
            query["startOffset"] = root + after
        if not deep:
            query["delimiter"] = "/"
        while True:
            page = self._record(_Request("GET", API + self._names, query))
            for item in page.get("items", []):
                key = str(item["name"])[len(root) :]
                if is_key(key):  # others have put more here, such as marks of empty folders
                    yield _entry(key, item)
            token = page.get("nextPageToken")
            if not token:
                return
            query["pageToken"] = token

    def heard_ms(self) -> int | None:
        """See `Driver.heard_ms`."""
        return self._clock.now_ms()

    def now_ms(self) -> int:
        """See `Driver.now_ms`."""
        now = self._clock.now_ms()
        if now is None:
            self._look_at_bucket()
            now = self._clock.now_ms()
        if now is None:
            raise Transient(f"answers of {self.url} have no date")
        return now

    # Writing.

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        return self._upload(key, data)

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        return self._upload(key, data, ifGenerationMatch="0")

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        return self._upload(key, data, ifGenerationMatch=_checked(version))

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        with suppress(KeyMissing):
            self._ask(_Request("DELETE", API + self._object(key), {}))

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`."""
        condition = {"ifGenerationMatch": _checked(version)}
        try:
            self._ask(_Request("DELETE", API + self._object(key), condition))
        except KeyMissing:
            raise ConditionFailed from None

    def about(self) -> About:
        """See `Driver.about`."""
        filesystem = self._login()
        return About(
            service="Google Cloud Storage",
            library=library("gcsfs"),
            endpoint=public_url(str(filesystem._location)),
            credentials=gcs_credentials(filesystem.credentials),
            bucket=self._place.bucket,
            prefix=self._place.root,
        )

    def keeps_versions(self) -> bool | None:
        """See `Driver.keeps_versions`."""
        bucket = self._names.removesuffix("/o")
        found = self._ask(_Request("GET", API + bucket, {"fields": "versioning"})).record()
        return None if found is None else bool((found.get("versioning") or {}).get("enabled"))

    def close(self) -> None:
        """See `Driver.close`."""
        filesystem = self._filesystem.take()
        if filesystem is None or filesystem._session is None:
            return
        # A loop that is gone, or a server that does not answer: nobody need wait for it.
        with suppress(FSTimeoutError, RuntimeError, OSError):
            sync(filesystem.loop, filesystem._session.close, timeout=CLOSE_SECONDS)

    # Requests.

    def _object(self, key: str) -> str:
        return f"{self._names}/{quote(self._place.root + key, safe='')}"

    def _download(self, key: str, span: str = "") -> Answer:
        # As it is stored: a compressed answer has no ranges.
        headers = {"Accept-Encoding": "identity", **({"Range": span} if span else {})}
        path = f"/download{API}{self._object(key)}"
        answer = self._ask(_Request("GET", path, {"alt": "media"}, headers))
        if not _generation(answer):
            raise not_gcs(self._place, "it names no generation")
        return answer

    def _upload(self, key: str, data: Data, **condition: str) -> str:
        # In one request with its record ("multipart"), never resumable: an upload in several
        # requests is checked against its condition when it begins, not when it ends.
        boundary = ids.random_bytes(16).hex()
        record = json.dumps({"name": self._place.root + key})
        before = (
            f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{record}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
        ).encode()
        after = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/related; boundary={boundary}",
            "Content-Length": str(len(before) + len(data) + len(after)),
        }
        query = {"uploadType": "multipart", "fields": "generation", **condition}
        pieces = [before, data, after]
        path = f"/upload{API}{self._names}"
        try:
            found = self._record(_Request("POST", path, query, headers, pieces))
        except KeyMissing:
            if condition.get("ifGenerationMatch", "0") != "0":
                raise ConditionFailed from None
            raise bucket_missing(self._place) from None
        return str(found["generation"])

    def _record(self, request: _Request) -> dict[str, Any]:
        answer = self._ask(request)
        record = answer.record()
        if record is None:
            raise not_gcs(self._place, "it sent no JSON")
        return record

    def _ask(self, request: _Request) -> Answer:
        """Send one request; its answer if that is a yes, or the end of a range."""
        filesystem = self._login()
        try:
            # Here and not in the loop, where a new token would have all others wait.
            headers = filesystem._get_headers(request.headers)
            query = filesystem._get_params(request.query)
            url = URL(f"{filesystem._location}{request.path}", encoded=True)
            request = request._replace(headers=headers, query=query)
            answer: Answer = sync(filesystem.loop, _send, filesystem, url, request)
        except _TROUBLE as error:
            raise translate(error, self._place, self._redactor) from error
        self._clock.hear(answer.headers.get("Date", ""))
        if answer.status < 300 or (answer.status == 416 and "Range" in headers):
            self._seen = True
            return answer
        raise self._refusal(request, answer, filesystem)

    def _refusal(self, request: _Request, answer: Answer, filesystem: Any) -> Exception:
        anonymous = filesystem.credentials.credentials is None
        error = verdict(answer, self._place, self._redactor, anonymous=anonymous)
        if isinstance(error, KeyMissing):
            if request.path == API + self._names:
                return bucket_missing(self._place)
            if not self._seen and not says_no_object(answer):
                self._look_at_bucket()  # this answer does not say which of the two is missing
        return error

    def _look_at_bucket(self) -> None:
        # Within the folder: rights may go no further.
        query = {"prefix": self._place.root, "maxResults": "1", "fields": "kind"}
        self._ask(_Request("GET", API + self._names, query))

    # The filesystem.

    def _login(self) -> Any:
        try:
            return self._filesystem.get()
        except _TROUBLE as error:
            raise translate(error, self._place, self._redactor) from error
        except (ValueError, KeyError, RuntimeError) as error:  # of gcsfs, about tokens
            raise login_failed(self._place, self._redactor.told(error)) from error

    def _connect(self) -> Any:
        try:
            if self._options.get("token") is not None:
                return GCSFileSystem(**self._options)
            for token in _LOGINS:
                with suppress(google.auth.exceptions.GoogleAuthError, ValueError):
                    return GCSFileSystem(**{**self._options, "token": token})
            return GCSFileSystem(**{**self._options, "token": "anon"})
        except (TypeError, AttributeError) as error:
            raise InvalidInput(
                f"storage options for {self.url} are not such as gcsfs takes:"
                f" {self._redactor.told(error)}",
                kind="bad-option",
            ) from error


_TROUBLE = (
    aiohttp.ClientError,
    google.auth.exceptions.GoogleAuthError,
    requests.exceptions.RequestException,
    HttpError,
    NonRetryableError,
    FSTimeoutError,
    OSError,
)


_WAITS = aiohttp.ClientTimeout(
    total=None,
    connect=2 * CONNECT_SECONDS,  # with the search for the address
    sock_connect=CONNECT_SECONDS,
    sock_read=READ_SECONDS,
)


async def _send(filesystem: Any, url: URL, request: _Request) -> Answer:
    session = await filesystem._set_session()
    async with session.request(
        request.method,
        url,
        params=request.query,
        headers=request.headers,
        data=_body(request.pieces),
        timeout=_WAITS,
    ) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


def _body(pieces: Sequence[Data]) -> bytes | AsyncIterator[bytes] | None:
    if not pieces:
        return None
    if sum(map(len, pieces)) <= JOINED_BYTES:
        return b"".join(pieces)
    return _slices(pieces)


async def _slices(pieces: Sequence[Data]) -> AsyncIterator[bytes]:
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), SLICE_BYTES):
            yield bytes(view[start : start + SLICE_BYTES])


def _arguments(options: Options) -> dict[str, Any]:
    out = dict(options)
    token = out.get("token")
    if isinstance(token, str) and _is_path(token) and not os.path.exists(token):
        # gcsfs would send it to Google as if it were a token itself.
        raise InvalidInput(f"no such token file: {token!r}", kind="bad-option", file=token)
    if token is None and _GOOGLE not in _endpoint(options):
        out["token"] = "anon"  # an emulator; gcsfs would look for Google's machines for long
    return {**out, "use_listings_cache": False, "skip_instance_cache": True, "asynchronous": False}


def _is_path(token: str) -> bool:
    return token not in _NAMED_TOKENS and (token.endswith(".json") or token.startswith((".", "/")))


def _endpoint(options: Options) -> str:
    endpoint = str(options.get("endpoint_url") or _location())
    if not endpoint.startswith(("http://", "https://")):
        raise InvalidInput(
            f"endpoint without a scheme: {endpoint!r}",
            kind="bad-option",
            hint="write it like http://localhost:4443",
        )
    return endpoint


def _generation(answer: Answer) -> str:
    return str(answer.headers.get("x-goog-generation", ""))


def _checked(version: str) -> str:
    """A generation; what is none, or means "no object", fits nothing that is there."""
    if not version.isascii() or not version.isdigit() or not int(version):
        raise ConditionFailed
    return version


def _entry(key: str, item: Mapping[str, Any]) -> Entry:
    modified = clock.micros(datetime.fromisoformat(item["updated"])) // 1000
    return Entry(key, int(item.get("size", 0)), str(item["generation"]), modified)
