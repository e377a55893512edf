"""What real services do to conditional writes, with both clients, through a proxy."""

import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from graven.backends import driver as seam
from graven.backends import open_backend
from graven.backends.driver import ConditionFailed, Transient
from graven.testing.proxy import answer, cut_request, hang, lose_reply, truncate

pytestmark = pytest.mark.usefixtures("bare_environment")

LARGE = bytes(101 << 20)  # above 100 MiB s3fs would send parts, above 5 MiB obstore would


@pytest.fixture(params=["s3fs", "obstore"])
def client(request, monkeypatch):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", request.param)
    return request.param


@pytest.fixture
def proxy(ministack, new_proxy):
    return new_proxy(ministack)


@pytest.fixture
def backend(client, ministack, new_bucket, proxy):
    bucket = new_bucket(ministack)
    backend = open_backend(f"{bucket.url}/store", storage_options=ministack.options(proxy.url))
    yield backend
    backend.close()


def test_a_large_swap_is_one_put_with_its_condition(backend, proxy):
    version = backend.put_if_absent("a", b"small")
    proxy.reset()
    new = backend.put_if_version("a", LARGE, version)
    assert new is not None
    (request,) = proxy.requests
    assert (request.method, request.headers["if-match"]) == ("PUT", version)
    assert backend.put_if_version("a", LARGE[:-1], version) is None
    assert backend.put_if_absent("a", LARGE[:-1]) is None
    assert backend.head("a").size == len(LARGE)


def test_a_large_body_is_one_put(backend, proxy):
    body = bytes(6 << 20)
    backend.put("a", body)
    assert [request.method for request in proxy.requests] == ["PUT"]
    assert backend.get("a") == body


def test_a_lost_answer_is_in_doubt_and_nothing_is_sent_again(backend, proxy):
    driver = backend.driver
    version = driver.put_if_absent("a", b"first")  # and the connection is open
    proxy.fail(lose_reply(), method="PUT", times=2)
    calls = {
        "b": lambda: driver.put_if_absent("b", b"mine"),
        "a": lambda: driver.put_if_version("a", b"mine", version),
    }
    for key, call in calls.items():
        before = proxy.count("PUT", f"*/{key}")
        with pytest.raises(Transient) as caught:
            call()
        assert caught.value.unknown
        assert not caught.value.unreachable
        assert proxy.count("PUT", f"*/{key}") == before + 1
        assert driver.get(key).data == b"mine"


def test_a_lost_answer_to_a_delete_is_in_doubt(backend, proxy):
    if not backend.capabilities.swap_delete:
        pytest.skip("no conditional delete without s3fs")
    version = backend.put_if_absent("a", b"x")
    proxy.fail(lose_reply(), method="DELETE")
    with pytest.raises(Transient) as caught:
        backend.driver.delete_if_version("a", version)
    assert caught.value.unknown
    assert proxy.count("DELETE") == 1
    assert backend.head("a") is None


def test_ones_own_write_may_stand_in_the_way_after_a_lost_answer(backend, proxy):
    proxy.fail(lose_reply(), method="PUT", key="*/a")
    assert backend.put_if_absent("a", b"mine") is None
    body, version = backend.get_with_version("a")
    assert body == b"mine"
    proxy.fail(lose_reply(), method="PUT", key="*/a")
    assert backend.put_if_version("a", b"mine, too", version) is None
    assert backend.get("a") == b"mine, too"
    assert proxy.count("PUT", "*/a") == 4


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_busy_answers_are_sent_again(backend, proxy, status):
    proxy.fail(answer(status), times=2)
    version = backend.put_if_absent("a", b"one")
    assert version is not None
    assert proxy.count("PUT") == 3
    proxy.fail(answer(status), times=1)
    assert backend.put_if_version("a", b"two", version) is not None
    proxy.fail(answer(status), times=1)
    assert backend.get("a") == b"two"


@pytest.mark.parametrize(("status", "unknown"), [(409, False), (503, False), (500, True)])
def test_a_busy_answer_says_whether_it_may_have_been_done(backend, proxy, status, unknown):
    proxy.fail(answer(status))
    with pytest.raises(Transient) as caught:
        backend.driver.put_if_absent("a", b"one")
    assert caught.value.unknown is unknown
    assert not caught.value.unreachable
    assert proxy.count() == 1


def test_done_and_answered_with_an_error_is_in_doubt(backend, proxy):
    proxy.fail(answer(500, forward=True), method="PUT")
    assert backend.put_if_absent("a", b"mine") is None
    assert backend.get("a") == b"mine"


def test_a_refused_condition_is_asked_once(backend, proxy):
    version = backend.put_if_absent("a", b"one")
    proxy.reset()
    with pytest.raises(ConditionFailed):
        backend.driver.put_if_absent("a", b"two")
    with pytest.raises(ConditionFailed):
        backend.driver.put_if_version("a", b"two", '"stale"')
    with pytest.raises(ConditionFailed):
        backend.driver.put_if_version("gone", b"two", version)
    assert proxy.count() == 3


