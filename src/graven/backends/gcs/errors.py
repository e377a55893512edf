"""What an answer of Google Cloud Storage other than yes means, and what means none at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
import google.auth.exceptions
import requests.exceptions

from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.gcs.place import GCSPlace
from graven.backends.redaction import Redactor
from graven.errors import BackendUnavailable

LOGIN_HINT = (
    "run 'gcloud auth application-default login', set GOOGLE_APPLICATION_CREDENTIALS,"
    " or give a token in the storage options"
)
_ROLE_HINT = "the account needs the role Storage Object User on the bucket; see 'graven doctor'"
_NO_OBJECT = "no such object"
_NO_BUCKET = "bucket does not exist"
_BUSY = frozenset([307, 308, 408, 409, 425, 429, 503])


class Answer(NamedTuple):
    """An answer, read to its end. ``headers`` do not heed the case of names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def record(self) -> dict[str, Any] | None:
        """The JSON object of the body, if it is one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def message(self) -> str:
        """What the server says about an error."""
        error = (self.record() or {}).get("error")
        if isinstance(error, dict):
            return str(error.get("message", ""))
        return str(error) if error else self.body[:1000].decode("utf-8", "replace")


def verdict(
    answer: Answer, place: GCSPlace, redactor: Redactor, *, anonymous: bool
) -> KeyMissing | ConditionFailed | Transient | BackendUnavailable:
    """The error that an answer means.

    Args:
        answer: not a yes.
        place: where.
        redactor: takes secrets out of what the server says.
        anonymous: nobody was logged in.
    """
    status, said = answer.status, redactor.line(answer.message())
    told = f"status {status}{f' ({said})' if said else ''}"
    if status == 412:
        return ConditionFailed()
    if status == 404:
        return bucket_missing(place) if _NO_BUCKET in said.lower() else KeyMissing()
    if status in _BUSY:
        return Transient(told, after=_retry_after(answer.headers))
    if status >= 500:  # some of these give up waiting for what may be done all the same
        return Transient(told, unknown=status != 501, after=_retry_after(answer.headers))
    if status in (401, 403):
        if anonymous:
            return BackendUnavailable(
                f"no credentials for {place.url}: {said or told}",
                kind="no-credentials",
                hint=LOGIN_HINT,
                url=place.url,
            )
        hint: str | None = "log in again: the token is not valid" if status == 401 else _ROLE_HINT
        return BackendUnavailable(
            f"{place.url} denies access: {said or told}", kind="denied", hint=hint, url=place.url
        )
    hint = None
    if status == 400 and "requester pays" in said.lower():
        hint = "set requester_pays in the storage options: whoever reads this bucket pays for it"
    return BackendUnavailable(
        f"{place.url} refused: {told}", kind="refused", hint=hint, url=place.url
    )


def translate(
    error: Exception, place: GCSPlace, redactor: Redactor
) -> Transient | BackendUnavailable:
    """The error that no answer, or no login, means."""
    told = redactor.told(error)
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)):
        return BackendUnavailable(
            f"no secure connection to {place.url}: {told}",
            kind="tls",
            hint="check the endpoint and its certificate",
            url=place.url,
        )
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return Transient(told, unreachable=True)
    if isinstance(error, aiohttp.InvalidURL):
        return BackendUnavailable(
            f"not an endpoint for {place.url}: {told}", kind="refused", url=place.url
        )
    if isinstance(
        error, (google.auth.exceptions.TransportError, requests.exceptions.RequestException)
    ):
        # Nothing was asked of the bucket yet.
        return Transient(f"no login: {told}", unreachable=True)
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return Transient(told, unknown=True)
    return login_failed(place, told)


def login_failed(place: GCSPlace, told: str) -> BackendUnavailable:
    """The error for credentials that nobody takes."""
    return BackendUnavailable(
        f"cannot log in for {place.url}: {told}", kind="denied", hint=LOGIN_HINT, url=place.url
    )


def bucket_missing(place: GCSPlace) -> BackendUnavailable:
    """The error for a bucket that is not there."""
    return BackendUnavailable(
        f"no bucket {place.bucket!r}",
        kind="bucket-missing",
        hint="check its name and the endpoint, or create it",
        url=place.url,
    )


def not_gcs(place: GCSPlace, what: str) -> BackendUnavailable:
    """The error for a server that speaks something else."""
    return BackendUnavailable(
        f"what answers for {place.url} is not Google Cloud Storage: {what}",
        kind="not-gcs",
        hint="check the endpoint (STORAGE_EMULATOR_HOST or endpoint_url)",
        url=place.url,
    )


def says_no_object(answer: Answer) -> bool:
    """True if it is the object that is missing, and not the bucket."""
    return _NO_OBJECT in answer.message().lower()


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:  # none, or a date
        return None
