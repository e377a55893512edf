"""What it means that no answer came from S3, or none that s3fs could understand."""

from __future__ import annotations

import asyncio

import aiohttp
import botocore.exceptions as boto  # type: ignore[import-untyped]  # botocore has no types
from botocore.parsers import (  # type: ignore[import-untyped]  # botocore has no types
    ResponseParserError,
)
from fsspec.exceptions import (  # type: ignore[import-untyped]  # fsspec has no types
    FSTimeoutError,
)

from graven.backends.driver import Transient
from graven.backends.redaction import Redactor
from graven.backends.s3.errors import no_credentials, not_s3
from graven.backends.s3.place import S3Place
from graven.errors import BackendUnavailable, InvalidInput

NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
)
TROUBLE = (
    boto.BotoCoreError,
    ResponseParserError,
    aiohttp.ClientError,
    asyncio.TimeoutError,
    FSTimeoutError,
    OSError,
)
_BROKEN_OFF = (boto.IncompleteReadError, boto.ResponseStreamingError)


def trouble(error: Exception, place: S3Place, address: str, redactor: Redactor) -> Exception:
    """The exception for an error of `TROUBLE`.

    Args:
        error: what a client of aiobotocore raised.
        place: where the request went.
        address: of the server, for a person.
        redactor: takes the secrets of the options out of messages.

    Returns:
        `Transient`, `BackendUnavailable` or `InvalidInput`.
    """
    # aiobotocore makes one class of botocore's from several of aiohttp's.
    cause = getattr(error, "kwargs", {}).get("error", error)
    said = redactor.told(cause)
    if isinstance(error, NO_CREDENTIALS):
        return no_credentials(place, redactor.told(error))
    if isinstance(error, boto.SSLError):
        return BackendUnavailable(
            f"no secure connection to {address}: {said}",
            kind="tls",
            hint="check the endpoint and its certificate (AWS_CA_BUNDLE)",
            url=place.url,
        )
    if isinstance(error, ResponseParserError):
        return not_s3(place, "its answer is not XML")
    if isinstance(error, boto.ParamValidationError):
        return InvalidInput(
            f"s3fs or botocore cannot send this: {said}",
            kind="driver-old",
            hint="pip install -U 'graven[s3]'",
        )
    if _never_connected(error, cause):
        return Transient(f"no connection to {address}", unreachable=True)
    known = (boto.HTTPClientError, boto.ConnectionError, *_BROKEN_OFF)
    if isinstance(error, boto.BotoCoreError) and not isinstance(error, known):
        return BackendUnavailable(f"{place.url}: {said}", kind="refused", url=place.url)
    return Transient(f"no whole answer: {said}", unknown=True)


def _never_connected(error: Exception, cause: Exception) -> bool:
    if isinstance(error, (boto.ConnectTimeoutError, boto.ProxyConnectionError)):
        return True
    # It also stands for connections that broke later.
    refused = isinstance(error, boto.EndpointConnectionError)
    return refused and isinstance(cause, aiohttp.ClientConnectorError)
