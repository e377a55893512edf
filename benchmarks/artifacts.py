"""Files beside runs: graven, a plain copy, restic and borg on the same work.

    python benchmarks/artifacts.py               the table (files of 1 and 4 GiB; some minutes)
    python benchmarks/artifacts.py --json        the same as one JSON document
    python benchmarks/artifacts.py --only files  a group: a module of artifact_rows
    python benchmarks/artifacts.py --into docs/benchmarks.md   put it between the page's markers
    python benchmarks/artifacts.py --quick       tiny sizes, no peers: does it all still run?

Everything is timed as whole processes, which take turns. Peers that are not installed
(`apt install restic borgbackup b3sum`) are skipped, and the table says so. Exit code 1 if
a bar was missed, except with --quick.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import os
import pkgutil
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import artifact_rows
import graven
from artifact_bench import MIB, QUICK, ArtifactBench, Sizes
from measure import Row, as_records, markdown
from page import replace_table
from peers.backup import find_tools

GROUPS = sorted(module.name for module in pkgutil.iter_modules(artifact_rows.__path__))


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    with tempfile.TemporaryDirectory(prefix="graven-bench-", dir=options.folder) as folder:
        bench = _bench(options, Path(folder))
        rows: list[Row] = []
        for group in options.only or GROUPS:
            print(f"{group} ...", file=sys.stderr)
            for row in importlib.import_module(f"artifact_rows.{group}").rows(bench):
                print(f"  {row.work}: {row.graven} {row.peer}", file=sys.stderr)
                rows.append(row)
        facts = _facts(bench, sys.argv[1:] if arguments is None else arguments)
    if options.json:
        print(json.dumps({"schema": 1, **facts, "rows": as_records(rows)}, indent=2))
    else:
        text = "\n".join(f"* {name}: {value}" for name, value in facts.items())
        text += f"\n\n{markdown(rows)}\n"
        print(text, end="")
        if options.into:
            replace_table(Path(options.into), text, "table of artifacts")
    return 1 if not options.quick and any(row.met is False for row in rows) else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no peers, no verdict")
    parser.add_argument("--no-peers", action="store_true", help="graven alone")
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group of rows")
    parser.add_argument("--mib", type=int, help="size of the file that is put (1024)")
    parser.add_argument("--repeats", type=int, help="turns (3)")
    parser.add_argument("--into", help="a page whose table is replaced")
    parser.add_argument("--folder", help="where to work (the temporary folder)")
    return parser.parse_args(arguments)


def _bench(options: argparse.Namespace, folder: Path) -> ArtifactBench:
    sizes = QUICK if options.quick else Sizes()
    changes: dict[str, int] = {}
    if options.mib:
        changes = {"file": options.mib * MIB, "remote": options.mib * MIB}
    if options.repeats:
        changes["repeats"] = options.repeats
    alone = options.quick or options.no_peers
    tools = [] if alone else find_tools()
    bench = ArtifactBench(
        folder,
        Sizes(**{**vars(sizes), **changes}),
        tools,
        b3sum=bool(shutil.which("b3sum")),
        quick=options.quick,
    )
    bench.versions.update({"graven": graven.__version__, "python": platform.python_version()})
    bench.versions.update({tool.name: tool.version for tool in tools})
    if not alone:
        missing = [name for name in ("restic", "borg", "b3sum") if not shutil.which(name)]
        bench.said += [f"{name} is not installed: its rows are skipped" for name in missing]
    return bench


def _facts(bench: ArtifactBench, arguments: list[str]) -> dict[str, Any]:
    facts = {
        "command": " ".join(["python benchmarks/artifacts.py", *arguments]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": ", ".join(f"{name} {value}" for name, value in bench.versions.items()),
    }
    return {**facts, "skipped": "; ".join(bench.said)} if bench.said else facts


if __name__ == "__main__":
    sys.exit(main())
