"""A program written for calibrax, as its users write them: nightly.py STORE_FOLDER.

The tests run it twice, as it stands under calibrax and with nothing but the imports
changed under graven, and compare what it prints.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from calibrax.core import Metric, MetricDef, MetricDirection, MetricPriority, Point, Run
from calibrax.storage import Store

root = Path(sys.argv[1])
facts = {}

# One file that the user edits: what the metrics mean.
root.mkdir(parents=True, exist_ok=True)
latency = MetricDef(
    name="latency",
    unit="ms",
    direction=MetricDirection.LOWER,
    group="Speed",
    priority=MetricPriority.PRIMARY,
    description="one forward pass",
)
(root / "config.json").write_text(json.dumps({"metric_defs": {"latency": latency.to_dict()}}))

store = Store(root)
facts["metric_defs"] = {name: d.to_dict() for name, d in store.metric_defs.items()}
facts["empty"] = [store.list_runs(), store.query(), store.get_baseline()]
try:
    store.latest()
except FileNotFoundError:
    facts["latest_of_nothing"] = "FileNotFoundError"
facts["empty_export"] = sorted(p.name for p in store.export_asv(root / "asv-empty").iterdir())


def measure(night: int, branch: str | None) -> Run:
    """Made-up measurements of one night."""
    return Run(
        id=f"night-{night:02d}",
        timestamp=datetime(2026, 3, 1, 2, 30, tzinfo=UTC) + timedelta(days=night),
        commit=f"{night:040x}",
        branch=branch,
        environment={"machine": "ci-01", "cores": 8, "gpus": ["a", "b"], "ratio": 0.5},
        metadata={"night": night, "note": "grün"},
        metric_defs={"latency": latency},
        points=tuple(
            Point(
                name=name,
                scenario=scenario,
                tags={"framework": framework, "batch": "32"},
                metrics={
                    "latency": Metric(
                        value=10.0 + night + offset,
                        lower=9.5 + night,
                        samples=(10.0, 11.5 + night),
                    ),
                    "loss": Metric(value=1 / (night + 1)),
                },
            )
            for offset, (name, scenario, framework) in enumerate(
                [
                    ("resnet", "inference", "jax"),
                    ("resnet", "inference", "torch"),
                    ("resnet", "training", "jax"),
                    ("bert", "inference", "jax" if night % 2 else "torch"),
                ]
            )
        ),
    )


branches = ["main", "main", "topic", None, "main"]
paths = [store.save(measure(night, branch)) for night, branch in enumerate(branches)]
facts["saved"] = [(p.name, p.suffix, p.is_file(), p.parent.name) for p in map(Path, paths)]

facts["load"] = store.load("night-03").to_dict()
facts["equal"] = store.load("night-01") == measure(1, "main")
facts["list"] = [run.id for run in store.list_runs()]
facts["list_main"] = [run.id for run in store.list_runs(branch="main")]
facts["list_nowhere"] = store.list_runs(branch="nowhere")
facts["latest"] = store.latest().id
facts["query_jax"] = sorted(run.id for run in store.query(framework="jax"))
facts["query_all"] = sorted(run.id for run in store.query())
facts["query_none"] = store.query(framework="jax", batch="64")
try:
    store.load("night-99")
except FileNotFoundError:
    facts["load_missing"] = "FileNotFoundError"
try:
    store.set_baseline("night-99")
except FileNotFoundError:
    facts["baseline_missing"] = "FileNotFoundError"

store.set_baseline("night-00")
baseline = store.get_baseline()
facts["baseline"] = baseline.to_dict() if baseline else None
store.set_baseline("night-01")
facts["baseline_moved"] = store.get_baseline().id
store.save(measure(1, "renamed"))  # the id again: the run changes, the baseline stays
facts["overwritten"] = [store.load("night-01").branch, store.get_baseline().branch]
facts["count"] = len(store.list_runs())

other = root / "elsewhere.json"
other.write_text(json.dumps({**measure(7, "main").to_dict(), "timestamp": "2026-02-01T00:00:00Z"}))
ingested = store.ingest(other)
facts["ingested"] = {key: ingested.to_dict()[key] for key in facts["load"]}
facts["still_latest"] = store.latest().id

for n_runs in (None, 0, 2, 100, -1, -100):
    trend = store.extract_trend("latency", "resnet", {"framework": "jax"}, n_runs=n_runs)
    facts[f"trend_{n_runs}"] = trend.to_dict()
facts["trend_any"] = [p.value for p in store.extract_trend("loss", "bert", {}).points]
facts["trend_nothing"] = store.extract_trend("nothing", "bert", {}).to_dict()

# A second process, or the next night, finds everything.
again = Store(str(root))
facts["reopened"] = [run.id for run in again.list_runs()]
facts["export"] = again.export_asv(root / "asv").is_dir()

json.dump(facts, sys.stdout, indent=1, sort_keys=True, default=str)
