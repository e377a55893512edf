"""The driver for Google Cloud Storage, on fake-gcs-server."""

import json
import os
import socket
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from graven import ids
from graven.backends import open_backend
from graven.backends.driver import KeyMissing, Transient
from graven.backends.gcs import opening as gcs
from graven.backends.gcs.opening import open_driver
from graven.backends.gcs.place import parse_place
from graven.backends.redaction import Redactor
from graven.backends.remote import RemoteBackend
from graven.backends.retrying import RetryPolicy
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.testing.proxy import answer, cut_request, lose_reply, reset, truncate
from graven.testing.suites import BackendSuite

pytest.importorskip("gcsfs")

from graven.backends.gcs.errors import Answer, verdict

ONCE = RetryPolicy(attempts=1, connects=1)
PLACE = parse_place("gs://bucket/folder")
REDACTOR = Redactor(PLACE.url, {})


class TestGCS(BackendSuite):
    rounds = 8
    enforces_delete = False  # the emulator ignores it; the service does not

    @pytest.fixture(autouse=True)
    def _bucket(self, fake_gcs, new_bucket):
        self.bucket = new_bucket(fake_gcs)

    def open(self, tmp_path):
        url = f"{self.bucket.url}/{tmp_path.name}"
        return open_backend(url, storage_options=self.bucket.storage_options)

    def poke(self, backend, key, data):
        name = quote(backend.driver._place.root + key, safe="")
        url = f"{self.objects('/upload')}?uploadType=media&name={name}"
        urllib.request.urlopen(urllib.request.Request(url, data=data, method="POST")).close()

    def peek(self, backend, key):
        name = quote(backend.driver._place.root + key, safe="")
        try:
            with urllib.request.urlopen(f"{self.objects()}/{name}?alt=media") as found:
                return found.read()
        except urllib.error.HTTPError as error:
            error.close()
            assert error.code == 404
            return None

    def objects(self, service=""):
        return f"{self.bucket.server.endpoint}{service}/storage/v1/b/{self.bucket.name}/o"


@pytest.fixture
def bucket(fake_gcs, new_bucket):
    return new_bucket(fake_gcs)


@pytest.fixture
def proxied(fake_gcs, bucket, new_proxy):
    """A backend behind a proxy, and the proxy."""
    proxy = new_proxy(fake_gcs)
    driver = open_driver(f"{bucket.url}/store", fake_gcs.options(proxy.url))
    backend = RemoteBackend(driver, RetryPolicy(first=0.0))
    yield backend, proxy
    backend.close()


def test_each_call_is_one_request(proxied):
    backend, proxy = proxied
    version = backend.put_if_absent("packs/a", b"0123456789")
    calls = [
        lambda: backend.get("packs/a"),
        lambda: backend.get_with_version("packs/a"),
        lambda: backend.get_range("packs/a", 2, 3),
        lambda: backend.get_tail("packs/a", 3),
        lambda: backend.head("packs/a"),
        lambda: list(backend.list("packs/")),
        lambda: backend.names_after("packs", "0"),
        lambda: backend.put("packs/b", b"x" * 3_000_000),
        lambda: backend.put_if_absent("packs/b", b"x"),
        lambda: backend.put_if_version("packs/a", b"", version),
        lambda: backend.delete("packs/b"),
        lambda: backend.delete("packs/b"),
        lambda: backend.head("packs/b"),
        lambda: backend.get_tail("packs/a", 3),  # last: after this answer the emulator hangs up
    ]
    for number, call in enumerate(calls):
        proxy.reset()
        call()
        assert proxy.count() == 1, number
    proxy.reset()
    backend.now_ms()  # what was heard with the answers
    assert proxy.count() == 0


def test_a_listing_may_begin_behind_a_key(proxied):
    backend, _ = proxied
    for number in range(5):
        backend.put(f"packs/{number}", b"")
    assert sorted(backend.names_after("packs", "2")) == ["3", "4"]
    assert len([*backend.driver.list("packs/", after="packs/3", deep=False)]) <= 2


