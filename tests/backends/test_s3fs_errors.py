from types import SimpleNamespace

import aiohttp
import botocore.exceptions as boto
import pytest
from botocore.parsers import ResponseParserError
from fsspec.exceptions import FSTimeoutError

from graven.backends.driver import Transient
from graven.backends.redaction import Redactor
from graven.backends.s3.place import S3Place
from graven.backends.s3.s3fs_errors import TROUBLE, trouble

PLACE = S3Place("s3://bucket/x", "bucket", "x/", "s3 aws bucket/x")
WHERE = "http://host:9"
KEY = SimpleNamespace(host="host", port=9, ssl=True, is_ssl=False)
REFUSED = aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused"))


def told(error):
    assert isinstance(error, TROUBLE)
    return trouble(error, PLACE, WHERE, Redactor("", {"secret": "very-secret"}))


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url=WHERE, error=REFUSED),
        boto.ConnectTimeoutError(endpoint_url=WHERE, error=TimeoutError()),
        boto.ProxyConnectionError(proxy_url="http://proxy", error=OSError()),
    ],
)
def test_no_connection_did_nothing(error):
    found = told(error)
    assert type(found) is Transient
    assert found.unreachable
    assert not found.unknown
    assert found.message == f"no connection to {WHERE}"


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url=WHERE, error=aiohttp.ClientOSError(104, "reset")),
        boto.ConnectionClosedError(endpoint_url=WHERE),
        boto.ReadTimeoutError(endpoint_url=WHERE, error=TimeoutError()),
        boto.HTTPClientError(error=ValueError("odd")),
        boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        boto.ResponseStreamingError(error=OSError()),
        aiohttp.ClientPayloadError("cut"),
        TimeoutError(),
        FSTimeoutError(),
        ConnectionResetError(104, "reset"),
    ],
)
def test_what_broke_off_may_have_been_done(error):
    found = told(error)
    assert type(found) is Transient
    assert found.unknown
    assert not found.unreachable
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (boto.NoCredentialsError(), "no-credentials"),
        (boto.PartialCredentialsError(provider="env", cred_var="secret"), "no-credentials"),
        (boto.CredentialRetrievalError(provider="sso", error_msg="gone"), "no-credentials"),
        (boto.UnauthorizedSSOTokenError(), "no-credentials"),
        (boto.ProfileNotFound(profile="work"), "no-credentials"),
        (boto.SSLError(endpoint_url=WHERE, error=OSError("expired")), "tls"),
        (ResponseParserError("not well-formed"), "not-s3"),
        (boto.ParamValidationError(report="Unknown parameter: IfMatch"), "driver-old"),
        (boto.InvalidRegionError(region_name="very-secret"), "refused"),
    ],
)
def test_what_will_not_pass_is_said_at_once(error, kind):
    found = told(error)
    assert found.kind == kind
    assert "very-secret" not in found.message
