"""The runs of the golden store: everything that a run object can hold, made from nothing else."""

import math
import random
from datetime import UTC, datetime, timedelta, timezone

from graven import Metric, MetricDef, MetricDirection, MetricPriority, Origin, Point, PointStatus
from graven import Run as _Run

START = datetime(2025, 3, 1, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHA1 = "9fceb02d0ae598e95dc970b74767f19372d61af8"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MACHINE = {"cpu": "AMD EPYC 7543", "cores": 32, "python": "3.11.9", "flags": ["avx2", "sse4"]}

TIME = MetricDef(
    name="time",
    unit="s",
    direction=MetricDirection.LOWER,
    priority=MetricPriority.PRIMARY,
    group="speed",
    description="wall time of one call",
)
RATE = MetricDef(
    name="rate", unit="ops/s", direction=MetricDirection.HIGHER, direction_source="unit"
)
MEMORY = MetricDef(
    name="peak memory",
    unit="B",
    direction=MetricDirection.LOWER,
    direction_source="tool",
    unit_given="MiB",
    extra={"colour": "blue"},
)
FLOPS = MetricDef(name="flops", unit="1", direction=MetricDirection.INFO)
GUESSED = MetricDef(
    name="größe",
    unit="",
    direction=MetricDirection.INFO,
    direction_source="unknown",
)
USUAL_DEFS = {d.name: d for d in (TIME, RATE)}
DEFS = {d.name: d for d in (TIME, RATE, MEMORY, FLOPS, GUESSED)}

# Ids that are hard on file systems and on sorting.
UNUSUAL_IDS = (
    "Nightly",
    "nightly",
    "über-Läufe",
    "e\u0301ty",  # decomposed: stored in form C
    "日本語",
    "a b",
    "100%",
    "run:2*?",
    ".hidden",
    "trailing.",
    "console",
    "com10",
    "🚀",
    "x" * 120,
)


def run(run_id, minutes=0, **fields):
    """A run with the machine and the definitions of nearly all others."""
    known = {
        "id": run_id,
        "timestamp": START + minutes * MINUTE,
        "commit": SHA1,
        "branch": "main",
        "environment": MACHINE,
        "metric_defs": USUAL_DEFS,
    }
    return _Run(**(known | fields))


def point(name="sort/quick", scenario="cpu", metrics=None, **fields):
    fields.setdefault("tags", {"size": "1000"})
    if metrics is None:
        metrics = {"time": Metric(value=0.125)}
    return Point(name=name, scenario=scenario, metrics=metrics, **fields)


def usual(run_id, number, **fields):
    """One of a series of alike runs: two points, values that rise by a tenth."""
    value = round(1.0 + number / 10, 1)
    points = (
        point(
            metrics={
                "time": Metric(value=value, lower=value - 0.25, upper=value + 0.25),
                "rate": Metric(value=1000 - number),
            }
        ),
        point(name="sort/merge", metrics={"time": Metric(value=1 / (3 + number))}),
    )
    return run(run_id, number, points=points, **fields)


def rich():
    """A run with every field there is."""
    samples = (0.5, 0.25, 0.75, 0.5, 0.5)
    points = (
        point(
            metrics={
                "time": Metric(
                    value=0.5,
                    lower=0.25,
                    upper=0.75,
                    samples=samples,
                    sample_groups=(2, 3),
                    estimator="median",
                ),
                "peak memory": Metric(value=float(2**40), samples=(), extra={"pages": 12}),
                "flops": Metric(value=2.0**53 - 1),
            },
            tags={"size": "1000", "dtype": "float32", "ключ": "значение"},
            version="2f3a",
            extra={"seed": 7},
        ),
        point(
            name="sort/merge",
            metrics={"time": Metric(value=0.3, upper=0.4, samples=(0.1, 0.3, 1 / 3))},
            status=PointStatus.FAILED,
            error="out of memory\n  at line 3",
        ),
        point(name="sort/bogo", metrics={}, status=PointStatus.SKIPPED, error="too slow"),
        point(name="sort/quick", scenario="gpu", tags={}, metrics={"größe": Metric(value=3.0)}),
    )
    return run(
        "rich",
        10,
        points=points,
        metric_defs=DEFS,
        timestamp=datetime(2025, 3, 1, 8, 40, 0, 250, timezone(timedelta(hours=5, minutes=30))),
        commit_time=datetime(2025, 2, 28, 23, 59, 59, tzinfo=timezone(timedelta(hours=-8))),
        experiment="sorting",
        status="failed",
        error="2 of 4 benchmarks failed",
        params={"threads": 8, "sizes": [10, 1000], "deep": {"er": {"est": None}}},
        provenance={"command": "bench --all", "host": "runner-7"},
        metadata={"note": "größer", "big": 2**63, "small": -(2**63), "float": 0.1, "yes": True},
        origin=Origin.SIMULATED,
        group="shard-group",
        dirty=True,
        guessed=("branch", "commit"),
        extra={"schema": 3, "from a newer writer": {"a": [1, 2.5, "x", None]}},
    )


def numbers():
    """Every kind of float64, in decimal columns and in planes."""
    odd = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2, 1 / 3)
    points = [
        point(name=f"odd/{n}", metrics={"time": Metric(value=value, samples=(value, 1.0))})
        for n, value in enumerate(odd)
    ]
    points.append(
        point(name="bounds", metrics={"time": Metric(value=0.0, lower=-math.inf, upper=math.nan)})
    )
    return run("numbers", 11, points=tuple(points))


def decimals():
    """Numbers that all have few decimal places."""
    values = (0.0, -1.5, 123456.789, 1e-12, 9007199254.740992)
    return run(
        "decimals",
        12,
        points=tuple(
            point(name=f"decimal/{n}", metrics={"time": Metric(value=v)})
            for n, v in enumerate(values)
        ),
    )


def many_samples():
    """A run object that fills a frame of its own."""
    noise = random.Random(3).random
    return run(
        "many-samples",
        13,
        points=(
            point(metrics={"time": Metric(value=0.5, samples=tuple(noise() for _ in range(4000)))}),
        ),
    )


def bare():
    """A run of no points, known by its content alone."""
    return _Run(points=(), timestamp=START + 14 * MINUTE)


def odd_commits():
    """Commits that are no lower-case hexadecimal hash, and one that is a long one."""
    for number, commit in enumerate((None, SHA256, SHA1.upper(), SHA1[:12], "v1.0-ä", "")):
        yield run(f"commit-{number}", 20, points=(point(),), commit=commit, branch=None)


def log_text():
    """2.5 MiB of text that packs small and is still cut in several places."""
    lines = random.Random(5)
    words = [lines.randbytes(120).hex() for _ in range(8)]
    return b"".join(
        f"{number:07} {lines.choice(words)}\n".encode() for number in range(2_600_000 // 249)
    )


def noise(size):
    """Bytes that no compressor makes smaller."""
    return random.Random(size).randbytes(size)


def tensor():
    """A small tensor; what is stored of it depends on no version of numpy."""
    import numpy

    return numpy.arange(6, dtype="float32").reshape(2, 3)
