"""What an answer of Azure Blob Storage other than yes means, and what means none at all."""

from __future__ import annotations

import re

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestTimeoutError,
)

from graven.backends.azure.place import AzurePlace
from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.redaction import Redactor
from graven.errors import BackendUnavailable

LOGIN_HINT = (
    "set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME with"
    " AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN, or log in with 'az login'"
)
_ROLE_HINT = "the login needs the role Storage Blob Data Contributor; see 'graven doctor'"

_NO_CONTAINER = frozenset(["ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"])
_CONDITION = frozenset(["ConditionNotMet", "BlobAlreadyExists", "TargetConditionNotMet"])
_ANONYMOUS = frozenset(
    ["NoAuthenticationInformation", "PublicAccessNotPermitted", "ResourceNotFound"]
)
# Answers 409 and 412 that stay what they are until somebody does something.
_LASTING = re.compile(r"Lease|Immutable|Snapshot|Archived|Hold|InvalidBlobType|Disabled")
_BUSY = frozenset([307, 308, 408, 409, 425, 429, 503])


def translate(
    error: AzureError | OSError, place: AzurePlace, redactor: Redactor, *, anonymous: bool
) -> KeyMissing | ConditionFailed | Transient | BackendUnavailable:
    """The error to raise for one of Azure's client library.

    Args:
        error: the fault.
        place: where.
        redactor: takes secrets out of its message.
        anonymous: nobody was logged in.
    """
    told = redactor.line(_first_line(error))
    if isinstance(error, HttpResponseError) and error.response is not None:
        return _verdict(error, place, told, anonymous=anonymous)
    if isinstance(error, ClientAuthenticationError):  # nothing was sent to the container
        return _no_credentials(place, told)
    cause = getattr(error, "inner_exception", None) or error.__cause__
    if isinstance(cause, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)):
        return BackendUnavailable(
            f"no secure connection to {place.url}: {told}",
            kind="tls",
            hint="check the endpoint and its certificate",
            url=place.url,
        )
    if isinstance(cause, aiohttp.InvalidURL):
        return BackendUnavailable(
            f"not an endpoint for {place.url}: {told}", kind="refused", url=place.url
        )
    if isinstance(error, ServiceRequestTimeoutError) or isinstance(
        cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    ):
        return Transient(told, unreachable=True)
    return Transient(told, unknown=True)


def container_missing(place: AzurePlace) -> BackendUnavailable:
    """The error for a container that is not there."""
    return BackendUnavailable(
        f"no container {place.container!r}",
        kind="bucket-missing",
        hint="check its name and the account, or create it",
        url=place.url,
    )


def not_azure(place: AzurePlace, what: str) -> BackendUnavailable:
    """The error for a server that speaks something else."""
    return BackendUnavailable(
        f"what answers for {place.url} is not Azure Blob Storage: {what}",
        kind="not-azure",
        hint="check the account's host and the connection string",
        url=place.url,
    )


def _verdict(
    error: HttpResponseError, place: AzurePlace, told: str, *, anonymous: bool
) -> KeyMissing | ConditionFailed | Transient | BackendUnavailable:
    status, code = error.status_code or 0, _code(error)
    said = f"{code or f'status {status}'} ({told})"
    if code in _NO_CONTAINER:
        return container_missing(place)
    if anonymous and (status == 401 or code in _ANONYMOUS):
        return _no_credentials(place, said)
    if _LASTING.search(code):
        return BackendUnavailable(
            f"{place.url} refused: {said}", kind="refused", hint=_hint(code), url=place.url
        )
    if status == 404:
        return KeyMissing()
    if status == 412 or code in _CONDITION:
        return ConditionFailed()
    if status in _BUSY:
        return Transient(said, after=_retry_after(error))
    if status >= 500:  # some of these give up waiting for what may be done all the same
        return Transient(said, unknown=status != 501, after=_retry_after(error))
    if status in (401, 403):
        return _denied(place, code, said)
    return BackendUnavailable(f"{place.url} refused: {said}", kind="refused", url=place.url)


def _denied(place: AzurePlace, code: str, said: str) -> BackendUnavailable:
    hint = _ROLE_HINT
    if code in ("AuthenticationFailed", "InvalidAuthenticationInfo"):
        hint = "check the account key or the SAS token, how long it is valid, and this clock"
    return BackendUnavailable(
        f"{place.url} denies access: {said}", kind="denied", hint=hint, url=place.url
    )


def _no_credentials(place: AzurePlace, told: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"no credentials for {place.url}: {told}",
        kind="no-credentials",
        hint=LOGIN_HINT,
        url=place.url,
    )


def _hint(code: str) -> str | None:
    if "Lease" in code:
        return "somebody holds a lease on it: break the lease, or wait until it ends"
    if "Snapshot" in code:
        return "it has snapshots: remove them, or turn them off for the store"
    return None


def _code(error: HttpResponseError) -> str:
    # A member of an enumeration of strings, or a string that this version does not know.
    code = getattr(error, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _first_line(error: Exception) -> str:
    """What it says, less the request ids, times and advice that fill the lines below."""
    lines = (getattr(error, "message", None) or str(error)).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _retry_after(error: HttpResponseError) -> float | None:
    headers = getattr(error.response, "headers", {})
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:  # none, or a date
        return None