def test_marks_of_empty_folders_are_not_shown(bucket, proxied):
    backend, _ = proxied
    backend.put("packs/a", b"x")
    url = f"{bucket.server.endpoint}/upload/storage/v1/b/{bucket.name}/o?uploadType=media&name="
    for name in ("store/packs/", "store//b"):
        with urllib.request.urlopen(urllib.request.Request(url + quote(name), data=b"")):
            pass
    assert backend.names("packs") == ["a"]
    assert [entry.key for entry in backend.list("")] == ["packs/a"]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_answers_that_pass_are_waited_out(proxied, status):
    backend, proxy = proxied
    for method in ("POST", "GET", "DELETE"):
        proxy.fail(answer(status), method=method, times=2)
    backend.put("a", b"x")
    assert backend.get("a") == b"x"
    backend.delete("a")
    assert backend.head("a") is None


@pytest.mark.parametrize("fault", [reset(), truncate(), cut_request()], ids=lambda f: f.kind)
def test_what_breaks_on_the_way_is_sent_again(proxied, fault):
    backend, proxy = proxied
    proxy.fail(fault, method="POST")
    backend.put("a", b"x" * 2_000_000)
    if fault.kind != "cut":
        proxy.fail(fault, method="GET")
    assert backend.get("a") == b"x" * 2_000_000


def test_a_lost_answer_looks_like_a_conflict_and_is_no_error(proxied):
    backend, proxy = proxied
    version = backend.put_if_absent("a", b"one")
    proxy.fail(lose_reply(), method="POST")
    assert backend.put_if_version("a", b"two", version) is None
    assert backend.get("a") == b"two"


def test_an_answer_that_never_comes_is_said_to_be_in_doubt(fake_gcs, bucket, new_proxy):
    proxy = new_proxy(fake_gcs)
    backend = RemoteBackend(open_driver(bucket.url, fake_gcs.options(proxy.url)), ONCE)
    proxy.fail(lose_reply(), method="POST")
    with pytest.raises(BackendUnavailable) as caught:
        backend.put("a", b"x")
    assert caught.value.kind == "timeout"
    backend.close()


def test_a_missing_bucket_is_named(fake_gcs):
    calls = [
        lambda backend: backend.get("store.json"),
        lambda backend: backend.get_tail("store.json", 1),
        lambda backend: backend.head("store.json"),
        lambda backend: backend.list("packs/"),
        lambda backend: backend.put("a", b"x"),
        lambda backend: backend.put_if_absent("a", b"x"),
        lambda backend: backend.now_ms(),
    ]
    for call in calls:
        driver = open_driver("gs://no-such-bucket/a", fake_gcs.options())
        backend = RemoteBackend(driver, ONCE)
        with pytest.raises(BackendUnavailable) as caught:
            call(backend)
        assert caught.value.kind == "bucket-missing"
        assert "no-such-bucket" in str(caught.value)
        assert caught.value.hint
        backend.close()


