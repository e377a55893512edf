import pytest

from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.s3.errors import Answer, one_line, verdict
from graven.backends.s3.place import S3Place
from graven.errors import BackendUnavailable

PLACE = S3Place("s3://bucket/x", "bucket", "x/", "s3 aws bucket/x")


def told(status, code="", message="", headers=None, region=""):
    return verdict(Answer(status, code or str(status), message, headers or {}, region), PLACE)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "NoSuchKey", KeyMissing),
        (404, "404", KeyMissing),
        (412, "PreconditionFailed", ConditionFailed),
        (412, "412", ConditionFailed),
        (409, "ConditionalRequestConflict", Transient),
        (409, "OperationAborted", Transient),
        (429, "429", Transient),
        (503, "SlowDown", Transient),
        (400, "RequestTimeout", Transient),
        (400, "BadDigest", Transient),
        (307, "TemporaryRedirect", Transient),
        (500, "InternalError", Transient),
        (502, "502", Transient),
        (504, "504", Transient),
        (404, "NoSuchBucket", "bucket-missing"),
        (403, "InvalidAccessKeyId", "denied"),
        (403, "SignatureDoesNotMatch", "denied"),
        (403, "AccessDenied", "denied"),
        (403, "403", "denied"),
        (401, "Unauthorized", "denied"),
        (400, "ExpiredToken", "denied"),
        (400, "InvalidToken", "denied"),
        (403, "RequestTimeTooSkewed", "clock-skew"),
        (301, "PermanentRedirect", "wrong-region"),
        (400, "AuthorizationHeaderMalformed", "wrong-region"),
        (501, "NotImplemented", "not-supported"),
        (405, "MethodNotAllowed", "not-supported"),
        (400, "KeyTooLongError", "refused"),
    ],
)
def test_each_answer_has_its_meaning(status, code, kind):
    found = told(status, code, "words")
    if isinstance(kind, str):
        assert isinstance(found, BackendUnavailable)
        assert found.kind == kind
        assert not found.message.endswith(".")
    else:
        assert type(found) is kind


def test_only_what_may_have_been_done_is_in_doubt():
    doubt = {status: told(status).unknown for status in (409, 429, 500, 502, 503, 504)}
    assert [status for status, unknown in doubt.items() if unknown] == [500, 502, 504]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("Sat, 21 Nov 2026 17:31:43 GMT", None)],
)
def test_the_wait_that_a_server_asks_for_is_passed_on(header, seconds):
    assert told(503, "SlowDown", headers={"retry-after": header}).after == seconds


def test_a_region_is_named_from_body_or_header():
    for found in (
        told(301, "PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"}),
        told(400, "AuthorizationHeaderMalformed", region="eu-west-1"),
        told(400, "400", headers={"x-amz-bucket-region": "eu-west-1"}),
    ):
        assert found.fields["region"] == "eu-west-1"
        assert "'eu-west-1'" in found.message
    assert "in another region" in told(301).message


def test_a_web_page_is_not_s3_whatever_its_status():
    page = {"content-type": "text/html; charset=utf-8"}
    for status in (403, 404, 500, 503):
        assert told(status, headers=page).kind == "not-s3"
    assert isinstance(told(404, "NoSuchKey", headers=page), KeyMissing)


def test_words_of_a_stranger_become_one_line():
    assert one_line("a\n\tb\x1b[31m c.") == "a b [31m c"
    assert len(one_line("x" * 5000)) == 200