def test_an_empty_body_is_a_body(backend):
    version = backend.put_if_absent("a", b"")
    assert version
    assert backend.put_if_absent("a", b"") is None
    assert backend.get_with_version("a") == (b"", version)
    assert backend.get_tail("a", 8) == (b"", 0)
    assert backend.get_range("a", 0, 8) == b""
    assert backend.put_if_version("a", b"", '"stale"') is None
    assert backend.put_if_version("a", b"x", version) is not None


def test_equal_bodies_have_equal_versions(backend):
    # So a version does not tell two writes of one body apart: what must be told apart
    # (a ref that was moved and moved back) holds a write id.
    first = backend.put_if_absent("a", b"one")
    second = backend.put_if_version("a", b"two", first)
    assert backend.put_if_version("a", b"one", second) == first
    assert backend.put_if_version("a", b"three", first) is not None


def test_a_cut_answer_is_asked_for_again(backend, proxy):
    backend.put("a", b"0123456789" * 1000)
    for read in (
        lambda: backend.get("a"),
        lambda: backend.get_range("a", 0, 10_000),
        lambda: backend.get_tail("a", 10_000)[0],
    ):
        proxy.reset()
        proxy.fail(truncate(), method="GET")
        assert read() == b"0123456789" * 1000
        assert proxy.count("GET") == 2


def test_a_cut_request_is_sent_again(backend, proxy):
    proxy.fail(cut_request(), method="PUT")
    assert backend.put_if_absent("a", b"x" * 100_000) is not None
    assert backend.get("a") == b"x" * 100_000


def test_silence_is_in_doubt(monkeypatch, client, ministack, new_bucket, proxy):
    monkeypatch.setattr(seam, "READ_SECONDS", 0.5)
    url = new_bucket(ministack).url
    backend = open_backend(url, storage_options=ministack.options(proxy.url))
    proxy.fail(hang(5), method="PUT")
    with pytest.raises(Transient) as caught:
        backend.driver.put_if_absent("a", b"mine")
    assert caught.value.unknown
    assert backend.put_if_absent("a", b"mine") is not None
    backend.close()


@pytest.fixture(scope="module")
def crowded(ministack, new_bucket):
    """A bucket with more keys than fit a page."""
    bucket = new_bucket(ministack)
    control = ministack.client(max_pool_connections=8)

    def fill(number):
        control.put_object(Bucket=bucket.name, Key=f"store/packs/{number:04}", Body=b"")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, range(1001)))
    control.close()
    return bucket


def test_a_listing_is_a_request_for_each_thousand(client, crowded, ministack, proxy):
    backend = open_backend(f"{crowded.url}/store", storage_options=ministack.options(proxy.url))
    assert len(backend.names("packs")) == 1001
    assert proxy.count() == 2
    assert len(list(backend.list(""))) == 1001
    assert proxy.count() == 4
    assert backend.names_after("packs", "0990") == [f"{number:04}" for number in range(991, 1001)]
    assert proxy.count() == 5
    backend.close()


def test_keys_of_others_are_not_listed(backend, ministack):
    control = ministack.client()
    bucket = backend.url.split("/")[2]
    for key in ("store/", "store/a", "store//b", "store/runs/", "store/c:d", "elsewhere/x"):
        control.put_object(Bucket=bucket, Key=key, Body=b"")
    control.close()
    assert [entry.key for entry in backend.list("")] == ["a"]
    assert backend.names("") == ["a"]


def test_the_clock_is_the_services(backend):
    backend.put("a", b"x")
    entry = backend.head("a")
    assert abs(backend.now_ms() - entry.modified_ms) < 60_000


def test_what_was_heard_anyhow_costs_no_request(backend, proxy, client):
    assert backend.heard_ms() is None
    backend.put("a", b"x")
    heard = backend.heard_ms()
    assert proxy.count() == 1
    if client == "s3fs":  # obstore keeps what is in the headers of answers to itself
        assert abs(heard - backend.head("a").modified_ms) < 60_000
    else:
        assert heard is None


def test_it_tells_the_way_to_the_bucket_without_secrets(backend, client, ministack, proxy):
    about = backend.driver.about()
    assert about.service == "S3"
    assert about.library.startswith(client)
    assert about.endpoint == proxy.url
    assert about.credentials == "access key (storage options)"
    assert (about.prefix, about.region) == ("store/", "us-east-1")
    assert ministack.storage_options["secret"] not in str(about)
    assert proxy.count() == 0


def test_a_bucket_says_whether_it_keeps_versions(backend, ministack):
    assert backend.keeps_versions() is False
    control = ministack.client()
    on = {"Status": "Enabled"}
    control.put_bucket_versioning(Bucket=backend.url.split("/")[2], VersioningConfiguration=on)
    control.close()
    assert backend.keeps_versions() is True
    version = backend.put_if_absent("a", b"x")
    assert backend.put_if_version("a", b"y", version) is not None
    assert backend.put_if_version("a", b"z", version) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_reads_and_writes(backend):
    backend.put("a", b"from the parent")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and forks do not mix
        child = os.fork()
    if not child:
        signal.alarm(30)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = backend.get("a") == b"from the parent" and backend.put_if_absent("b", b"x")
            os._exit(0 if done else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert backend.get("b") == b"x"
