"""A proxy before a test server: delay, exact counts of requests, faults on demand.

::

    with Ministack() as server, Proxy(server.endpoint, delay_ms=50) as proxy:
        files = s3fs.S3FileSystem(**server.options(proxy.url))
        proxy.fail(lose_reply(), method="PUT", key="*/refs/main")
        ...
        assert proxy.count("PUT") == 2

It speaks HTTP/1.1 without TLS and passes on what it gets, Host header included, so that
signatures of S3 and Azure stay valid.
"""

from __future__ import annotations

from graven.testing.proxy.faults import (
    Fault,
    Request,
    Rule,
    answer,
    cut_request,
    hang,
    lose_reply,
    reset,
    truncate,
)
from graven.testing.proxy.server import Proxy

__all__ = [
    "Fault",
    "Proxy",
    "Request",
    "Rule",
    "answer",
    "cut_request",
    "hang",
    "lose_reply",
    "reset",
    "truncate",
]
