"""Errors of libraries that are not installed here, told by classes of the same names."""

import ftplib
from datetime import UTC, datetime

import pytest

from graven.backends.anyfs.errors import translate
from graven.backends.anyfs.info import modified_ms, size_of
from graven.backends.driver import KeyMissing, Transient
from graven.backends.redaction import MAX_MESSAGE, Redactor, public_url
from graven.errors import BackendUnavailable, InvalidInput

URL = "sftp://me@host/store"
REDACTOR = Redactor("sftp://me:pass@word@host/store", {"password": "hush-hush"})


def told(error, doing="read"):
    return translate(error, URL, REDACTOR, doing)


def named(name, base=Exception, **attributes):
    return type(name, (base,), attributes)("hush-hush is wrong")


@pytest.mark.parametrize(
    ("error", "doing", "kind"),
    [
        (PermissionError(13, "no"), "read", "denied"),
        (named("AuthenticationException"), "read", "denied"),
        (named("ClientResponseError", status=403), "read", "denied"),
        (ftplib.error_perm("530 Login incorrect."), "read", "denied"),
        (NotImplementedError(), "write", "read-only"),
        (named("ClientResponseError", status=405), "delete", "read-only"),
        (NotImplementedError(), "read", "unsupported"),
        (FileNotFoundError("gone"), "write", "io-error"),
        (OSError(28, "full"), "write", "io-error"),
        (RuntimeError("odd"), "read", "io-error"),
    ],
)
def test_what_will_not_pass(error, doing, kind):
    found = told(error, doing)
    assert isinstance(found, BackendUnavailable)
    assert found.kind == kind
    assert URL in str(found)
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("a"),
        IsADirectoryError("a"),
        NotADirectoryError("a"),
        named("ClientResponseError", status=404),
        ftplib.error_perm("550 No such file."),
    ],
)
@pytest.mark.parametrize("doing", ["read", "delete"])
def test_what_is_missing(error, doing):
    assert isinstance(told(error, doing), KeyMissing)


@pytest.mark.parametrize(
    ("error", "unknown", "unreachable"),
    [
        (ConnectionRefusedError(), False, True),
        (OSError(113, "No route to host"), False, True),
        (named("NoValidConnectionsError", OSError), False, True),
        (
            named("ClientConnectorDNSError", type("ClientConnectorError", (OSError,), {})),
            False,
            True,
        ),
        (TimeoutError(), True, False),
        (ConnectionResetError(), True, False),
        (EOFError(), True, False),
        (named("ServerDisconnectedError", type("ClientError", (Exception,), {})), True, False),
        (named("SSHException"), True, False),
        (named("ClientResponseError", status=429), False, False),
        (named("ClientResponseError", status=503), False, False),
        (ftplib.error_temp("450 Busy."), False, False),
    ],
)
def test_what_may_pass(error, unknown, unreachable):
    found = told(error, "write")
    assert isinstance(found, Transient)
    assert (found.unknown, found.unreachable) == (unknown, unreachable)
    assert "hush" not in found.message


def test_own_errors_stay_and_bad_calls_are_bad_input():
    own = BackendUnavailable("full", kind="disk-full")
    assert told(own) is own
    assert isinstance(told(TypeError("takes no 'colour'")), InvalidInput)


def test_urls_are_shown_without_what_is_secret():
    assert public_url("sftp://me:pass@word@host/store") == "sftp://me@host/store"
    assert public_url("https://host/a?sig=abcdef") == "https://host/a"
    assert public_url("zip://in::https://u:p@h/a.zip?x=y") == "zip://in::https://u@h/a.zip"
    assert public_url("s3://bucket/what?") == "s3://bucket/what?"


def test_messages_are_one_short_line_without_what_is_secret():
    options = {
        "token": {"private_key": "-----KEY-----"},
        "connection_string": "AccountName=me;AccountKey=c2VjcmV0;EndpointSuffix=x",
        "endpoint_url": "http://shown",
    }
    redactor = Redactor("https://host/a?sig=abcdef", options)
    line = redactor.line("a\n  b -----KEY----- c2VjcmV0 sig=abcdef http://shown http://u:p@h/.")
    assert line == "a b *** *** sig=*** http://shown http://h/"
    assert len(redactor.line("x" * 5000)) == MAX_MESSAGE
    assert redactor.told(KeyError()) == "KeyError"


@pytest.mark.parametrize(
    "said",
    [
        {"mtime": datetime(2026, 11, 21, 9, 30, tzinfo=UTC)},
        {"mtime": datetime(2026, 11, 21, 9, 30)},  # naive
        {"mtime": 1795253400.0},
        {"modificationTime": 1795253400000},
        {"modify": "20261121093000"},
        {"LastModified": "2026-11-21T09:30:00Z"},
        {"modified": "long ago", "created": 1795253400},
    ],
)
def test_times_in_all_their_forms(said):
    assert modified_ms(said) == 1795253400000


def test_what_is_not_said_is_not_made_up():
    assert modified_ms({"mtime": None, "modify": "long ago", "created": object()}) == 0
    assert size_of({}) is None
    assert size_of({"size": "12"}) == 12
