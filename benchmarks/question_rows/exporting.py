"""Real results of airspeed velocity through graven and back: all arrives, and in what time.

Needs asv and the folder of a real project (``--asv-results``, GRAVEN_ASV_RESULTS): it holds
``results/benchmarks.json`` and a folder a machine.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Row, at_most, seconds
from peers.commands import timed
from question_bench import QuestionBench, within

HOUR = 3_600_000  # of asv's dates, in milliseconds
BEGIN = 1_600_000_000_000


def rows(bench: QuestionBench) -> Iterator[Row]:
    if bench.samples is None or bench.asv is None:
        return
    found = _results(bench.samples)
    yield from _arriving(bench, bench.samples, len(found))
    if bench.large and bench.sizes.result_files:
        yield from _many(bench, bench.samples, found)


def _results(folder: Path) -> list[Path]:
    kept = ("benchmarks.json", "machine.json")
    return sorted(p for p in (folder / "results").rglob("*.json") if p.name not in kept)


def _arriving(bench: QuestionBench, samples: Path, files: int) -> Iterator[Row]:
    store, project = bench.place("from-asv"), bench.place("asv")
    exported, published = _through(bench, samples / "results", store, project)
    sent = sum(_numbers_in(path) for path in _results(samples))
    arrived = sum(
        sum(_finite(pair[1]) for pair in json.loads(path.read_text()))
        for path in (project / "html" / "graphs").rglob("*.json")
        if path.name != "summary.json" and "summary" not in path.parts
    )
    yield within(
        f"{files} real result files, `export-asv`, `asv publish`: numbers that arrive",
        f"{arrived:,} of {sent:,}",
        "all",
        arrived == sent,
        f"export {seconds(exported['wall'])}, publish {seconds(published['wall'])}",
    )
    bench.remove(store, project)


def _numbers_in(path: Path) -> int:
    document = json.loads(path.read_text())
    at = document["result_columns"].index("result")
    return sum(_finite(row[at]) for row in document["results"].values() if row)


def _finite(value: Any) -> int:
    if isinstance(value, list):
        return sum(_finite(one) for one in value)
    return int(isinstance(value, (int, float)) and math.isfinite(value))


def _through(
    bench: QuestionBench, results: Path, store: Path, project: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ingested, exported and published, each by a process: the times of the last two."""
    graven = [sys.executable, "-m", "graven", "--quiet", "-C", store]
    timed([*graven, "init"])
    timed([*graven, "ingest", results])
    exported = timed([*graven, "export-asv", project, "--synthetic-repo"])
    home = bench.place("home")
    home.mkdir()
    env = {"HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    assert bench.asv
    return exported, timed([bench.asv, "publish"], env, cwd=project)


def _many(bench: QuestionBench, samples: Path, found: list[Path]) -> Iterator[Row]:
    """The same files again and again, each time of another commit and hour."""
    folder, store, project = bench.place("many"), bench.place("many-runs"), bench.place("many-asv")
    for path in (samples / "results").rglob("*.json"):
        if path not in found:
            target = folder / path.relative_to(samples)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for number in range(bench.sizes.result_files):
        path = found[number % len(found)]
        document = json.loads(path.read_text())
        commit = hashlib.sha1(b"%d" % number).hexdigest()
        document.update(commit_hash=commit, date=BEGIN + HOUR * number)
        name = f"{commit[:8]}-{path.name.partition('-')[2]}"
        (folder / path.relative_to(samples)).with_name(name).write_text(json.dumps(document))
    exported, published = _through(bench, folder / "results", store, project)
    row = at_most(
        f"`export-asv` of {bench.sizes.result_files:,} files, against `asv publish` of them",
        seconds(exported["wall"]),
        seconds(published["wall"]),
        exported["wall"] / published["wall"],
        0.5,
    )
    row.cpu_ratio = exported["cpu"] / published["cpu"]
    row.note = f"CPU {seconds(exported['cpu'])} against {seconds(published['cpu'])}; once"
    yield row
    bench.remove(folder, store, project)
