"""The driver for Azure Blob Storage, on Azurite."""

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from graven.backends import open_backend
from graven.backends.azure import opening as azure
from graven.backends.azure.opening import open_driver
from graven.backends.azure.place import parse_place
from graven.backends.driver import ConditionFailed, KeyMissing, Transient
from graven.backends.redaction import Redactor
from graven.backends.remote import RemoteBackend
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.testing.proxy import answer, lose_reply, reset, truncate
from graven.testing.suites import BackendSuite

pytest.importorskip("adlfs")

import aiohttp
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from azure.storage.blob import BlobServiceClient

from graven.backends.azure.errors import translate

ONCE = RetryPolicy(attempts=1, connects=1)
PLACE = parse_place("az://container/folder")
REDACTOR = Redactor(PLACE.url, {"account_key": "hush-hush"})
BIG = bytes(range(256)) * 8192


def clients(bucket):
    """Azure's own client for a container, which knows nothing of ours."""
    service = BlobServiceClient.from_connection_string(bucket.server.connection_string())
    return service.get_container_client(bucket.name)


class TestAzure(BackendSuite):
    rounds = 8

    @pytest.fixture(autouse=True)
    def _bucket(self, azurite, new_bucket):
        self.bucket = new_bucket(azurite)
        with clients(self.bucket) as self.container:
            yield

    def open(self, tmp_path):
        url = f"{self.bucket.url}/{tmp_path.name}"
        return open_backend(url, storage_options=self.bucket.storage_options)

    def poke(self, backend, key, data):
        name = backend.driver._place.root + key
        self.container.get_blob_client(name).upload_blob(data, overwrite=True)

    def peek(self, backend, key):
        blob = self.container.get_blob_client(backend.driver._place.root + key)
        return blob.download_blob().readall() if blob.exists() else None


@pytest.fixture
def bucket(azurite, new_bucket):
    return new_bucket(azurite)


@pytest.fixture
def proxied(azurite, bucket, new_proxy):
    """A backend behind a proxy, and the proxy."""
    proxy = new_proxy(azurite)
    driver = open_driver(f"{bucket.url}/store", azurite.options(proxy.url))
    backend = RemoteBackend(driver, RetryPolicy(first=0.0))
    yield backend, proxy
    backend.close()


def test_how_many_requests_each_call_is(azurite, bucket, proxied):
    backend, proxy = proxied
    version = backend.put_if_absent("packs/a", b"0123456789")
    calls = [
        (1, lambda: backend.get("packs/a")),
        (1, lambda: backend.get_with_version("packs/a")),
        (1, lambda: backend.get_range("packs/a", 2, 3)),
        (1, lambda: backend.get_range("packs/a", 20, 3)),
        (1, lambda: backend.get_tail("packs/a", 3)),  # the size was seen
        (1, lambda: backend.head("packs/a")),
        (1, lambda: list(backend.list("packs/"))),
        (1, lambda: backend.names("packs")),
        (1, lambda: backend.put("packs/b", BIG)),
        (1, lambda: backend.get("packs/b")),
        (1, lambda: backend.put_if_absent("packs/b", b"x")),
        (1, lambda: backend.put_if_version("packs/a", b"", version)),
        (1, lambda: backend.delete("packs/b")),
        (1, lambda: backend.delete("packs/b")),
        (1, lambda: backend.head("packs/b")),
        (0, backend.now_ms),  # what was heard with the answers
    ]
    for number, (wanted, call) in enumerate(calls):
        proxy.reset()
        call()
        assert proxy.count() == wanted, number
    backend.put("packs/c", b"0123456789")
    other = open_driver(f"{bucket.url}/store", azurite.options(proxy.url))
    proxy.reset()
    assert other.get_tail("packs/c", 3).data == b"789"  # the size was not seen
    assert proxy.count() == 2
    other.close()


@pytest.mark.parametrize("size", [0, 2, 4, 10, 30])
def test_a_tail_is_right_though_the_size_has_changed(bucket, proxied, size):
    backend, _ = proxied
    backend.put("packs/a", b"0123456789")
    body = bytes(range(size))
    with clients(bucket) as container:
        container.upload_blob("store/packs/a", body, overwrite=True)
    assert backend.get_tail("packs/a", 4) == (body[-4:], size)


def test_marks_of_folders_are_not_shown(bucket, proxied):
    backend, _ = proxied
    backend.put("packs/a", b"x")
    with clients(bucket) as container:
        container.upload_blob("store/packs", b"", metadata={"hdi_isfolder": "true"})
        container.upload_blob("store//b", b"")
    assert backend.names("") == []
    assert [entry.key for entry in backend.list("")] == ["packs/a"]
    assert backend.head("packs") is None
    with pytest.raises(NotFound):
        backend.get("packs")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_answers_that_pass_are_waited_out(proxied, status):
    backend, proxy = proxied
    for method in ("PUT", "GET", "DELETE", "HEAD"):
        proxy.fail(answer(status), method=method, times=2)
    backend.put("a", BIG)
    assert backend.get("a") == BIG
    assert backend.head("a").size == len(BIG)
    backend.delete("a")
    assert backend.head("a") is None


