"""What fsspec filesystems raise, told as a driver tells it.

Their libraries have error classes of their own. Naming these by importing them would load
the libraries, so the classes are known by name.
"""

from __future__ import annotations

import errno
import re
import socket
from typing import Literal, TypeAlias

from graven.backends.driver import KeyMissing, Transient
from graven.backends.redaction import Redactor
from graven.errors import BackendUnavailable, GravenError, InvalidInput

Doing: TypeAlias = Literal["read", "write", "delete"]

_MISSING = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
_MISSING_STATUS = {404, 550}
_NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
_UNREACHABLE = {
    "ClientConnectorError",  # aiohttp; those below it too
    "NoValidConnectionsError",  # paramiko
    "NewConnectionError",  # urllib3
    "ConnectTimeout",  # requests
    "ConnectionTimeoutError",  # aiohttp
    "NameResolutionError",  # urllib3
}
_DENIED = {"AuthenticationException", "BadHostKeyException", "LogonFailure", "AccessDenied"}
_DROPPED = {"ClientError", "SSHException", "IncompleteRead", "ProtocolError", "RequestException"}
_DENIED_STATUS = {401, 403, 530}
_BUSY_STATUS = {408, 421, 425, 426, 429, 450}
_READ_ONLY_STATUS = {405, 501}
_FTP_REPLY = re.compile(r"([45]\d\d)\b")


def translate(
    error: Exception, url: str, redactor: Redactor, doing: Doing
) -> KeyMissing | Transient | GravenError:
    """The error to raise for one that a filesystem has raised.

    Args:
        error: the fault.
        url: where, fit for printing.
        redactor: takes secrets out of its message.
        doing: what it came from. A write never says that there is no such key.
    """
    if isinstance(error, GravenError):
        return error
    names = {kind.__name__ for kind in type(error).__mro__}
    status = _status(error, names)
    told = redactor.told(error)
    changing = doing != "read"
    if isinstance(error, NotImplementedError) or (changing and status in _READ_ONLY_STATUS):
        return _unsupported(told, url, changing=changing)
    if (isinstance(error, _MISSING) or status in _MISSING_STATUS) and doing != "write":
        return KeyMissing(told)
    if isinstance(error, PermissionError) or status in _DENIED_STATUS or names & _DENIED:
        return BackendUnavailable(
            f"{url} denies it: {told}",
            kind="denied",
            hint="check the user, the key and what they are allowed",
            url=url,
        )
    if status is None or status in _BUSY_STATUS or 500 <= status < 600:
        passing = _passing(error, names, status, told)
        if passing:
            return passing
    if isinstance(error, TypeError) or "ValueError" in names:
        return InvalidInput(
            f"{url}: {told}", kind="bad-option", hint="check the URL and the storage options"
        )
    return BackendUnavailable(f"{url} failed: {told}", kind="io-error", url=url)


def _passing(error: Exception, names: set[str], status: int | None, told: str) -> Transient | None:
    number = error.errno if isinstance(error, OSError) else None
    if (
        names & _UNREACHABLE
        or isinstance(error, (ConnectionRefusedError, socket.gaierror))
        or number in _NO_ROUTE
    ):
        return Transient(told, unreachable=True)
    if isinstance(error, (TimeoutError, ConnectionError, EOFError)):
        return Transient(told, unknown=True)
    if status is not None:
        return Transient(told)
    if names & _DROPPED:
        return Transient(told, unknown=True)
    return None


def _status(error: Exception, names: set[str]) -> int | None:
    """The status of an answer of HTTP or FTP, if that is what the error is about."""
    for value in (
        getattr(error, "status", None),
        getattr(error, "status_code", None),
        getattr(getattr(error, "response", None), "status_code", None),
    ):
        if isinstance(value, int):
            return value
    if names & {"error_perm", "error_temp"}:  # of ftplib
        reply = _FTP_REPLY.match(str(error))
        return int(reply[1]) if reply else None
    return None


def _unsupported(told: str, url: str, *, changing: bool) -> BackendUnavailable:
    if changing:
        return BackendUnavailable(f"{url} is read-only: {told}", kind="read-only", url=url)
    return BackendUnavailable(f"{url} cannot do it: {told}", kind="unsupported", url=url)
