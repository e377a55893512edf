"""Questions and answers: graven, and what people ask today, on the same numbers.

    python benchmarks/questions.py               the table (some minutes)
    python benchmarks/questions.py --json        the same as one JSON document
    python benchmarks/questions.py --only asking a group: a module of question_rows
    python benchmarks/questions.py --large       500,000 backtests, 9,350 result files too
    python benchmarks/questions.py --asv-results FOLDER   a real asv project (GRAVEN_ASV_RESULTS)
    python benchmarks/questions.py --into docs/benchmarks.md   put it between the page's markers
    python benchmarks/questions.py --quick       tiny sizes, no peers: does it all still run?

Peers have virtual environments of their own (`python -m peers.tiered_env`, `-m
peers.mlflow_env`); those that are not there are skipped, and the table says so. Exit code 1
if a bar was missed, except with --quick.
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
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import graven
import question_rows
from measure import Row, as_records, markdown
from page import replace_table
from peers import mlflow_env, tiered_env
from peers.protocol import Worker
from question_bench import QUICK, QuestionBench, Sizes

GROUPS = sorted(module.name for module in pkgutil.iter_modules(question_rows.__path__))


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    words = sys.argv[1:] if arguments is None else arguments
    with ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="graven-bench-", dir=options.folder)
        bench = _bench(options, Path(stack.enter_context(folder)), stack)
        before = os.getloadavg()
        rows = list(_rows(bench, options.only or GROUPS))
        facts = _facts(bench, words, before)
    if options.json:
        print(json.dumps({"schema": 1, **facts, "rows": as_records(rows)}, indent=2))
    else:
        text = "\n".join(f"* {name}: {value}" for name, value in facts.items())
        text += f"\n\n{markdown(rows)}\n"
        print(text, end="")
        if options.into:
            replace_table(Path(options.into), text, "table of questions")
    return 1 if not options.quick and any(row.met is False for row in rows) else 0


def _rows(bench: QuestionBench, groups: list[str]) -> Iterator[Row]:
    for group in groups:
        print(f"{group} ...", file=sys.stderr)
        for row in importlib.import_module(f"question_rows.{group}").rows(bench):
            if bench.quick:
                row.met = None
            print(f"  {row.work}: {row.graven} {row.peer} {row.ratio or ''}", file=sys.stderr)
            yield row


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, no peers, no verdict")
    parser.add_argument("--no-peers", action="store_true", help="graven alone")
    parser.add_argument("--large", action="store_true", help="what takes many minutes too")
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group of rows")
    parser.add_argument("--repeats", type=int, help="turns (5)")
    parser.add_argument(
        "--asv-results", default=os.environ.get("GRAVEN_ASV_RESULTS"), help="a real asv project"
    )
    parser.add_argument("--into", help="a page whose table is replaced")
    parser.add_argument("--folder", help="where to work (the temporary folder)")
    return parser.parse_args(arguments)


def _bench(options: argparse.Namespace, folder: Path, stack: ExitStack) -> QuestionBench:
    sizes = QUICK if options.quick else Sizes()
    if options.repeats:
        sizes = Sizes(**{**vars(sizes), "repeats": options.repeats})

    def worker(python: Path | str, module: str) -> Worker:
        return stack.enter_context(closing(Worker(python, module)))

    bench = QuestionBench(
        folder,
        sizes,
        worker(sys.executable, "peers.graven_questions"),
        worker(sys.executable, "peers.graven_backtests"),
        large=options.large,
        quick=options.quick,
    )
    bench.versions.update({"graven": graven.__version__, "python": platform.python_version()})
    if options.quick or options.no_peers:
        return bench
    for name, found, module in (
        ("investing-algorithm-framework", tiered_env.find(), "peers.backtests_worker"),
        ("MLflow", mlflow_env.find(), "peers.mlflow_worker"),
    ):
        if found is None:
            bench.said.append(f"{name} is not installed: its rows are skipped")
            continue
        peer = worker(found, module)
        bench.versions.update(peer.call("version"))
        if name == "MLflow":
            bench.mlflow = peer
        else:
            bench.framework = peer
    _find_programs(bench, options.asv_results)
    return bench


def _find_programs(bench: QuestionBench, results: str | None) -> None:
    names = ("chromium", "chromium-browser", "google-chrome")
    named = os.environ.get("GRAVEN_CHROMIUM")
    bench.chromium = named or next((path for n in names if (path := shutil.which(n))), None)
    if bench.chromium is None:
        bench.said.append("chromium is not installed: nothing is said of a first paint")
    beside = Path(sys.executable).with_name("asv")
    bench.asv = os.environ.get("GRAVEN_ASV") or (
        str(beside) if beside.exists() else shutil.which("asv")
    )
    if bench.asv is None:
        bench.said.append("asv is not installed: nothing is exported to it")
    elif results is None or not Path(results, "results", "benchmarks.json").is_file():
        bench.said.append("no folder of real asv results (--asv-results): nothing is exported")
    else:
        bench.samples = Path(results).resolve()


def _facts(
    bench: QuestionBench, arguments: list[str], before: tuple[float, float, float]
) -> dict[str, Any]:
    shown = ["FOLDER" if bench.samples and Path(a).exists() else a for a in arguments]
    facts = {
        "command": " ".join(["python benchmarks/questions.py", *shown]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load": f"{before[1]:.1f} at the beginning, {os.getloadavg()[1]:.1f} at the end",
        "versions": ", ".join(f"{name} {value}" for name, value in bench.versions.items()),
    }
    return {**facts, "skipped": "; ".join(bench.said)} if bench.said else facts


if __name__ == "__main__":
    sys.exit(main())