@pytest.mark.parametrize("fault", [reset(), truncate()], ids=lambda fault: fault.kind)
def test_what_breaks_on_the_way_is_sent_again(proxied, fault):
    backend, proxy = proxied
    proxy.fail(fault, method="PUT")
    backend.put("a", BIG)
    proxy.fail(fault, method="GET")
    assert backend.get("a") == BIG


def test_a_lost_answer_looks_like_a_conflict_and_is_no_error(proxied):
    backend, proxy = proxied
    version = backend.put_if_absent("a", b"one")
    proxy.fail(lose_reply(), method="PUT")
    assert backend.put_if_version("a", b"two", version) is None
    assert backend.get("a") == b"two"


def test_an_answer_that_never_comes_is_said_to_be_in_doubt(azurite, bucket, new_proxy):
    proxy = new_proxy(azurite)
    backend = RemoteBackend(open_driver(bucket.url, azurite.options(proxy.url)), ONCE)
    proxy.fail(lose_reply(), method="PUT", times=2)  # aiohttp sends on a used connection twice
    with pytest.raises(BackendUnavailable) as caught:
        backend.put("a", b"x")
    assert caught.value.kind == "timeout"
    backend.close()


def test_a_missing_container_is_named(azurite):
    calls = [
        lambda backend: backend.get("store.json"),
        lambda backend: backend.get_tail("store.json", 1),
        lambda backend: backend.head("store.json"),
        lambda backend: backend.list("packs/"),
        lambda backend: backend.names("packs"),
        lambda backend: backend.put("a", b"x"),
        lambda backend: backend.put_if_absent("a", b"x"),
        lambda backend: backend.delete("a"),
        lambda backend: backend.now_ms(),
    ]
    for call in calls:
        backend = RemoteBackend(open_driver("az://no-such-box/a", azurite.options()), ONCE)
        with pytest.raises(BackendUnavailable) as caught:
            call(backend)
        assert caught.value.kind == "bucket-missing"
        assert "no-such-box" in str(caught.value)
        assert caught.value.hint
        backend.close()


def test_a_wrong_key_is_denied(azurite, bucket):
    text = azurite.connection_string().replace("AccountKey=Eby8", "AccountKey=AAAA")
    backend = RemoteBackend(open_driver(bucket.url, {"connection_string": text}), ONCE)
    for call in (lambda: backend.get("a"), lambda: backend.put("a", b""), lambda: backend.list("")):
        with pytest.raises(BackendUnavailable) as caught:
            call()
        assert caught.value.kind == "denied"
        assert "\n" not in str(caught.value)
        assert "AAAA" not in str(caught.value)
        assert caught.value.hint
    backend.close()


def test_nobody_at_home_is_said_in_a_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/me"
        text = f"AccountName=me;AccountKey=aHVzaC1odXNo;BlobEndpoint={address};"
        backend = RemoteBackend(open_driver("az://container", {"connection_string": text}), ONCE)
        with pytest.raises(BackendUnavailable) as caught:
            backend.get("store.json")
        backend.close()
    assert caught.value.kind == "unreachable"
    assert "\n" not in str(caught.value)
    assert backend.place == f"az {address} container/"


