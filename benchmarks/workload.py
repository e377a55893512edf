"""The work that graven and its peers are measured on: made-up runs, equal for all.

A run has 8 points x 4 metrics, each with value, lower and upper; 3 tags a point, an
environment, 4 metric definitions and a commit of its own, 7.6 KB as calibrax writes it.
The numbers are full-precision doubles, the worst case for every compressor; with
``rounded`` they have four significant digits, as many tools print them.

Run ``i`` of ``n`` depends on (i, n, seed) alone, so any slice can be made by itself.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

POINTS = 8
METRICS = ("throughput", "latency", "peak_memory", "energy")
METRICS_A_RUN = POINTS * len(METRICS)
NUMBERS_A_RUN = 3 * METRICS_A_RUN
RARE = 100  # runs on the rare branch, and runs with the rare tag, whatever ``n`` is
RARE_BRANCH = "release/1.4"
RARE_TAG = {"device": "tpu"}
TREND = {"metric": "latency", "point_name": "matmul/2", "tags": {"framework": "jax"}}

_SHAPES = {  # unit, direction, group, typical value
    "throughput": ("ops/s", "higher", "Speed", 1.2e3),
    "latency": ("s", "lower", "Speed", 8.1e-4),
    "peak_memory": ("B", "lower", "Memory", 3.1e8),
    "energy": ("J", "info", "Energy", 4.4e1),
}
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def records(
    n: int, *, first: int = 0, count: int | None = None, seed: int = 7, rounded: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield runs ``first`` to ``first + count`` of a history of ``n``, as calibrax's dicts."""
    end = n if count is None else min(n, first + count)
    for index in range(first, end):
        yield record(index, n, seed=seed, rounded=rounded)


def record(index: int, n: int, *, seed: int = 7, rounded: bool = False) -> dict[str, Any]:
    """Run ``index`` of a history of ``n`` runs, oldest first."""
    digest = hashlib.sha256(f"{seed}/{index}".encode()).digest()
    draw = random.Random(digest)
    rare_branch = is_rare(index, n, offset=3)
    device = RARE_TAG["device"] if is_rare(index, n, offset=5) else "gpu"
    return {
        "id": digest[:6].hex(),
        "timestamp": (_BEGIN + timedelta(minutes=7 * index, microseconds=index % 997)).isoformat(),
        "commit": hashlib.sha1(digest).hexdigest(),
        "branch": RARE_BRANCH if rare_branch else ("main", "main", "main", "develop")[index % 4],
        "environment": _environment(index),
        "metadata": {"runner": "nightly", "retries": 0},
        "metric_defs": {name: _definition(name) for name in METRICS},
        "points": [_point(number, device, draw, rounded) for number in range(POINTS)],
    }


def is_rare(index: int, n: int, *, offset: int) -> bool:
    """True for `RARE` of the ``n`` runs (all, where there are fewer), evenly spread."""
    every = max(1, n // RARE)
    return index % every == offset % every and index // every < RARE


def _environment(index: int) -> dict[str, Any]:
    return {
        "machine": f"ci-{index % 3:02d}",
        "cpu": "AMD EPYC 7B13 64-Core Processor",
        "cores": 16,
        "os": "Linux 6.1.0-18-cloud-amd64",
        "python": f"3.12.{index // 2000}",
    }


def _definition(name: str) -> dict[str, Any]:
    unit, direction, group, _ = _SHAPES[name]
    return {
        "name": name,
        "unit": unit,
        "direction": direction,
        "group": group,
        "priority": "primary" if name == "latency" else "secondary",
        "description": f"{name.replace('_', ' ')} of one call",
    }


def _point(number: int, device: str, draw: random.Random, rounded: bool) -> dict[str, Any]:
    return {
        "name": f"matmul/{number}",
        "scenario": "linalg" if number < 6 else "training",
        "tags": {
            "framework": ("jax", "torch")[number // 4],
            "device": device,
            "dtype": ("float32", "bfloat16")[number % 2],
        },
        "metrics": {
            name: _metric(_SHAPES[name][3] * (number + 1), draw, rounded) for name in METRICS
        },
    }


def _metric(typical: float, draw: random.Random, rounded: bool) -> dict[str, float]:
    value = typical * (1 + 0.03 * draw.gauss(0, 1))
    numbers = {
        "value": value,
        "lower": value * (1 - 0.02 * draw.random()),
        "upper": value * (1 + 0.02 * draw.random()),
    }
    if rounded:
        return {key: float(f"{number:.4g}") for key, number in numbers.items()}
    return numbers
