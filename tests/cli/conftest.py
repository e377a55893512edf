"""Calls of the command line in this process, in a folder with a small store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import graven
from graven.cli.start import run as run_command_line
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.sync.remotes import Remote, add_remote

START = datetime(2026, 1, 2, 12, tzinfo=UTC)
DEFS = {
    "time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER),
    "rate": MetricDef(name="rate", unit="ops/s", direction=MetricDirection.HIGHER),
}


@dataclass(frozen=True)
class Answer:
    """What a call printed, and its exit code."""

    code: int
    out: str
    err: str

    def records(self) -> list[dict[str, Any]]:
        """The JSON records on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    def rows(self) -> list[list[str]]:
        """The tab-separated fields on stdout."""
        return [line.split("\t") for line in self.out.splitlines()]


def make_run(number: int, *, time: float = 1.0, rate: float = 100.0, **fields: Any) -> Run:
    """Run ``r<number>``, ``number`` hours after the start, with one point of two metrics."""
    values = {
        "id": f"r{number}",
        "timestamp": START + timedelta(hours=number),
        "branch": "main",
        "commit": f"{number:040x}",
        "environment": {"cpu": "Test CPU", "cores": 4},
        "metric_defs": DEFS,
        "points": (
            Point(
                name="matmul",
                scenario="linalg",
                tags={"n": "10"},
                metrics={"time": Metric(value=time), "rate": Metric(value=rate)},
            ),
        ),
    }
    return Run(**{**values, **fields})


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """``call("log", "-n", "5")`` in an empty folder without a store."""
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "DEBUG", "AUTHOR", "OFFLINE", "VIEWS", "STORAGE_OPTIONS"):
        monkeypatch.delenv(f"GRAVEN_{name}", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "this-machine" / name))
    monkeypatch.setenv("COLUMNS", "100")

    def call(*words: str) -> Answer:
        capsys.readouterr()
        code = run_command_line(list(words))
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture
def store(tmp_path: Path) -> graven.Store:
    """``.graven`` in the current folder with the runs r1, r2, r3."""
    store = graven.init(tmp_path / ".graven")
    with store.batch() as batch:
        for number, time in ((1, 1.0), (2, 1.04), (3, 1.5)):
            batch.save(make_run(number, time=time))
    return store


@pytest.fixture
def team(store: graven.Store, tmp_path: Path) -> graven.Store:
    """``team.graven``, an empty store that the one in the current folder calls ``origin``."""
    other = graven.init(tmp_path / "team.graven")
    add_remote(store, Remote(name="origin", url=other.url))
    return other


@pytest.fixture
def a_run() -> Callable[..., Run]:
    """`make_run`, for tests that save runs of their own."""
    return make_run
