"""One clear line for what people get wrong, from real servers and from strange ones."""

import hashlib
import http.server
import re
import socket
import threading

import pytest

from graven.backends import driver as seam
from graven.backends import open_backend
from graven.errors import BackendUnavailable, InvalidInput

LOGIN = {"key": "AKEY", "secret": "very-secret", "client_kwargs": {"region_name": "us-east-1"}}


pytestmark = pytest.mark.usefixtures("bare_environment")


@pytest.fixture(params=["s3fs", "obstore"])
def client(request, monkeypatch):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", request.param)
    return request.param


@pytest.fixture
def opened(client):
    """Opens a store; closes it."""
    backends = []

    def opened(url, **options):
        backends.append(open_backend(url, storage_options={**LOGIN, **options}))
        return backends[-1]

    yield opened
    for backend in backends:
        backend.close()


@pytest.fixture
def stub():
    """Serves answers made by a function of the request: (status, headers, body)."""
    servers = []

    def serve(reply):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                self.body = self.rfile.read(size)
                status, headers, body = reply(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815  names of http.server

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def calls(backend):
    return {
        "get": lambda: backend.get("a"),
        "get_range": lambda: backend.get_range("a", 0, 1),
        "get_tail": lambda: backend.get_tail("a", 1),
        "head": lambda: backend.head("a"),
        "list": lambda: backend.list(""),
        "names": lambda: backend.names("packs"),
        "names_after": lambda: backend.names_after("packs", "a"),
        "put": lambda: backend.put("a", b"x"),
        "put_if_absent": lambda: backend.put_if_absent("a", b"x"),
        "put_if_version": lambda: backend.put_if_version("a", b"x", '"1"'),
        "delete": lambda: backend.delete("a"),
    }


def error_of(call):
    with pytest.raises(BackendUnavailable) as caught:
        call()
    error = caught.value
    assert "\n" not in error.message
    assert "very-secret" not in f"{error.message} {error.hint} {error.fields}"
    return error


def xml(code, **more):
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in {"Code": code, **more}.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()


def test_a_wrong_key_is_one_line_and_one_request(opened, seaweedfs, new_bucket, new_proxy):
    proxy = new_proxy(seaweedfs)
    right = seaweedfs.options(proxy.url)
    url = new_bucket(seaweedfs).url
    for wrong, words in (
        ({"key": "nobody"}, "does not know the access key"),
        ({"secret": "very-secret"}, "the secret key does not belong to the access key"),
    ):
        backend = opened(url, **{**right, **wrong})
        for name, call in calls(backend).items():
            proxy.reset()
            error = error_of(call)
            assert error.kind == "denied", name
            assert name == "head" or words in error.message
            assert error.hint
            assert proxy.count() == 1


def test_a_missing_bucket_is_said_by_every_call(opened, ministack):
    for name in calls(opened("s3://nothing-here/store", **ministack.options())):
        backend = opened("s3://nothing-here/store", **ministack.options())
        error = error_of(calls(backend)[name])
        assert (name, error.kind) == (name, "bucket-missing")
        assert error.message == "no bucket 'nothing-here'"


def test_a_refused_connection(opened):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    backend = opened("s3://bucket/x", endpoint_url=f"http://127.0.0.1:{port}")
    error = error_of(lambda: backend.get("a"))
    assert error.kind == "unreachable"
    assert error_of(backend.now_ms).kind == "unreachable"


def test_a_name_that_is_not_known(opened):
    backend = opened("s3://bucket/x", endpoint_url="http://server.invalid")
    assert error_of(lambda: backend.list("")).kind == "unreachable"


def test_an_address_that_swallows_everything(opened, monkeypatch):
    monkeypatch.setattr(seam, "CONNECT_SECONDS", 0.3)
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(hole.getsockname())  # nobody accepts them: the queue is full
        backend = opened("s3://bucket/x", endpoint_url="http://{}:{}".format(*hole.getsockname()))
        error = error_of(lambda: backend.put_if_absent("a", b"x"))
        for each in crowd:
            each.close()
    assert error.kind == "unreachable"


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_web_server_is_not_s3(opened, stub, status):
    page = b"<!DOCTYPE html><html><body><p>welcome<br></body></html>"
    where = stub(lambda _: (status, {"Content-Type": "text/html"}, page))
    backend = opened("s3://bucket/x", endpoint_url=where)
    for name, call in calls(backend).items():
        if name not in ("head", "delete", "get_range"):
            assert (name, error_of(call).kind) == (name, "not-s3")


def test_no_tls_where_it_was_expected(opened, stub):
    where = stub(lambda _: (200, {}, b""))
    backend = opened("s3://bucket/x", endpoint_url=where.replace("http://", "https://"))
    assert error_of(lambda: backend.get("a")).kind == "tls"


def test_another_region_is_named(opened, stub):
    headers = {"x-amz-bucket-region": "eu-west-1", "Content-Type": "application/xml"}
    body = xml("AuthorizationHeaderMalformed", Message="wrong", Region="eu-west-1")
    where = stub(lambda _: (400, headers, body))
    error = error_of(lambda: opened("s3://bucket/x", endpoint_url=where).get("a"))
    assert error.kind == "wrong-region"
    assert "'eu-west-1'" in error.message
    assert "AWS_DEFAULT_REGION=eu-west-1" in error.hint


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "RequestTimeTooSkewed", "clock-skew", "this machine's clock"),
        (400, "ExpiredToken", "denied", "has expired"),
        (403, "AccessDenied", "denied", "User: arn:aws:iam::1:user/me"),
        (400, "InvalidToken", "denied", "session token"),
        (501, "NotImplemented", "not-supported", "NotImplemented"),
        (400, "EntityTooLarge", "refused", "EntityTooLarge"),
    ],
)
def test_refusals_are_told_in_words(opened, stub, status, code, kind, words):
    body = xml(code, Message="User: arn:aws:iam::1:user/me\nis not\tauthorized")
    where = stub(lambda _: (status, {"Content-Type": "application/xml"}, body))
    error = error_of(lambda: opened("s3://bucket/x", endpoint_url=where).put("a", b"x"))
    assert error.kind == kind
    assert words in error.message


