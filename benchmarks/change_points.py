"""How well change points are found in real noise, and how fast.

    python benchmarks/change_points.py [FOLDER]

FOLDER is one machine's folder of asv results, by default the histories of Django beside the
checkout. Of 39 of its series (all that have 100 values or more, evenly chosen), 200 values are
drawn in an order of chance, so that nothing but noise is left; a step is put in at 140. A hit
is a point within 5 values of it.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from graven.analysis.statistics.changepoints import change_points

FOLDER = (
    Path(__file__).parents[2] / "shared/samples/asv-real/django-asv-subset/results/ubuntu-latest"
)
STEPS = (0.05, 0.1, 0.2, 0.5)


def asv_histories(folder):
    """The series of asv results that have 100 values or more, each oldest first."""
    results = [
        json.loads(path.read_text())
        for path in sorted(folder.glob("*.json"))
        if path.name != "machine.json"
    ]
    series = {}
    for result in sorted(results, key=lambda result: result["date"]):
        for name, row in result["results"].items():
            values = dict(zip(result["result_columns"], row, strict=False)).get("result") or ()
            for place, value in enumerate(values):
                if isinstance(value, (int, float)):
                    series.setdefault((name, place), []).append(float(value))
    return [np.array(series[key]) for key in sorted(series) if len(series[key]) >= 100]


def measure(histories, repeats, seed=5):
    """False points in 1,000 values, and the share of steps that are hit, by size."""
    rng = np.random.default_rng(seed)
    false, hits = 0, dict.fromkeys(STEPS, 0)
    for values in histories * repeats:
        noise = rng.choice(values, 200)
        false += len(change_points(noise))
        for size in STEPS:
            moved = noise.copy()
            moved[140:] *= 1 + size
            hits[size] += any(abs(point.index - 140) <= 5 for point in change_points(moved))
    count = len(histories) * repeats
    return 1000 * false / (200 * count), {size: hit / count for size, hit in hits.items()}


def seconds(values, rounds=5):
    """The shortest of some rounds."""
    spent = []
    for _ in range(rounds):
        start = time.perf_counter()
        change_points(values)
        spent.append(time.perf_counter() - start)
    return min(spent)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    rng = np.random.default_rng(1)
    for count in (200, 10_000):
        quiet = rng.lognormal(0, 0.1, count)
        restless = quiet * np.repeat(rng.uniform(1, 3, count // 20), 20)
        print(f"{count:>6,} values: noise {1e3 * seconds(quiet):.1f} ms,"
              f" a step every 20 values {1e3 * seconds(restless):.1f} ms")  # fmt: skip
    if not folder.exists():
        print(f"no {folder}: nothing is said of real noise")
        return
    histories = asv_histories(folder)
    chosen = [histories[at] for at in np.linspace(0, len(histories) - 1, 39).astype(int)]
    for repeats in (1, 10):
        false, hits = measure(chosen, repeats)
        shares = ", ".join(f"+{size:.0%} {hit:.2f}" for size, hit in hits.items())
        print(f"{39 * repeats} x 200 values: {false:.2f} false in 1,000; hit {shares}")


if __name__ == "__main__":
    main()