def test_nobody_at_home_is_said_in_a_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        options = {"endpoint_url": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        backend = RemoteBackend(open_driver("gs://bucket/store", options), ONCE)
        with pytest.raises(BackendUnavailable) as caught:
            backend.get("store.json")
        backend.close()
    assert caught.value.kind == "unreachable"
    assert "\n" not in str(caught.value)


def test_what_is_no_cloud_storage_is_said_to_be_none(proxied):
    backend, proxy = proxied
    page = answer(200, body=b"<html>hello</html>")
    for call in (lambda: backend.list(""), lambda: backend.get("a"), lambda: backend.head("a")):
        proxy.fail(page)
        with pytest.raises(BackendUnavailable) as caught:
            call()
        assert caught.value.kind == "not-gcs"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_goes_on_with_connections_of_its_own(proxied):
    backend, _ = proxied
    backend.put("a", b"x")
    child = os.fork()
    if child == 0:
        backend.put("b", b"y")
        os._exit(0 if backend.get("a") == b"x" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend.get("b") == b"y"


def test_a_backend_works_again_after_it_was_closed(proxied):
    backend, _ = proxied
    backend.put("a", b"x")
    backend.close()
    assert backend.get("a") == b"x"


def test_a_body_that_holds_the_frame_of_an_upload_arrives(proxied):
    backend, _ = proxied
    with ids.drawn_from(lambda count: b"\x11" * count):
        frame = f"\r\n--{'11' * 16}".encode()
        backend.put("b", frame[:-1] + b"x")
    assert backend.get("b") == frame[:-1] + b"x"


# Answers and options, without a server.


def said(status, message="words", *, anonymous=False, **headers):
    body = json.dumps({"error": {"code": status, "message": message}}).encode()
    return verdict(Answer(status, headers, body), PLACE, REDACTOR, anonymous=anonymous)


@pytest.mark.parametrize(
    ("status", "anonymous", "kind"),
    [
        (401, True, "no-credentials"),
        (403, True, "no-credentials"),
        (401, False, "denied"),
        (403, False, "denied"),
        (400, False, "refused"),
    ],
)
def test_refusals(status, anonymous, kind):
    error = said(status, "a\nlong story.", anonymous=anonymous)
    assert isinstance(error, BackendUnavailable)
    assert error.kind == kind
    assert PLACE.url in str(error)
    assert "a long story" in str(error)


def test_the_bucket_and_the_object_are_told_apart():
    assert isinstance(said(404, "No such object: bucket/folder/a"), KeyMissing)
    assert said(404, "The specified bucket does not exist.").kind == "bucket-missing"


def test_what_may_have_been_done_is_in_doubt():
    assert [said(status).unknown for status in (429, 503, 500, 502, 504)] == [
        *(False, False),
        *(True, True, True),
    ]
    waits = [said(503, **{"Retry-After": text}).after for text in ("7", "-1", "soon")]
    assert waits == [7.0, 0.0, None]


def test_places():
    assert parse_place("gs://bucket") == ("gs://bucket", "bucket", "")
    assert parse_place("gcs://bucket/a//b/") == ("gs://bucket/a/b", "bucket", "a/b/")
    for url in ("gs://", "gs:///a", "gs://UP/a", "gs://bucket/a/../b", "gs://bucket/" + "a" * 600):
        with pytest.raises(InvalidInput) as caught:
            parse_place(url)
        assert caught.value.kind == "bad-url"
    with pytest.raises(InvalidInput) as caught:
        parse_place("gs://hush-hush@bucket/a")
    assert "hush" not in str(caught.value)


def test_options_are_looked_at_before_anything_is_sent(tmp_path):
    for options in (
        {"token": str(tmp_path / "nothing.json")},
        {"endpoint_url": "localhost:4443"},
    ):
        with pytest.raises(InvalidInput) as caught:
            open_driver("gs://bucket/a", options)
        assert caught.value.kind == "bad-option"
    driver = open_driver(
        "gs://bucket/a", {"endpoint_url": "http://u:hush-hush@localhost:1/", "access": "none"}
    )
    assert driver.place == "gs http://localhost:1 bucket/a/"
    with pytest.raises((InvalidInput, BackendUnavailable)):
        driver.head("a")


def test_a_token_that_is_none_is_denied(tmp_path):
    token = tmp_path / "token.json"
    token.write_text("{}")
    backend = RemoteBackend(open_driver("gs://bucket/a", {"token": str(token)}), ONCE)
    with pytest.raises(BackendUnavailable) as caught:
        backend.get("a")
    assert caught.value.kind == "denied"
    assert caught.value.hint


def test_without_gcsfs_the_way_to_it_is_named(monkeypatch):
    monkeypatch.setattr(gcs, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput) as caught:
        open_driver("gs://bucket/a", {})
    assert caught.value.kind == "driver-missing"
    assert caught.value.hint == "pip install 'graven[gcs]'"


def test_a_key_that_is_not_there_is_not_found(proxied):
    backend, proxy = proxied
    with pytest.raises(NotFound):
        backend.get("a")  # looks once whether the bucket is there
    proxy.reset()
    with pytest.raises(NotFound):
        backend.get("a")
    assert proxy.count() == 1


def test_dates_that_never_come_are_missed(proxied):
    backend, proxy = proxied
    proxy.fail(answer(200, body=b"{}"))
    with pytest.raises(Transient):
        backend.driver.now_ms()