def test_no_credentials_says_where_they_are_looked_for(monkeypatch, ministack):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "s3fs")
    backend = open_backend("s3://b1c/x", storage_options={"endpoint_url": ministack.endpoint})
    error = error_of(lambda: backend.get("a"))
    assert error.kind == "no-credentials"
    assert "AWS_ACCESS_KEY_ID" in error.hint
    backend.close()


def test_a_profile_that_is_not_there(monkeypatch):
    backend = open_backend("s3://b1c/x", storage_options={"profile": "nobodys"})
    error = error_of(lambda: backend.get("a"))
    assert error.kind == "no-credentials"
    assert "nobodys" in error.message


@pytest.mark.parametrize(
    "options",
    [
        {"no_such_option": 1},
        {"client_kwargs": {"no_such": "very-secret"}},
        {"config_kwargs": {"no_such": 1}},
        {"endpoint_url": "no scheme"},
        {"username": "a", "key": "b"},
    ],
)
def test_options_that_s3fs_does_not_take(options):
    with pytest.raises(InvalidInput) as caught:  # at once, or at the first call
        open_backend("s3://b1c/x", storage_options=options).get("a")
    assert caught.value.kind == "bad-option"
    assert "\n" not in caught.value.message


class Ceph:
    """Compares If-Match with the bare ETag, and shows itself by its request ids only."""

    def __init__(self):
        self.body = None
        self.puts = []

    def __call__(self, request):
        number = "tx000000000000000000042-0065a1b2c3-1055-default"
        headers = {"x-amz-request-id": number, "Content-Type": "application/xml"}
        now = None if self.body is None else hashlib.md5(self.body).hexdigest()
        if request.command == "PUT":
            wanted = request.headers.get("If-Match")
            self.puts.append(wanted)
            taken = request.headers.get("If-None-Match") and now
            if taken or (wanted is not None and wanted != now):
                return 412, headers, xml("PreconditionFailed", RequestId=number)
            self.body = request.body
            now = hashlib.md5(self.body).hexdigest()
            return 200, {**headers, "ETag": f'"{now}"'}, b""
        modified = {"Last-Modified": "Sat, 21 Nov 2026 17:31:43 GMT"}
        return 200, {**headers, **modified, "ETag": f'"{now}"'}, self.body or b""


def test_ceph_gets_its_etags_without_quotes(opened, stub, client):
    ceph = Ceph()
    backend = opened("s3://bucket/x", endpoint_url=stub(ceph))
    first = backend.put_if_absent("a", b"one")
    assert re.fullmatch(r'"\w{32}"', first)
    assert backend.put_if_absent("a", b"two") is None
    ceph.puts.clear()
    second = backend.put_if_version("a", b"two", first)
    assert second is not None
    assert ceph.puts == ([first.strip('"')] if client == "s3fs" else [first, first.strip('"')])
    assert backend.put_if_version("a", b"three", first) is None
    assert backend.get_with_version("a") == (b"two", second)


def test_ceph_may_show_itself_in_the_refusal(opened, stub):
    ceph = Ceph()
    ceph.body = b"one"
    backend = opened("s3://bucket/x", endpoint_url=stub(ceph))
    version = f'"{hashlib.md5(b"one").hexdigest()}"'
    assert backend.put_if_version("a", b"two", version) is not None
    assert ceph.puts == [version, version.strip('"')]


@pytest.mark.parametrize("status", [404, 412])
def test_refusals_that_do_not_fit_the_request(opened, stub, status):
    code = {404: "NoSuchKey", 412: "PreconditionFailed"}[status]
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    backend = opened("s3://bucket", endpoint_url=stub(lambda _: (status, {}, body)))
    calls = [lambda: backend.put("a", b"x"), lambda: backend.names("packs")]
    if status == 412:
        calls += [lambda: backend.get("a"), lambda: backend.get_tail("a", 5)]
    for call in calls:
        with pytest.raises(BackendUnavailable):
            call()
