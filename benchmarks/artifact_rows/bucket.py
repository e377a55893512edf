"""Reading inside a large artifact on a bucket: requests, counted exactly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack

from artifact_bench import MIB, ArtifactBench
from graven.testing.proxy import Proxy
from graven.testing.servers import Ministack
from measure import Row, Timing, seconds
from peers.protocol import Worker
from remote_bench import RemoteBench
from remote_bench import Sizes as RemoteSizes

READ_BYTES = 4096


def rows(bench: ArtifactBench) -> Iterator[Row]:
    found = Ministack.find()
    if not found.path:
        bench.said.append(f"ministack is not installed ({found.why}): no rows on a bucket")
        return
    with ExitStack() as stack:
        server = stack.enter_context(Ministack())
        proxy = stack.enter_context(Proxy(server.endpoint, 0))
        remote = RemoteBench(bench.folder, RemoteSizes(), server, proxy, {})
        yield from _reads(bench, remote)


def _reads(bench: ArtifactBench, remote: RemoteBench) -> Iterator[Row]:
    place, source = remote.place(), bench.noise(bench.sizes.remote)
    with remote.graven() as worker:
        put = remote.count(worker, "attach_file", url=place, path=str(source))
    where = f"{bench.sizes.remote // MIB:,} MiB on S3"
    yield Row(
        f"put a random file of {where}",
        f"{put['requests']:,} requests",
        note=f"{put['methods']}; {seconds(put['wall'])}",
    )
    with remote.graven() as worker:
        opened = remote.count(worker, "open_file", url=place)
        answers = [_read(remote, worker, offset) for offset in _places(bench, bench.sizes.remote)]
    yield Row(
        f"open it, cold client, {where}",
        f"{opened['requests']} requests",
        note=f"{opened['methods']}; what the packs hold is read first, once",
    )
    worst = max(answer["requests"] for answer in answers)
    mean, wall = (sum(a[what] for a in answers) / len(answers) for what in ("requests", "wall"))
    yield Row(
        f"a read of 4 KiB anywhere in it, {where}",
        f"at most {worst}, {mean:.2f} in the mean",
        bar="<= 2 requests",
        met=worst <= 2,
        note=f"{len(answers)} reads; {seconds(wall)} each",
    )
    bench.remove(source)


def _read(remote: RemoteBench, worker: Worker, offset: int) -> Timing:
    answer = remote.count(worker, "read_file", offset=offset, size=READ_BYTES)
    if answer["done"] != READ_BYTES:
        raise RuntimeError(f"{answer['done']} bytes at {offset}")
    return answer


def _places(bench: ArtifactBench, size: int) -> list[int]:
    chance = random.Random(20261121)
    return [chance.randrange(size - READ_BYTES) for _ in range(bench.sizes.reads)]
