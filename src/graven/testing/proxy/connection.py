"""One client's connection: requests forwarded one after the other, or made to fail."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from graven import clock
from graven.testing.proxy.faults import Fault, Request
from graven.testing.proxy.wire import (
    CONTINUE,
    PIECE,
    Cut,
    Head,
    ends_by_closing,
    read_head,
    reader,
    reply_body,
    request_body,
)

if TYPE_CHECKING:
    from graven.testing.proxy.server import Proxy

CONNECT_SECONDS = 10.0
IDLE_SECONDS = 1.0  # servers close idle connections after 5 s and more; never meet that moment
INFORMATIONAL = 200  # replies below this are not the last one


class Connection:
    """Runs in a thread of its own; only `abort` is for others."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._client_in = reader(client)
        self._server: socket.socket | None = None
        self._server_in: BinaryIO | None = None
        self._used = 0.0

    def run(self) -> None:
        """Serve until either side, or a fault, closes the connection."""
        try:
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._exchange():
                continue
        except (OSError, ValueError):
            # A side went away or spoke no HTTP. The client learns it as it would without a
            # proxy: the connection ends. ValueError is what a closed file object raises.
            return
        finally:
            self._drop_server()
            self._client_in.close()
            self._client.close()

    def abort(self) -> None:
        """Let `run` end soon, whatever it waits for; called by another thread."""
        for one in (self._client, self._server):
            if one is not None:
                with contextlib.suppress(OSError):  # closed already, which is what is wanted
                    one.shutdown(socket.SHUT_RDWR)

    def _exchange(self) -> bool:
        """One request and its reply; False if the connection ends with it."""
        head = read_head(self._client_in)
        if head is None:
            return False
        request, fault = self._proxy.record(head)
        if self._proxy.delay_ms:
            self._proxy.stopping.wait(self._proxy.delay_ms / 1000)
        if fault is not None:
            return self._suffer(fault, head, request)
        self._send_request(head, request, self._body(head))
        return self._relay(request) and not head.closes

    def _body(self, head: Head) -> Iterable[bytes]:
        if head.fields.get("expect", "").lower() == "100-continue":
            # Answered here and not forwarded: what the server would say to it says nothing
            # that its reply does not.
            self._client.sendall(CONTINUE)
        return request_body(head, self._client_in)

    def _suffer(self, fault: Fault, head: Head, request: Request) -> bool:
        if fault.kind == "reset":
            # Lingering for no time makes close() send RST.
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        # All of it is read first: a client that gives up takes what is unread with it.
        body = list(self._body(head))
        request.size = sum(map(len, body))
        if fault.kind == "cut":
            self._cut_request(fault, head, b"".join(body))
            return False
        if fault.kind == "hang" and self._proxy.stopping.wait(fault.seconds):
            return False
        if fault.forward:
            self._send_request(head, request, body)
            if fault.kind == "hang":
                return self._relay(request) and not head.closes
            reply, content = self._whole_reply(request)
            if fault.kind == "truncate":
                self._client.sendall(reply.raw + content[: int(len(content) * fault.keep)])
        if fault.kind == "answer":
            self._client.sendall(fault.reply(request, self._proxy.dialect))
            return not head.closes
        return False

    def _cut_request(self, fault: Fault, head: Head, body: bytes) -> None:
        server, _ = self._connect()
        server.sendall(head.without("expect") + body[: int(len(body) * fault.keep)])

    def _send_request(self, head: Head, request: Request, body: Iterable[bytes]) -> None:
        server, _ = self._connect()
        raw = head.without("expect") if "expect" in head.fields else head.raw
        try:
            request.size = _send(server, raw, body)
        except OSError:
            # A server that has answered and closed may leave a body unread; its answer is
            # there to be read. If it is not, reading fails in its turn.
            return

    def _read_reply_head(self, request: Request) -> Head:
        _, stream = self._connected()
        while True:
            head = read_head(stream)
            if head is None:
                raise Cut("the server closed without a reply")
            status = int(head.start[1])
            if status >= INFORMATIONAL:
                request.status = status
                return head

    def _whole_reply(self, request: Request) -> tuple[Head, bytes]:
        head = self._read_reply_head(request)
        content = b"".join(reply_body(head, request.method, self._connected()[1]))
        self._drop_server()
        return head, content

    def _relay(self, request: Request) -> bool:
        """Pass the reply on; False if the connection ends with it."""
        head = self._read_reply_head(request)
        _, stream = self._connected()
        _send(self._client, self._own_location(head), reply_body(head, request.method, stream))
        self._used = clock.monotonic()
        return not head.closes and not ends_by_closing(head, request.method)

    def _own_location(self, head: Head) -> bytes:
        """The head with this proxy's address where it sends the client to the server's."""
        location = head.fields.get("location", "")
        if not location.startswith(self._proxy.target_url):
            return head.raw
        return head.raw.replace(self._proxy.target_url.encode(), self._proxy.url.encode())

    def _connect(self) -> tuple[socket.socket, BinaryIO]:
        """The connection to the server, a new one where the last may be at its end."""
        if self._server is not None and clock.monotonic() - self._used > IDLE_SECONDS:
            self._drop_server()
        if self._server is None:
            server = socket.create_connection(self._proxy.target, timeout=CONNECT_SECONDS)
            server.settimeout(None)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._server = server
            self._server_in = reader(server)
        return self._connected()

    def _connected(self) -> tuple[socket.socket, BinaryIO]:
        if self._server is None or self._server_in is None:
            raise Cut("not connected to the server")
        return self._server, self._server_in

    def _drop_server(self) -> None:
        if self._server_in is not None:
            self._server_in.close()
        if self._server is not None:
            self._server.close()
        self._server = self._server_in = None


def _send(to: socket.socket, head: bytes, body: Iterable[bytes]) -> int:
    """Send a message, small ones in one go; returns the size of the body."""
    waiting = [head]
    ready = len(head)
    size = 0
    for piece in body:
        waiting.append(piece)
        ready += len(piece)
        size += len(piece)
        if ready >= PIECE:
            to.sendall(b"".join(waiting))
            waiting.clear()
            ready = 0
    if waiting:
        to.sendall(b"".join(waiting))
    return size