FORKS = """
import os, sys
from graven.backends.azure.opening import open_driver
driver = open_driver(sys.argv[1], {"connection_string": sys.argv[2]})
driver.put("a", b"x")
if os.fork() == 0:
    driver.put("b", b"y")
    sys.exit(0)  # by the way of all exits, with what libraries have arranged for them
print(os.waitstatus_to_exitcode(os.wait()[1]), driver.get("b").data)
if os.fork() == 0:
    sys.exit(0)  # without a request of its own
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_goes_on_with_connections_of_its_own_and_ends(azurite, bucket):
    done = subprocess.run(
        [sys.executable, "-c", FORKS, f"{bucket.url}/store", azurite.connection_string()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,  # it hung for ever once
    )
    assert (done.stdout, done.stderr) == ("0 b'y'\n0\n", "")


def test_a_backend_works_again_after_it_was_closed(proxied):
    backend, _ = proxied
    backend.put("a", b"x")
    backend.close()
    assert backend.get("a") == b"x"


# Errors and options, without a server.


def failed(status, code="", message="hush-hush\nRequestId:1", **headers):
    response = SimpleNamespace(
        status_code=status, reason="", headers=headers, request=None, text=lambda *_: message
    )
    error = HttpResponseError(message)
    error.response, error.status_code, error.error_code = response, status, code
    return error


def told(error, *, anonymous=False):
    return translate(error, PLACE, REDACTOR, anonymous=anonymous)


@pytest.mark.parametrize(
    ("status", "code", "anonymous", "kind"),
    [
        (403, "AuthenticationFailed", False, "denied"),
        (403, "AuthorizationPermissionMismatch", False, "denied"),
        (401, "NoAuthenticationInformation", True, "no-credentials"),
        (409, "PublicAccessNotPermitted", True, "no-credentials"),
        (404, "ResourceNotFound", True, "no-credentials"),
        (404, "ContainerNotFound", False, "bucket-missing"),
        (412, "LeaseIdMissing", False, "refused"),
        (409, "BlobImmutableDueToPolicy", False, "refused"),
        (409, "SnapshotsPresent", False, "refused"),
        (400, "InvalidInput", False, "refused"),
    ],
)
def test_refusals(status, code, anonymous, kind):
    error = told(failed(status, code), anonymous=anonymous)
    assert isinstance(error, BackendUnavailable)
    assert error.kind == kind
    assert "\n" not in str(error)
    assert "hush" not in str(error)


def test_conditions_and_what_is_missing():
    assert isinstance(told(failed(412, "ConditionNotMet")), ConditionFailed)
    assert isinstance(told(failed(409, "BlobAlreadyExists")), ConditionFailed)
    assert isinstance(told(failed(404, "BlobNotFound")), KeyMissing)


@pytest.mark.parametrize(
    ("error", "unknown", "unreachable"),
    [
        (failed(409, "OperationTimedOut"), False, False),
        (failed(429), False, False),
        (failed(503, "ServerBusy"), False, False),
        (failed(500, "OperationTimedOut"), True, False),
        (ServiceRequestTimeoutError("slow"), False, True),
        (ServiceResponseTimeoutError("slow"), True, False),
        (ServiceRequestError("gone", error=aiohttp.ServerDisconnectedError()), True, False),
        (
            ServiceRequestError(
                "no", error=aiohttp.ClientConnectorError(SimpleNamespace(), OSError(111, "no"))
            ),
            False,
            True,
        ),
        (HttpResponseError("the answer broke off"), True, False),
    ],
)
def test_what_may_pass(error, unknown, unreachable):
    found = told(error)
    assert isinstance(found, Transient)
    assert (found.unknown, found.unreachable) == (unknown, unreachable)


def test_waits_that_the_server_asks_for_are_kept():
    waits = [told(failed(503, **{"Retry-After": text})).after for text in ("7", "-1", "soon")]
    assert waits == [7.0, 0.0, None]


def test_nobody_logged_in_is_told_how_to():
    error = told(ClientAuthenticationError("DefaultAzureCredential failed\nand so on"))
    assert error.kind == "no-credentials"
    assert "az login" in error.hint
    assert "so on" not in str(error)


def test_places():
    assert parse_place("az://box/a//b/")[:4] == ("az://box/a/b", "box", "a/b/", "")
    usual = parse_place("abfs://box@account.dfs.core.windows.net/a")
    assert usual == ("abfs://box@account.dfs.core.windows.net/a", "box", "a/", "account", "")
    other = parse_place("abfss://box@account.dfs.core.usgovcloudapi.net")
    assert other.account_host == "account.blob.core.usgovcloudapi.net"
    assert parse_place("az://account.blob.core.windows.net/box/a")[1:4] == ("box", "a/", "account")
    for url in ("az://", "az:///a", "az://UP", "az://a--b", "az://box/../a", "az://box@host/a"):
        with pytest.raises(InvalidInput) as caught:
            parse_place(url)
        assert caught.value.kind == "bad-url"
    with pytest.raises(InvalidInput) as caught:
        parse_place("az://me:hush-hush@account.dfs.core.windows.net/a")
    assert "hush" not in str(caught.value)


def test_options_are_looked_at_before_anything_is_sent(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    for options, kind in (
        ({"connection_string": "AccountKey=hush-hush"}, "bad-option"),
        ({"anon": True}, "no-credentials"),
    ):
        with pytest.raises((InvalidInput, BackendUnavailable)) as caught:
            open_driver("az://container/a", options)
        assert caught.value.kind == kind
        assert "hush" not in str(caught.value)
    driver = open_driver("abfs://box@account.dfs.core.windows.net/a", {"sas_token": "hush-hush"})
    assert driver.place == "az https://account.blob.core.windows.net box/a/"
    driver.close()


def test_without_adlfs_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setattr(azure, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput) as caught:
        open_driver("az://container/a", {})
    assert caught.value.kind == "driver-missing"
    assert caught.value.hint == "pip install 'graven[azure]'"
