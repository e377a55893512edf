import pytest
from obstore.exceptions import GenericError, PermissionDeniedError, PreconditionError

from graven.backends import open_backend
from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.s3.obstore_driver import translate
from graven.backends.s3.place import S3Place
from graven.backends.s3.s3fs_driver import S3fsDriver
from graven.errors import BackendUnavailable

pytestmark = pytest.mark.usefixtures("bare_environment")

PLACE = S3Place("s3://bucket/x", "bucket", "x/", "s3 aws bucket/x")
BEGIN = "Generic S3 error: Error performing PUT http://h/bucket/x/a in 1.3ms - "


def status(line, body=""):
    return f'{BEGIN}Server returned non-2xx status code: {line}: {body}\n\nDebug source:\n"{body}"'


def xml(code, more=""):
    return f"<?xml version='1.0'?>\n<Error><Code>{code}</Code>{more}</Error>"


def broken(source):
    text = "HTTP error: error sending request"
    return f"{BEGIN}{text}\n\nDebug source:\nGeneric {{ source: {source} }}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (status("404 Not Found", xml("NoSuchKey")), KeyMissing),
        (status("404 Not Found"), KeyMissing),
        (status("412 Precondition Failed", xml("PreconditionFailed")), ConditionFailed),
        (status("404 Not Found", xml("NoSuchBucket")), "bucket-missing"),
        (status("403 Forbidden", xml("InvalidAccessKeyId")), "denied"),
        (status("403 Forbidden"), "denied"),
        (status("404 Not Found", "<!DOCTYPE html>\n<html>"), "not-s3"),
        (status("400 Bad Request", xml("X", "<Region>eu-west-1</Region>")), "wrong-region"),
        (f"{BEGIN}Received redirect without LOCATION, this ...", "wrong-region"),
        ("Generic S3 error: Got invalid list response: ill-formed", "not-s3"),
        ("Generic S3 error: Unable to extract metadata from headers: ETag Header", "not-s3"),
        (broken("legacy::Error(\n   Connect,\n  InvalidCertificate(Expired)"), "tls"),
    ],
)
def test_its_words_are_understood(text, kind):
    found = translate(GenericError(text), PLACE)
    if isinstance(kind, str):
        assert isinstance(found, BackendUnavailable)
        assert found.kind == kind
    else:
        assert type(found) is kind


@pytest.mark.parametrize(
    ("text", "unknown", "unreachable"),
    [
        (status("409 Conflict", xml("ConditionalRequestConflict")), False, False),
        (status("503 Service Unavailable", xml("SlowDown")), False, False),
        (status("500 Internal Server Error", xml("InternalError")), True, False),
        (broken('HttpError { kind: Connect, error: "tcp connect error" }'), False, True),
        (broken("kind: Timeout, hyper_util::client::legacy::Error(\n  Connect, ..."), False, True),
        (broken("HttpError { kind: Timeout, source: TimedOut }"), True, False),
        (broken("HttpError { kind: Request, source: IncompleteMessage }"), True, False),
        ("Generic S3 error: HTTP error: request or response body error", True, False),
        ("a sentence of a later version", True, False),
    ],
)
def test_what_may_pass_says_whether_it_may_have_been_done(text, unknown, unreachable):
    found = translate(GenericError(text), PLACE)
    assert type(found) is Transient
    assert (found.unknown, found.unreachable) == (unknown, unreachable)
    assert "\n" not in found.message


def test_the_class_of_its_errors_is_not_believed():
    # A missing bucket is a FileNotFoundError to it, a missing key at a swap a precondition.
    told = status("404 Not Found", xml("NoSuchBucket"))
    assert translate(FileNotFoundError(told), PLACE).kind == "bucket-missing"
    told = status("404 Not Found", xml("NoSuchKey"))
    assert isinstance(translate(PreconditionError(told), PLACE), KeyMissing)
    told = status("403 Forbidden", xml("RequestTimeTooSkewed"))
    assert translate(PermissionDeniedError(told), PLACE).kind == "clock-skew"


def test_what_it_cannot_do_goes_through_s3fs(monkeypatch, ministack, new_bucket):
    asked = []
    send = S3fsDriver._ask
    monkeypatch.setattr(S3fsDriver, "_ask", lambda *a, **b: asked.append(a[1]) or send(*a, **b))
    bucket = new_bucket(ministack)
    backend = open_backend(bucket.url, storage_options=ministack.storage_options)
    backend.put("a", b"x")
    assert [entry.key for entry in backend.list("")] == ["a"]
    assert not asked
    control = ministack.client()
    control.put_object(Bucket=bucket.name, Key="odd/.", Body=b"")  # obstore lists none then
    control.close()
    assert [entry.key for entry in backend.list("")] == ["a"]
    version = backend.get_with_version("a")[1]
    assert not backend.delete_if_version("a", '"stale"')
    assert backend.delete_if_version("a", version)
    assert asked == ["list_objects_v2", "delete_object", "delete_object"]
    backend.close()
