"""The driver for S3 that goes through s3fs, and so knows all that its users know."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import aiobotocore.config  # type: ignore[import-untyped]  # aiobotocore has no types
import aiobotocore.httpsession  # type: ignore[import-untyped]  # aiobotocore has no types
import botocore.exceptions as boto  # type: ignore[import-untyped]  # botocore has no types
import s3fs  # type: ignore[import-untyped]  # s3fs has no types
from botocore.handlers import (  # type: ignore[import-untyped]  # botocore has no types
    add_expect_header,
)
from fsspec.asyn import sync  # type: ignore[import-untyped]  # fsspec has no types
from fsspec.exceptions import (  # type: ignore[import-untyped]  # fsspec has no types
    FSTimeoutError,
)

from graven.backends import driver
from graven.backends.about_services import library, s3_credentials
from graven.backends.base import Capabilities, Data, Entry, is_key
from graven.backends.driver import About, ConditionFailed, Driver, Fetched, KeyMissing
from graven.backends.perprocess import PerProcess
from graven.backends.redaction import Redactor
from graven.backends.s3.errors import Answer, bucket_missing, no_credentials, not_s3, verdict
from graven.backends.s3.place import S3Place, bare_address
from graven.backends.s3.s3fs_errors import NO_CREDENTIALS, TROUBLE, trouble
from graven.backends.server_clock import ServerClock
from graven.errors import InvalidInput

MAX_CONNECTIONS = 64
BIG_BODY_BYTES = 1 << 20

_OF_BUCKETS = frozenset(["get_bucket_versioning", "list_objects_v2"])
_TOTAL = re.compile(r"bytes [^/]*/(\d+)")


class S3fsDriver(Driver):
    """A folder in a bucket, through s3fs: one request a call, none sent twice by s3fs.

    Args:
        place: where.
        options: `s3fs.S3FileSystem`'s arguments. Timeouts and the number of connections may
            be among them; retries and listing caches are off whatever they say.
        checksums: leave checksums of bodies as botocore has them, which only AWS and some
            others understand. Without, bodies are signed, which all do.
    """

    capabilities = Capabilities(create=True, swap=True, durable=True, trusted_clock=True)

    def __init__(
        self, place: S3Place, options: Mapping[str, Any], *, checksums: bool = True
    ) -> None:
        self.url = place.url
        self.place = place.place
        self._place = place
        self._options = _arguments(options, checksums=checksums)
        self._clock = ServerClock()
        self._ceph = False
        self._seen = False  # the bucket is there
        self._redactor = Redactor(place.url, options)
        # Neither connections nor the thread of the event loop come along with a fork.
        self._here: PerProcess[Any] = PerProcess(self._connect)

    # Reading.

    def get(self, key: str) -> Fetched:
        """See `Driver.get`."""
        found = self._ask("get_object", Key=self._key(key))
        return Fetched(found["Body"], found.get("ETag", ""), len(found["Body"]))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Driver.get_range`."""
        span = f"bytes={start}-{start + length - 1}"
        try:
            found = self._ask("get_object", Key=self._key(key), Range=span)
        except _BeyondEnd:
            return b""
        body: bytes = found["Body"]
        return body if _is_part(found) else body[start : start + length]

    def get_tail(self, key: str, length: int) -> Fetched:
        """See `Driver.get_tail`."""
        try:
            found = self._ask("get_object", Key=self._key(key), Range=f"bytes=-{length}")
        except _BeyondEnd:  # of an empty body there is no last byte
            return Fetched(b"", "", 0)
        body: bytes = found["Body"]
        total = _TOTAL.fullmatch(found.get("ContentRange", "")) if _is_part(found) else None
        size = int(total[1]) if total else len(body)
        return Fetched(body[-length:], found.get("ETag", ""), size)

    def head(self, key: str) -> Entry:
        """See `Driver.head`."""
        try:
            found = self._ask("head_object", Key=self._key(key))
        except KeyMissing:
            self._check_bucket()
            raise
        modified = _millis(found.get("LastModified"))
        return Entry(key, found.get("ContentLength", 0), found.get("ETag", ""), modified)

    def list(self, prefix: str, *, after: str = "", deep: bool = True) -> Iterator[Entry]:
        """See `Driver.list`."""
        parameters: dict[str, Any] = {"Prefix": self._key(prefix)}
        if after:
            parameters["StartAfter"] = self._key(after)
        if not deep:
            parameters["Delimiter"] = "/"
        while True:
            page = self._ask("list_objects_v2", **parameters)
            if "IsTruncated" not in page:
                raise not_s3(self._place, "it sent no listing")
            for item in page.get("Contents", []):
                key = str(item["Key"])[len(self._place.root) :]
                if is_key(key):  # what others keep here is not looked at
                    modified = _millis(item.get("LastModified"))
                    yield Entry(key, item["Size"], item["ETag"], modified)
            if not page["IsTruncated"]:
                return
            token = page.get("NextContinuationToken")
            if not token or token == parameters.get("ContinuationToken"):
                raise not_s3(self._place, "its listing does not go on")
            parameters["ContinuationToken"] = token

    def now_ms(self) -> int:
        """See `Driver.now_ms`."""
        if self._clock.now_ms() is None:
            self._look_at_folder()
        now = self._clock.now_ms()
        if now is None:
            raise not_s3(self._place, "its answers have no date")
        return now

    def heard_ms(self) -> int | None:
        """See `Driver.heard_ms`."""
        return self._clock.now_ms()

    def about(self) -> About:
        """See `Driver.about`."""
        filesystem = self._here.get()
        try:
            found = sync(filesystem.loop, filesystem.session.get_credentials)
        except NO_CREDENTIALS as error:
            raise no_credentials(self._place, self._redactor.told(error)) from error
        meta = filesystem.s3.meta
        method = "" if found is None else str(found.method)
        return About(
            service="S3",
            library=library("s3fs", "botocore"),
            endpoint=bare_address(str(meta.endpoint_url)),
            credentials=s3_credentials(self._options, method, anonymous=bool(filesystem.anon)),
            bucket=self._place.bucket,
            prefix=self._place.root,
            region=str(meta.region_name or ""),
        )

    def keeps_versions(self) -> bool | None:
        """See `Driver.keeps_versions`."""
        return bool(self._ask("get_bucket_versioning").get("Status") == "Enabled")

    # Writing. One PUT each: s3fs would send a large body in parts, and drop the condition.

    def put(self, key: str, data: Data) -> str:
        """See `Driver.put`."""
        return self._put(key, data)

    def put_if_absent(self, key: str, data: Data) -> str:
        """See `Driver.put_if_absent`."""
        return self._put(key, data, IfNoneMatch="*")

    def put_if_version(self, key: str, data: Data, version: str) -> str:
        """See `Driver.put_if_version`."""
        return self._put(key, data, IfMatch=version)

    def delete(self, key: str) -> None:
        """See `Driver.delete`."""
        with suppress(KeyMissing):  # nearly no server says so; it is fine either way
            self._ask("delete_object", Key=self._key(key))

    def delete_if_version(self, key: str, version: str) -> None:
        """See `Driver.delete_if_version`."""
        try:
            self._ask("delete_object", Key=self._key(key), IfMatch=version)
        except KeyMissing:
            raise ConditionFailed from None

    def close(self) -> None:
        """See `Driver.close`."""
        filesystem = self._here.take()
        if filesystem is None:
            return
        # A loop that is gone, or a server that does not answer: the process need not wait.
        with suppress(FSTimeoutError, RuntimeError, OSError):
            sync(filesystem.loop, _hang_up, filesystem, timeout=2)

    def _put(self, key: str, data: Data, **condition: str) -> str:
        # aiohttp takes large bodies as files only, and wants small ones as bytes.
        body = io.BytesIO(data) if len(data) > BIG_BODY_BYTES else bytes(data)
        try:
            answer = self._ask("put_object", Key=self._key(key), Body=body, **condition)
        except KeyMissing:  # what AWS says to If-Match on a key that is gone
            raise ConditionFailed from None
        return str(answer.get("ETag", ""))

    def _key(self, key: str) -> str:
        return self._place.root + key

    # Sending.

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one request; the answer as botocore parses it, its body read.

        Raises what `Driver` says, and `_BeyondEnd`.
        """
        version = parameters.get("IfMatch")
        if version is not None and self._ceph:
            parameters["IfMatch"] = version.strip('"')
        try:
            return self._ask_once(method, parameters)
        except ConditionFailed:
            # Ceph compares the ETag with and without its quotes, and finds them different.
            # That this is ceph may have been news.
            if version is None or not self._ceph or parameters["IfMatch"] != version:
                raise
            parameters["IfMatch"] = version.strip('"')
            if parameters["IfMatch"] == version:
                raise
            return self._ask_once(method, parameters)

    def _ask_once(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        body = parameters.get("Body")
        if isinstance(body, io.BytesIO):
            body.seek(0)
        filesystem = self._here.get()
        try:
            answer: dict[str, Any] = sync(
                filesystem.loop, _send, filesystem, self._place.bucket, method, parameters
            )
        except boto.ClientError as error:
            raise self._refusal(error, method) from error
        except TROUBLE as error:
            address = str(filesystem.s3.meta.endpoint_url)
            raise trouble(error, self._place, address, self._redactor) from error
        self._listen(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
        self._seen = True
        if method in ("get_object", "put_object") and "ETag" not in answer:
            raise not_s3(self._place, "its answer names no version (ETag)")
        return answer

    def _listen(self, headers: Mapping[str, str]) -> None:
        if date := headers.get("date"):
            self._clock.hear(date)
        if is_ceph(headers):
            self._ceph = True

    def _refusal(self, error: Any, method: str) -> Exception:
        told = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        headers = meta.get("HTTPHeaders", {})
        self._listen(headers)
        status = int(meta.get("HTTPStatusCode", 0))
        if status == 416 or told.get("Code") == "InvalidRange":
            return _BeyondEnd()
        answer = Answer(
            status,
            str(told.get("Code") or status),
            str(told.get("Message", "")),
            headers,
            str(told.get("Region", "")),
        )
        found = verdict(answer, self._place)
        if isinstance(found, KeyMissing):
            if method in _OF_BUCKETS:
                return bucket_missing(self._place)
            self._seen = self._seen or answer.code == "NoSuchKey"
        return found

    def _check_bucket(self) -> None:
        # The answer to a HEAD has no body that would tell a missing key from a missing bucket.
        if not self._seen:
            self._look_at_folder()

    def _look_at_folder(self) -> None:
        # Not a HEAD of the bucket, which rights that end with the folder do not allow.
        self._ask("list_objects_v2", Prefix=self._place.root, MaxKeys=1)

    def _connect(self) -> Any:
        try:
            filesystem = s3fs.S3FileSystem(**self._options)
            client = sync(filesystem.loop, filesystem.set_session)
        except NO_CREDENTIALS as error:
            raise no_credentials(self._place, self._redactor.told(error)) from error
        except (TypeError, ValueError, LookupError, AttributeError, boto.BotoCoreError) as error:
            raise InvalidInput(
                f"storage options for {self.url} are not such as s3fs takes:"
                f" {self._redactor.told(error)}",
                kind="bad-option",
            ) from error
        # It would have the server say "100 continue" before a large body, which some never do.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        return filesystem


class _BeyondEnd(Exception):
    """The range asked for lies behind the end of the body."""


def is_ceph(headers: Mapping[str, str]) -> bool:
    """True for an answer of ceph's gateway, by the form of its request ids."""
    server = headers.get("server", "").lower()
    return "ceph" in server or bool(
        re.fullmatch(r"tx[0-9a-f]{16,}-.+", headers.get("x-amz-request-id", ""))
    )


