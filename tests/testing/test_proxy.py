"""The proxy passes on what it gets, counts it exactly, and fails what it is told to fail."""

import http.client
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pytest

from graven import clock
from graven.errors import InvalidInput
from graven.testing.proxy import (
    Proxy,
    answer,
    cut_request,
    hang,
    lose_reply,
    reset,
    truncate,
)

BIG = bytes(range(256)) * 4096  # 1 MiB


class Handler(BaseHTTPRequestHandler):
    """Keeps what is PUT, in memory; what it saw stands in ``server.seen``."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:
                self.server.cut.append(len(body))
                return
        self.server.kept[self.path] = body
        self.server.seen.append(dict(self.headers))
        self.reply(201, b"kept")

    def do_GET(self):
        body = self.server.kept.get(self.path)
        if self.path.startswith("/chunked"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n")
        elif self.path.startswith("/until-close"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BIG)
            self.close_connection = True
        elif body is None:
            self.reply(404, b"no")
        else:
            self.reply(200, body)

    do_HEAD = do_GET  # noqa: N815  # the name that the base class looks up

    def do_DELETE(self):
        self.server.kept.pop(self.path, None)
        self.send_response(204)
        self.end_headers()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/session/1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def behind():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.kept, server.seen, server.cut = {}, [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(behind):
    with Proxy(f"http://127.0.0.1:{behind.server_port}") as proxy:
        yield proxy


class Client:
    """One keep-alive connection that never retries."""

    def __init__(self, proxy, timeout=30):
        self.http = http.client.HTTPConnection("127.0.0.1", int(proxy.url[17:]), timeout=timeout)

    def ask(self, method, path, body=None, headers=None, **more):
        self.http.request(method, path, body=body, headers=headers or {}, **more)
        reply = self.http.getresponse()
        return reply.status, reply.read(), reply.headers


@pytest.fixture
def client(proxy):
    client = Client(proxy)
    yield client
    client.http.close()


@pytest.fixture
def fails(client):
    """Asserts that a request gets no reply; the connection is closed after it."""

    def fails(*request):
        with pytest.raises((OSError, http.client.HTTPException)) as caught:
            client.ask(*request)
        client.http.close()
        return caught.value

    return fails


def test_bodies_of_every_framing_pass(proxy, behind, client):
    assert client.ask("PUT", "/a", BIG)[:2] == (201, b"kept")
    assert client.ask("GET", "/a")[1] == BIG
    status, body, headers = client.ask("HEAD", "/a")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(BIG)))
    assert client.ask("PUT", "/b", iter([b"ab", b"c"]), encode_chunked=True)[0] == 201
    assert behind.kept["/b"] == b"abc"
    assert client.ask("GET", "/chunked")[1] == b"abcdefg"
    assert client.ask("PUT", "/empty", b"")[0] == 201
    assert client.ask("DELETE", "/b")[0] == 204
    assert client.ask("GET", "/until-close")[1] == BIG
    assert {(r.method, r.key): r.size for r in proxy.requests}["PUT", "a"] == len(BIG)


def test_the_host_header_is_the_one_of_the_client(proxy, behind, client):
    client.ask("PUT", "/a", b"x")
    assert behind.seen[0]["Host"] == proxy.url.removeprefix("http://")


def test_expect_100_continue_is_answered(behind, client):
    client.http.putrequest("PUT", "/a")
    client.http.putheader("Content-Length", "3")
    client.http.putheader("Expect", "100-continue")
    client.http.endheaders()
    assert client.http.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.http.send(b"abc")
    assert client.http.getresponse().read() == b"kept"
    assert behind.kept["/a"] == b"abc"
    assert "Expect" not in behind.seen[0]


def test_locations_lead_through_the_proxy(proxy, client):
    assert client.ask("POST", "/", b"x")[2]["Location"] == f"{proxy.url}/session/1"


def test_requests_are_counted_exactly_also_from_many_threads(proxy):
    def work(number):
        client = Client(proxy)
        for _ in range(20):
            client.ask("PUT", f"/bucket/{number % 2}?x=1%2F2", b"x")
            client.ask("GET", "/bucket/a%20b")
        client.http.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert proxy.counts() == Counter(
        {
            ("PUT", "/bucket/0?x=1%2F2"): 80,
            ("PUT", "/bucket/1?x=1%2F2"): 80,
            ("GET", "/bucket/a%20b"): 160,
        }
    )
    assert proxy.count() == 320
    assert proxy.count("PUT") == proxy.count(key="bucket/?") == 160
    assert proxy.count("GET", "bucket/a b") == 160
    assert [r.number for r in proxy.requests] == list(range(1, 321))
    assert {r.status for r in proxy.requests} == {201, 404}
    proxy.reset()
    assert proxy.count() == 0


def test_each_request_is_delayed(proxy, client):
    proxy.delay_ms = 50
    begin = clock.monotonic()
    for _ in range(4):
        client.ask("GET", "/a")
    assert clock.monotonic() - begin >= 0.2  # a lower bound holds on any machine


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "ConditionalRequestConflict"),
        (412, "PreconditionFailed"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "SlowDown"),
    ],
)
def test_an_answer_comes_before_the_server_is_asked(proxy, behind, client, status, code):
    rule = proxy.fail(answer(status), method="PUT", key="*/main", nth=2)
    got = [client.ask("PUT", f"/refs/{name}", b"x") for name in ("main", "v1", "main", "main")]
    assert [status for status, _, _ in got] == [201, 201, status, 201]
    assert f"<Code>{code}</Code>".encode() in got[2][1]
    assert len(behind.seen) == 3
    assert rule.hits == 1
    assert [r.fault for r in proxy.requests] == ["", "", f"answer {status}", ""]
    assert proxy.requests[2].status is None


def test_answers_can_come_after_the_deed_or_in_other_words(proxy, behind, client):
    proxy.fail(answer(503, "Busy", headers={"Retry-After": "1"}, forward=True))
    status, body, headers = client.ask("PUT", "/a", b"x")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert b"<Code>Busy</Code>" in body
    assert behind.kept == {"/a": b"x"}
    assert proxy.requests[0].status == 201


def test_the_dialects_word_errors_their_way(proxy, client):
    proxy.fail(answer(412), times=None)
    proxy.dialect = "az"
    assert client.ask("GET", "/a")[2]["x-ms-error-code"] == "ConditionNotMet"
    assert client.ask("HEAD", "/a")[:2] == (412, b"")
    proxy.dialect = "gs"
    assert b'"code": 412' in client.ask("GET", "/a")[1]
    proxy.heal()
    assert client.ask("GET", "/a")[0] == 404


def test_a_lost_reply_leaves_the_deed(proxy, behind, fails):
    proxy.fail(lose_reply(), method="PUT")
    fails("PUT", "/a", b"x")
    assert behind.kept == {"/a": b"x"}
    assert proxy.requests[0].status == 201


def test_a_reset_connection_did_nothing(proxy, behind, fails):
    proxy.fail(reset(), times=2)
    assert isinstance(fails("PUT", "/a", BIG), ConnectionError)
    assert isinstance(fails("GET", "/a"), ConnectionError)
    assert not behind.seen


def test_a_truncated_reply_is_noticed(proxy, client, fails):
    client.ask("PUT", "/a", BIG)
    proxy.fail(truncate(0.25), method="GET")
    error = fails("GET", "/a")
    assert isinstance(error, http.client.IncompleteRead)
    assert len(error.partial) == len(BIG) // 4


def test_a_request_that_was_cut_writes_nothing(proxy, behind, fails):
    proxy.fail(cut_request())
    fails("PUT", "/a", BIG)
    deadline = clock.monotonic() + 10
    while not behind.cut and clock.monotonic() < deadline:
        clock.sleep(0.01)
    assert behind.cut == [len(BIG) // 2]
    assert not behind.kept


def test_hanging_ends_in_silence_or_in_a_late_write(proxy, behind, fails):
    proxy.fail(hang(0.1))
    fails("PUT", "/a", b"x")
    assert not behind.kept
    proxy.fail(hang(0.5, forward=True))
    impatient = Client(proxy, timeout=0.05)
    with pytest.raises(TimeoutError):
        impatient.ask("PUT", "/late", BIG)
    impatient.http.close()
    deadline = clock.monotonic() + 10
    while "/late" not in behind.kept and clock.monotonic() < deadline:
        clock.sleep(0.01)
    assert behind.kept["/late"] == BIG


def test_nobody_listens_while_it_is_down(proxy, client):
    client.ask("GET", "/a")
    url = proxy.url
    with proxy.down():
        with pytest.raises(OSError):
            client.ask("GET", "/a")
        client.http.close()
        with pytest.raises(ConnectionRefusedError):
            client.ask("GET", "/a")
    client.http.close()
    assert client.ask("GET", "/a")[0] == 404
    assert proxy.url == url


def test_a_rule_may_look_at_the_request(proxy, client):
    proxy.fail(answer(409), times=None, when=lambda request: "if-match" in request.headers)
    assert client.ask("PUT", "/a", b"x", {"If-Match": '"1"'})[0] == 409
    assert client.ask("PUT", "/a", b"x")[0] == 201


def test_stop_ends_what_hangs(behind):
    with Proxy(f"http://127.0.0.1:{behind.server_port}") as proxy:
        proxy.fail(hang(600))
        client = Client(proxy)
        client.http.request("GET", "/a")
        while not proxy.requests:
            clock.sleep(0.01)
    with pytest.raises((OSError, http.client.HTTPException)):
        client.http.getresponse()
    client.http.close()


def test_a_target_that_is_no_plain_http_server_is_refused():
    for target in ("https://a", "a:80", "http://a/b"):
        with pytest.raises(InvalidInput):
            Proxy(target)


def test_signatures_stay_valid_on_every_server(any_server, new_bucket, new_proxy):
    bucket = new_bucket(any_server)
    proxy = new_proxy(any_server)
    files = fsspec.filesystem(
        bucket.protocol,
        **any_server.options(proxy.url),
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    path = f"{bucket.name}/refs/with space+plus"
    files.pipe_file(path, b"1", mode="create")
    assert files.cat_file(path) == b"1"
    assert files.find(bucket.name) == [path]
    large = BIG[:900_000]  # from 1 MiB on aiohttp warns
    files.pipe_file(f"{bucket.name}/big", large)
    assert files.cat_file(f"{bucket.name}/big", start=5, end=300) == large[5:300]
    files.rm_file(path)
    assert not files.exists(path)
    assert proxy.count() >= 6
    assert not [r for r in proxy.requests if r.status is None or r.status in (401, 403)]


def test_a_lost_reply_looks_like_a_conflict(s3_server, new_bucket, new_proxy):
    bucket = new_bucket(s3_server)
    proxy = new_proxy(s3_server)
    files = fsspec.filesystem("s3", **s3_server.options(proxy.url), skip_instance_cache=True)
    proxy.fail(lose_reply(), method="PUT")
    with pytest.raises(OSError):
        files.pipe_file(f"{bucket.name}/a", b"x", mode="create")
    assert [r.status for r in proxy.requests if r.method == "PUT"] == [200, 412]
    assert files.cat_file(f"{bucket.name}/a") == b"x"
