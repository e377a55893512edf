"""graven and its peers on the same work, on this machine: a table of ratios.

    python benchmarks/local.py                 the table (10,000 runs; some minutes)
    python benchmarks/local.py --json          the same as one JSON document
    python benchmarks/local.py --only saving   one group: saving, asking, keeping, starting
    python benchmarks/local.py --into docs/benchmarks.md   put it between the page's markers
    python benchmarks/local.py --quick         tiny sizes, no peers: does it all still run?

Peers: calibrax in a virtual environment of its own (made in the user's cache folder on
first use) and git. All take turns in one process tree. Exit code 1 if a bar was missed,
except with --quick.
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
import time
from pathlib import Path
from typing import Any

from bench import QUICK, Bench, Sizes
from measure import Row, as_records, markdown
from page import replace_table
from peers import calibrax_env, git
from peers.protocol import Worker

GROUPS = ("saving", "asking", "keeping", "starting")


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    calibrax = None if options.quick or options.no_peers else _calibrax()
    graven = Worker(sys.executable, "peers.graven_worker")
    with tempfile.TemporaryDirectory(prefix="graven-bench-", dir=options.folder) as folder:
        bench = Bench(
            folder=Path(folder),
            sizes=_sizes(options),
            graven=graven,
            calibrax=calibrax,
            git=not (options.quick or options.no_peers),
        )
        facts = _facts(bench, sys.argv[1:] if arguments is None else arguments)
        rows: list[Row] = []
        for group in options.only or GROUPS:
            print(f"{group} ...", file=sys.stderr)
            rows += importlib.import_module(f"rows.{group}").rows(bench)
        for worker in (graven, calibrax):
            if worker:
                worker.close()
    if options.json:
        print(json.dumps({"schema": 1, **facts, "rows": as_records(rows)}, indent=2))
    else:
        text = "\n".join(f"* {name}: {value}" for name, value in facts.items())
        text += f"\n\n{markdown(rows)}\n"
        print(text, end="")
        if options.into:
            replace_table(Path(options.into), text)
    return 1 if not options.quick and any(row.met is False for row in rows) else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no peers, no verdict")
    parser.add_argument("--no-peers", action="store_true", help="graven alone")
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group of rows")
    parser.add_argument("--runs", type=int, help="runs in the store (10,000)")
    parser.add_argument("--many", type=int, help="runs in the large store (100,000)")
    parser.add_argument("--into", help="a page whose table is replaced")
    parser.add_argument("--folder", help="where to work (the temporary folder)")
    return parser.parse_args(arguments)


def _sizes(options: argparse.Namespace) -> Sizes:
    if options.quick:
        return QUICK
    given = {name: getattr(options, name) for name in ("runs", "many") if getattr(options, name)}
    return Sizes(**given)


def _calibrax() -> Worker | None:
    python = calibrax_env.calibrax_python()
    return Worker(python, "peers.calibrax_worker") if python else None


def _facts(bench: Bench, arguments: list[str]) -> dict[str, Any]:
    versions = bench.graven.call("version")
    if bench.calibrax:
        theirs = bench.calibrax.call("version")
        versions["calibrax"] = f"{theirs['calibrax']} (Python {theirs['python']})"
    if bench.git:
        versions["git"] = git.version()
    return {
        "command": " ".join(["python benchmarks/local.py", *arguments]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "making a file": f"{_cost_of_a_file(bench):.0f} us",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": ", ".join(f"{name} {value}" for name, value in versions.items()),
    }


def _cost_of_a_file(bench: Bench) -> float:
    """Microseconds to create and write 8 KiB, the unit of calibrax and of views.

    Some 30 us on a quiet ext4, and hundreds where many files were deleted in the last
    minutes (it does not hand out their inodes): rates beside such a figure mean little.
    """
    place = Path(bench.place("files"))
    place.mkdir()
    begin = time.perf_counter()
    for number in range(500):
        (place / f"{number}").write_bytes(bytes(8192))
    return (time.perf_counter() - begin) / 500 * 1e6


if __name__ == "__main__":
    sys.exit(main())
