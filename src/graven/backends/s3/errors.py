"""What an answer of S3 other than yes means: one place for all clients of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.s3.place import S3Place
from graven.errors import BackendUnavailable

NO_CREDENTIALS_HINT = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile of ~/.aws"
    " (AWS_PROFILE), or run where the machine has a role"
)


class Answer(NamedTuple):
    """An answer of the server that is not yes.

    Attributes:
        status: of HTTP.
        code: of S3 (``NoSuchKey``); the status as digits where the body told none.
        message: the server's words.
        headers: names in lower case.
        region: where the bucket is, if the body told.
    """

    status: int
    code: str
    message: str
    headers: Mapping[str, str]
    region: str = ""


class _Denial(NamedTuple):
    words: str
    hint: str


_DENIALS = {
    "InvalidAccessKeyId": _Denial(
        "does not know the access key", "check AWS_ACCESS_KEY_ID (or the profile)"
    ),
    "SignatureDoesNotMatch": _Denial(
        "says that the secret key does not belong to the access key",
        "check AWS_SECRET_ACCESS_KEY (or the profile)",
    ),
    "ExpiredToken": _Denial("says that the session token has expired", "log in again"),
    "TokenRefreshRequired": _Denial("says that the session token has expired", "log in again"),
    "ExpiredTokenException": _Denial("says that the session token has expired", "log in again"),
    "InvalidToken": _Denial(
        "does not know the session token",
        "log in again, or unset AWS_SESSION_TOKEN if the keys are permanent ones",
    ),
}
_POLICY_HINT = (
    "the key needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket;"
    " 'graven doctor' prints a policy"
)

# The request was not carried out, and may be next time.
_BUSY = frozenset(
    [
        "BadDigest",
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "IncompleteBody",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
        "XAmzContentChecksumMismatch",
        "XAmzContentSHA256Mismatch",
    ]
)
_BUSY_STATUS = frozenset([307, 408, 409, 425, 429, 503])
_MISSING = frozenset(["NoSuchKey", "404", "NoSuchVersion", "NotFound", "KeyNotFound"])
_REGION = frozenset(
    [
        "301",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
        "PermanentRedirect",
    ]
)
_ODD = re.compile(r"[^\x20-\x7e\xa0-\ud7ff]+")


def verdict(answer: Answer, place: S3Place) -> Exception:
    """The exception that tells what this answer means.

    Returns:
        `KeyMissing`, `ConditionFailed`, `Transient` or `BackendUnavailable`.
    """
    status, code = answer.status, answer.code
    if code == "NoSuchBucket":
        return bucket_missing(place)
    if _is_web_page(answer):
        return not_s3(place, f"a web page, with status {status}")
    if code in _MISSING:
        return KeyMissing()
    if status == 412 or code == "PreconditionFailed":
        return ConditionFailed()
    if code in _BUSY or status in _BUSY_STATUS:
        return Transient(_said(answer), after=_retry_after(answer.headers))
    if status in (500, 502, 504):  # these give up waiting for what may be done all the same
        return Transient(_said(answer), unknown=True, after=_retry_after(answer.headers))
    if code in _REGION or (status in (301, 400) and _region(answer)):
        return _wrong_region(answer, place)
    if code in ("RequestTimeTooSkewed", "RequestExpired"):
        return BackendUnavailable(
            f"this machine's clock is too far from that of {place.url}",
            kind="clock-skew",
            hint="set the clock",
            url=place.url,
        )
    if code in _DENIALS or status in (401, 403):
        return _denied(answer, place)
    kind = "not-supported" if status in (405, 501) else "refused"
    return BackendUnavailable(f"{place.url} refused: {_said(answer)}", kind=kind, url=place.url)


def bucket_missing(place: S3Place) -> BackendUnavailable:
    """The error for a bucket that is not there."""
    return BackendUnavailable(
        f"no bucket {place.bucket!r}",
        kind="bucket-missing",
        hint="check its name and the endpoint, or create it",
        url=place.url,
    )


def not_s3(place: S3Place, what: str) -> BackendUnavailable:
    """The error for a server that speaks something else."""
    return BackendUnavailable(
        f"what answers for {place.url} is not S3: {what}",
        kind="not-s3",
        hint="check the endpoint (AWS_ENDPOINT_URL or endpoint_url)",
        url=place.url,
    )


def no_credentials(place: S3Place, why: str = "") -> BackendUnavailable:
    """The error for a client that has nothing to sign with."""
    return BackendUnavailable(
        f"no credentials for {place.url}{f': {one_line(why)}' if why else ''}",
        kind="no-credentials",
        hint=NO_CREDENTIALS_HINT,
        url=place.url,
    )


def one_line(text: str) -> str:
    """A stranger's words, fit for a line of ours."""
    line = " ".join(_ODD.sub(" ", text).split()).rstrip(".")
    return line if len(line) <= 200 else line[:197] + "..."


def _denied(answer: Answer, place: S3Place) -> BackendUnavailable:
    known = _DENIALS.get(answer.code)
    if known:
        text, hint = f"{place.url} {known.words}", known.hint
    else:
        text, hint = f"{place.url} denies access: {_said(answer)}", _POLICY_HINT
    return BackendUnavailable(text, kind="denied", hint=hint, url=place.url)


def _wrong_region(answer: Answer, place: S3Place) -> BackendUnavailable:
    region = _region(answer)
    where = f"in region {region!r}" if region else "in another region"
    name = region or "REGION"
    return BackendUnavailable(
        f"bucket {place.bucket!r} is {where}: {_said(answer)}",
        kind="wrong-region",
        hint=f"set AWS_DEFAULT_REGION={name}, or client_kwargs={{'region_name': {name!r}}}",
        url=place.url,
        region=region,
    )


def _region(answer: Answer) -> str:
    return one_line(answer.region or answer.headers.get("x-amz-bucket-region", ""))


def _said(answer: Answer) -> str:
    words = one_line(answer.message)
    if answer.code.isdigit():
        return f"status {answer.status}{f' ({words})' if words else ''}"
    return f"{one_line(answer.code)}{f' ({words})' if words else ''}"


def _is_web_page(answer: Answer) -> bool:
    told = not answer.code.isdigit()
    return not told and answer.headers.get("content-type", "").startswith("text/html")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:  # none, or a date, which no S3 sends
        return None
