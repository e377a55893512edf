"""The proxy: who listens, what was asked, which rules hold."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self

from graven.errors import InvalidInput
from graven.testing.proxy.connection import Connection
from graven.testing.proxy.faults import Dialect, Fault, Request, Rule
from graven.testing.proxy.wire import Head

LOOPBACK = "127.0.0.1"
BACKLOG = 512
JOIN_SECONDS = 5.0


class Proxy:
    """A reverse proxy on loopback; a context manager that starts and stops it.

    Safe to use from any thread. Each connection of a client has a thread and a connection
    to the server of its own.

    Args:
        target: ``http://host:port`` of the server.
        delay_ms: how long each request waits before it is looked at; may be changed later.
        dialect: how injected errors are worded: ``s3``, ``gs`` or ``az``.
    """

    def __init__(self, target: str, delay_ms: float = 0, *, dialect: Dialect = "s3") -> None:
        parts = urllib.parse.urlsplit(target)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise InvalidInput(f"not of the form http://host:port: '{target}'")
        self.target = (parts.hostname, parts.port or 80)
        self.target_url = target.rstrip("/")
        self.delay_ms = delay_ms
        self.dialect: Dialect = dialect
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._rules: list[Rule] = []
        self._live: dict[Connection, threading.Thread] = {}
        self._address = (LOOPBACK, 0)
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    # --- start and stop

    def start(self) -> Self:
        """Listen on a free port."""
        self.stopping.clear()
        self._listen()
        return self

    def stop(self) -> None:
        """Close everything, also requests under way."""
        self.stopping.set()
        self._close_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://{LOOPBACK}:{self._address[1]}"

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """While in it, nobody listens: connecting is refused. Open connections are closed."""
        self._close_all()
        try:
            yield
        finally:
            self._listen()

    # --- what was asked

    @property
    def requests(self) -> list[Request]:
        """All requests since the start or `reset`, in the order they came in."""
        with self._lock:
            return list(self._requests)

    def count(self, method: str | None = None, key: str | None = None) -> int:
        """How many requests had this method and a key that fits the pattern."""
        return sum(request.matches(method, key) for request in self.requests)

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests there were for each (method, path with query)."""
        return Counter((request.method, request.target) for request in self.requests)

    def reset(self) -> None:
        """Forget requests and rules."""
        with self._lock:
            self._requests.clear()
            self._rules.clear()

    # --- faults

    def fail(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        key: str | None = None,
        nth: int = 1,
        times: int | None = 1,
        when: Callable[[Request], bool] | None = None,
    ) -> Rule:
        """Let matching requests fail: the ``nth`` from now and the ``times - 1`` after it.

        Args:
            fault: `answer`, `lose_reply`, `hang`, `reset`, `truncate` or `cut_request`.
            method: ``"PUT"``; None means any.
            key: a pattern for the path without its first slash: ``"bucket/*/refs/*"``.
            times: None means all of them, until `heal`.
            when: a further condition; called with the proxy's lock held, so it must not
                call the proxy.

        Returns:
            The rule; its ``hits`` say how often it struck. Of several rules that strike at
            once the first one made wins.
        """
        rule = Rule(fault, method, key, nth, times, when)
        with self._lock:
            self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._rules.clear()

    # --- for Connection

    def record(self, head: Head) -> tuple[Request, Fault | None]:
        """Note a request; returns it and the fault that it is to suffer."""
        method, target, _ = head.start
        key = urllib.parse.unquote(target.split("?", 1)[0].lstrip("/"))
        with self._lock:
            request = Request(len(self._requests) + 1, method, target, key, head.fields)
            self._requests.append(request)
            # Every rule counts the request, also behind one that strikes.
            struck = [rule.fault for rule in self._rules if rule.applies(request)]
        if struck:
            request.fault = struck[0].name
        return request, struck[0] if struck else None

    # --- sockets

    def _listen(self) -> None:
        listener = socket.socket()
        # After `down` connections that this side closed linger on the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(self._address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._address = listener.getsockname()
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # shut down by _close_all
            with self._lock:
                if self._listener is not listener:
                    client.close()
                    return
                connection = Connection(self, client)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._live[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._live.pop(connection, None)

    def _close_all(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            live = dict(self._live)
        if listener:
            # Closing alone does not wake who waits in accept(): Linux wants a shutdown,
            # others a last connection.
            with contextlib.suppress(OSError):  # refused or not connected: it is awake
                listener.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):  # as above
                socket.create_connection(self._address, timeout=1).close()
            listener.close()
        if self._acceptor:
            self._acceptor.join(JOIN_SECONDS)
        for connection in live:
            connection.abort()
        for thread in live.values():
            thread.join(JOIN_SECONDS)
