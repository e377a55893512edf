"""What all rows on a bucket share: the server, the proxy that counts, buckets, clients."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graven.testing.proxy import Proxy
from graven.testing.servers import S3Server
from measure import Row, Timing, seconds
from peers.protocol import Worker

DELAY_MS = 50


@dataclass(frozen=True)
class Sizes:
    """How much work.

    Attributes:
        runs: of batches, pushes and clones.
        writers, each: clients at once, and the saves of each, one by one.
        singles: saves in a row, where two clients are compared.
        repeats: turns, where times are compared.
    """

    runs: int = 10_000
    writers: int = 16
    each: int = 5
    singles: int = 20
    repeats: int = 3


QUICK = Sizes(runs=40, writers=2, each=2, singles=2, repeats=1)


@dataclass
class RemoteBench:
    """One run of the benchmark.

    Attributes:
        folder: scratch space.
        server: what holds the buckets.
        proxy: stands before it, delays each request and counts all.
        pythons: interpreters with peers, by the peer's name; one that is missing has no rows.
        versions: of all that was measured.
    """

    folder: Path
    sizes: Sizes
    server: S3Server
    proxy: Proxy
    pythons: Mapping[str, Path]
    versions: dict[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))

    def bucket(self) -> str:
        """The name of a new bucket."""
        return self.server.make_bucket(f"bench-{next(self._numbers)}").name

    def place(self) -> str:
        """The URL of nothing yet, in a new bucket."""
        return f"s3://{self.bucket()}/project"

    def path(self, name: str) -> str:
        """A path in the scratch folder where nothing is."""
        return str(self.folder / f"{next(self._numbers):03d}-{name}")

    def environment(self, **more: str) -> dict[str, str]:
        """The variables of a client that knows nothing yet: its cache folder is new."""
        home = self.path("home")
        return {
            **os.environ,
            **self.server.environment(self.proxy.url),
            "GRAVEN_CACHE_DIR": f"{home}/cache",
            "GRAVEN_STATE_DIR": f"{home}/state",
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_CONFIG_HOME": f"{home}/config",
            **more,
        }

    @contextmanager
    def graven(self, env: Mapping[str, str] | None = None, **more: str) -> Iterator[Worker]:
        """A new process that runs graven; ``env`` of another one makes it warm."""
        with self.client(sys.executable, "graven_bucket", env, **more) as worker:
            yield worker

    @contextmanager
    def client(
        self,
        python: str | Path,
        module: str,
        env: Mapping[str, str] | None = None,
        **more: str,
    ) -> Iterator[Worker]:
        """A new process that runs ``peers.<module>_worker``."""
        worker = Worker(python, f"peers.{module}_worker", env or self.environment(**more))
        try:
            self.versions.update(worker.call("version"))
            yield worker
        finally:
            worker.close()

    def count(self, worker: Worker, do: str, **arguments: object) -> Timing:
        """As `Worker.call`; the answer has ``requests`` and their ``methods`` too."""
        with self.counting() as seen:
            answer = worker.call(do, **arguments)
        return {**answer, **seen}

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """While in it nothing is delayed: for what is only prepared."""
        delay, self.proxy.delay_ms = self.proxy.delay_ms, 0
        yield
        self.proxy.delay_ms = delay

    @contextmanager
    def counting(self) -> Iterator[Timing]:
        """Fill a dict with what passes the proxy meanwhile."""
        seen: Timing = {}
        self.proxy.reset()
        yield seen
        requests = self.proxy.requests
        methods = Counter(request.method for request in requests)
        seen["requests"] = len(requests)
        seen["asked"] = [f"{request.method} {request.target}" for request in requests]
        seen["methods"] = ", ".join(f"{n} {method}" for method, n in sorted(methods.items()))


def counted(work: str, answer: Timing, bar: int | None, note: str = "") -> Row:
    """A row with an exact number of requests, which must not be more than ``bar``.

    If they are more, they are listed on stderr: what is surplus shows there.
    """
    if bar is not None and answer["requests"] > bar:
        print(f"{work}:", *answer["asked"][:200], sep="\n  ", file=sys.stderr)
    told = [answer["methods"], seconds(answer["wall"]) if "wall" in answer else "", note]
    return Row(
        work,
        f"{answer['requests']:,} requests",
        bar="" if bar is None else f"<= {bar:,}",
        met=None if bar is None else answer["requests"] <= bar,
        note="; ".join(filter(None, told)),
    )
