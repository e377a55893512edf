"""graven on a bucket: requests, counted exactly, and times beside peers at 50 ms a request.

    python benchmarks/remote.py                  the table (10,000 runs; some minutes)
    python benchmarks/remote.py --json           the same as one JSON document
    python benchmarks/remote.py --only saving    a group: saving, syncing, writers, cloning
    python benchmarks/remote.py --into docs/benchmarks.md   put it between the page's markers
    python benchmarks/remote.py --quick          tiny sizes, no peers: does it all still run?

The server is ministack (scripts/servers installs it), behind a proxy on loopback that delays
and counts each request. Peers have virtual environments of their own, made in the user's
cache folder on first use. Exit code 1 if a bar was missed, except with --quick; 3 if there
is no server.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from graven.testing.proxy import Proxy
from graven.testing.servers import Ministack
from measure import Row, as_records, markdown
from page import replace_table
from peers.bucket_env import interpreters
from remote_bench import DELAY_MS, QUICK, RemoteBench, Sizes

GROUPS = ("saving", "syncing", "writers", "cloning")
NO_SERVER = 3


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    found = Ministack.find()
    if not found.path:
        print(f"ministack is not installed: {found.why}", file=sys.stderr)
        return NO_SERVER
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="graven-bench-", dir=options.folder)
        server = stack.enter_context(Ministack())
        delay = 0 if options.quick else DELAY_MS
        bench = RemoteBench(
            folder=Path(stack.enter_context(folder)),
            sizes=_sizes(options),
            server=server,
            proxy=stack.enter_context(Proxy(server.endpoint, delay)),
            pythons={} if options.quick or options.no_peers else interpreters(),
        )
        rows: list[Row] = []
        for group in options.only or GROUPS:
            print(f"{group} ...", file=sys.stderr)
            rows += importlib.import_module(f"remote_rows.{group}").rows(bench)
        facts = _facts(bench, sys.argv[1:] if arguments is None else arguments)
    _tell(options, facts, rows)
    return 1 if not options.quick and any(row.met is False for row in rows) else 0


def _tell(options: argparse.Namespace, facts: Mapping[str, Any], rows: list[Row]) -> None:
    if options.json:
        print(json.dumps({"schema": 1, **facts, "rows": as_records(rows)}, indent=2))
        return
    text = "\n".join(f"* {name}: {value}" for name, value in facts.items())
    text += f"\n\n{markdown(rows)}\n"
    print(text, end="")
    if options.into:
        replace_table(Path(options.into), text, "table on a bucket")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no peers, no verdict")
    parser.add_argument("--no-peers", action="store_true", help="graven alone")
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group of rows")
    parser.add_argument("--runs", type=int, help="runs of batch, push and clone (10,000)")
    parser.add_argument("--into", help="a page whose table is replaced")
    parser.add_argument("--folder", help="where to work (the temporary folder)")
    return parser.parse_args(arguments)


def _sizes(options: argparse.Namespace) -> Sizes:
    if options.quick:
        return QUICK
    return Sizes(runs=options.runs) if options.runs else Sizes()


def _facts(bench: RemoteBench, arguments: list[str]) -> dict[str, Any]:
    with bench.graven() as worker:
        client = worker.call("client", url="s3://bench/project")["client"]
    versions = {**bench.versions, "python": platform.python_version()}
    return {
        "command": " ".join(["python benchmarks/remote.py", *arguments]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "a request": f"delayed by {bench.proxy.delay_ms:g} ms",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": ", ".join(f"{name} {value}" for name, value in versions.items()),
        "graven's client": client,
    }


if __name__ == "__main__":
    sys.exit(main())
