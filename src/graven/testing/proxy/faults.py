"""What can go wrong with a request, and for which requests it does."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

Kind = Literal["answer", "lose", "hang", "reset", "truncate", "cut"]
Dialect = Literal["s3", "gs", "az"]

# What real stores say with each status: (S3, Azure).
CODES = {
    400: ("BadRequest", "InvalidInput"),
    403: ("AccessDenied", "AuthorizationFailure"),
    404: ("NoSuchKey", "BlobNotFound"),
    409: ("ConditionalRequestConflict", "BlobAlreadyExists"),
    412: ("PreconditionFailed", "ConditionNotMet"),
    429: ("TooManyRequests", "ServerBusy"),
    500: ("InternalError", "InternalError"),
    503: ("SlowDown", "ServerBusy"),
}


@dataclass(slots=True)
class Request:
    """One request as it came in.

    Attributes:
        number: 1 for the first since the proxy started or was reset.
        target: path with query, as sent.
        key: path without the first slash and the query, escapes resolved.
        headers: names in lower case.
        size: bytes of the body on the wire, once it was read.
        status: of the reply that the server gave; None if it was not asked or said nothing.
        fault: what the proxy did to it, or ''.
    """

    number: int
    method: str
    target: str
    key: str
    headers: Mapping[str, str]
    size: int = 0
    status: int | None = None
    fault: str = ""

    def matches(self, method: str | None, key: str | None) -> bool:
        """True if the method is this one and the key fits the pattern (``*``, ``?``, ``[]``)."""
        return (method is None or self.method == method) and (
            key is None or fnmatch.fnmatchcase(self.key, key)
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail; made by the functions below."""

    kind: Kind
    name: str
    forward: bool = False
    status: int = 0
    code: str = ""
    seconds: float = 0.0
    keep: float = 0.5
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def reply(self, request: Request, dialect: Dialect) -> bytes:
        """The whole answer of an "answer" fault, as a store of this dialect words it."""
        code = self.code or _code(self.status, dialect)
        body = self.body if self.body is not None else _body(self.status, code, dialect)
        kind = "application/json" if dialect == "gs" else "application/xml"
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}", f"Content-Type: {kind}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if dialect == "az":
            lines.append(f"x-ms-error-code: {code}")
        if request.method == "HEAD":
            body = b""
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + body


def answer(
    status: int,
    code: str = "",
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    forward: bool = False,
) -> Fault:
    """Answer ``status``; ``code`` is the error code in the body (default: the usual one).

    ``forward``: the server does what it was asked all the same, and its reply is thrown away.
    """
    name = f"answer {status}" + (" after it was done" if forward else "")
    return Fault(
        "answer",
        name,
        forward=forward,
        status=status,
        code=code,
        body=body,
        headers=tuple((headers or {}).items()),
    )


def lose_reply() -> Fault:
    """Let the server do it, then close the connection without a word."""
    return Fault("lose", "lose reply", forward=True)


def hang(seconds: float, *, forward: bool = False) -> Fault:
    """Say nothing for ``seconds``, then close the connection.

    ``forward``: pass the request on instead, also if the client has given up by then; such
    a write lands late.
    """
    return Fault("hang", "hang, then forward" if forward else "hang", forward, seconds=seconds)


def reset() -> Fault:
    """Reset the connection before anything was forwarded."""
    return Fault("reset", "reset")


def truncate(keep: float = 0.5) -> Fault:
    """Forward, pass on this share of the reply's body, close the connection."""
    return Fault("truncate", "truncate reply", forward=True, keep=keep)


def cut_request(keep: float = 0.5) -> Fault:
    """Send the server this share of the request's body, then close both connections."""
    return Fault("cut", "cut request", keep=keep)


@dataclass(slots=True)
class Rule:
    """Which requests fail: of those that match, the ``nth`` and the next ``times - 1``.

    Attributes:
        times: None means all from the ``nth`` on.
        seen: how many have matched.
        hits: how many of them failed.
    """

    fault: Fault
    method: str | None = None
    key: str | None = None
    nth: int = 1
    times: int | None = 1
    when: Callable[[Request], bool] | None = None
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def applies(self, request: Request) -> bool:
        """True if this request is to fail; counts it. Call it once for each request."""
        if not request.matches(self.method, self.key):
            return False
        if self.when is not None and not self.when(request):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


def _code(status: int, dialect: Dialect) -> str:
    s3, azure = CODES.get(status, ("InternalError", "InternalError"))
    return azure if dialect == "az" else s3


def _body(status: int, code: str, dialect: Dialect) -> bytes:
    message = "injected by the test proxy"
    if dialect == "gs":
        error = {"message": message, "reason": code, "domain": "global"}
        document = {"error": {"code": status, "message": message, "errors": [error]}}
        return json.dumps(document).encode()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        "<RequestId>proxy</RequestId></Error>"
    ).encode()