class _OnceSession(aiobotocore.httpsession.AIOHTTPSession):  # type: ignore[misc]  # base without types
    """aiohttp sends a PUT whose connection broke once more, conditions or not, and tells nobody.

    Then "somebody was first" may mean oneself. It has no public switch; where this one is gone
    that stays so, and whoever must know looks at what is there (`Backend.put_if_absent`).
    """

    async def _get_session(self, proxy_url: Any) -> Any:
        session = await super()._get_session(proxy_url)
        session._retry_connection = False
        return session


async def _send(filesystem: Any, bucket: str, method: str, parameters: Mapping[str, Any]) -> Any:
    # Past `call_s3`, which drops parameters that an old botocore does not know (conditions
    # among them) in silence, and translates errors into ones that say less.
    await filesystem.set_session()
    client = await filesystem.get_s3(bucket)
    name = client.meta.method_to_api_mapping[method]
    known = client.meta.service_model.operation_model(name).input_shape.members
    extra = {**filesystem.req_kw, **filesystem.s3_additional_kwargs}
    extra = {name: value for name, value in extra.items() if name in known}
    answer = await getattr(client, method)(**extra, Bucket=bucket, **parameters)
    if "Body" in answer:
        async with answer["Body"] as body:
            answer["Body"] = await body.read()
    return answer


async def _hang_up(filesystem: Any) -> None:
    client = await filesystem.set_session()
    await client.close()


def _arguments(options: Mapping[str, Any], *, checksums: bool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "connect_timeout": driver.CONNECT_SECONDS,
        "read_timeout": driver.READ_SECONDS,
        "max_pool_connections": MAX_CONNECTIONS,
    }
    if "http_session_cls" in inspect.signature(aiobotocore.config.AioConfig).parameters:
        config["http_session_cls"] = _OnceSession
    if not checksums:
        config["request_checksum_calculation"] = "when_required"
        config["response_checksum_validation"] = "when_required"
    config.update(options.get("config_kwargs") or {})
    config["retries"] = {"total_max_attempts": 1}
    return {
        **options,
        "config_kwargs": config,
        "use_listings_cache": False,
        "skip_instance_cache": True,
        "asynchronous": False,
    }


def _is_part(found: Mapping[str, Any]) -> bool:
    return bool(found["ResponseMetadata"].get("HTTPStatusCode") == 206)


def _millis(moment: datetime | None) -> int:
    # Whole seconds: HEAD tells no more, and the same body has the same time wherever it shows.
    return int(moment.timestamp()) * 1000 if moment is not None else 0
