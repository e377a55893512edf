"""graven and calibrax read each other's files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import graven
from graven import Metric, MetricDef, MetricDirection, Point, Run

READ_ALL = """
import json, sys
from calibrax.storage import Store
store = Store(sys.argv[1])
runs = [run.to_dict() for run in store.list_runs()]
defs = {name: definition.to_dict() for name, definition in store.metric_defs.items()}
json.dump({"runs": runs, "defs": defs}, sys.stdout)
"""

WRITE_ONE = """
import json, sys
from datetime import UTC, datetime
from calibrax.core import Metric, MetricDef, MetricDirection, Point, Run
from calibrax.storage import Store
run = Run(
    timestamp=datetime(2026, 5, 4, 3, 2, 1, 987654, tzinfo=UTC),
    points=(Point(name="sort", scenario="micro", tags={"n": "10"},
                  metrics={"t": Metric(value=0.1, upper=1e300, samples=(0.1, 2.5e-320))}),
            Point(name="empty", scenario="micro")),
    branch="fix/ünïcode", environment={"nested": {"deep": [1, 2.0, None, True]}},
    metric_defs={"t": MetricDef(name="t", unit="s", direction=MetricDirection.LOWER)},
)
path = Store(sys.argv[1]).save(run)
json.dump({"path": str(path), "run": run.to_dict()}, sys.stdout)
"""

GUARD = """
import json, sys
import graven
from calibrax.ci.guard import CIGuard
result = CIGuard(graven.open(sys.argv[1]), threshold=0.05).check()
json.dump({"passed": result.passed, "baseline": result.baseline_id, "current": result.current_id,
           "found": [[r.metric, r.point_name, round(r.delta_pct, 6)] for r in result.regressions]},
          sys.stdout)
"""

CALIBRAX_KEYS = (
    "id", "timestamp", "commit", "branch", "environment", "metadata", "metric_defs", "points"
)  # fmt: skip


def make_run(run_id: str, day: int, value: float, **more: object) -> Run:
    """One point with a time and a note-only metric."""
    fields = {"branch": "main", "commit": f"{day:040x}", **more}
    return Run(
        id=run_id,
        timestamp=datetime(2026, 6, day, tzinfo=UTC),
        environment={"machine": "ci-01", "cores": 4},
        metric_defs={
            "t": MetricDef(name="t", unit="s", direction=MetricDirection.LOWER),
            "note": MetricDef(name="note", unit="1", direction=MetricDirection.INFO),
        },
        points=(
            Point(
                name="sort",
                scenario="micro",
                tags={"n": "10"},
                metrics={
                    "t": Metric(value=value, lower=value / 2, samples=(value, value * 1.5)),
                    "note": Metric(value=day),
                },
            ),
        ),
        **fields,
    )


def calibrax_view(run: Run) -> dict[str, object]:
    """The fields of a run that calibrax knows, as JSON gives them back."""
    record = json.loads(json.dumps(run.to_dict()))
    return {key: record[key] for key in CALIBRAX_KEYS}


def test_calibrax_reads_the_folder_that_graven_wrote(run_python, calibrax_python, tmp_path):
    runs = [
        make_run("plain", 1, 0.25),
        make_run("Upper.Case_id", 2, 1 / 3, branch=None, commit=None),
        make_run(
            "with-own-fields", 3, 5e-324, experiment="e1", params={"lr": 0.1}, status="failed"
        ),
        make_run("ünïcode", 4, 1e308, metadata={"note": "grün", "none": None}),
    ]
    store = graven.init(tmp_path / "store")
    for run in runs[:2]:
        store.save(run)
    with store.batch() as batch:
        for run in runs[2:]:
            batch.save(run)
    (tmp_path / "store" / "config.json").write_text(
        json.dumps({"metric_defs": {"t": runs[0].metric_defs["t"].to_dict()}, "other": {"kept": 1}})
    )
    seen = run_python(calibrax_python, READ_ALL, tmp_path / "store")
    assert seen["runs"] == [calibrax_view(run) for run in reversed(runs)]
    assert seen["defs"]["t"]["unit"] == "s"
    # calibrax made its folders inside ours; the store is as sound as before.
    assert graven.open(tmp_path / "store").fsck(level="full").ok


def test_calibrax_sees_a_removed_run_go_and_a_changed_one_change(
    run_python, calibrax_python, tmp_path
):
    store = graven.init(tmp_path / "store")
    store.save(make_run("stays", 1, 1.0))
    store.save(make_run("goes", 2, 2.0))
    store.save(make_run("stays", 1, 3.0))
    store.delete("goes")
    seen = run_python(calibrax_python, READ_ALL, tmp_path / "store")
    assert seen["runs"] == [calibrax_view(make_run("stays", 1, 3.0))]


def test_graven_reads_the_run_that_calibrax_wrote(run_python, calibrax_python, tmp_path):
    written = run_python(calibrax_python, WRITE_ONE, tmp_path / "theirs")
    store = graven.init(tmp_path / "ours")
    run = store.ingest(Path(written["path"]))
    # Ingest adds what graven knows (where the numbers come from), it changes nothing.
    assert calibrax_view(run) == written["run"]
    assert calibrax_view(store.load(written["run"]["id"])) == written["run"]
    assert calibrax_view(Run.from_dict(written["run"])) == written["run"]


def test_the_guard_of_calibrax_works_on_a_graven_store(run_python, both_python, tmp_path):
    store = graven.init(tmp_path / "store")
    store.save(make_run("base", 1, 1.0))
    store.save(make_run("slow", 2, 1.5))
    store.set_baseline("base")
    assert run_python(both_python, GUARD, tmp_path / "store") == {
        "passed": False,
        "baseline": "base",
        "current": "slow",
        "found": [["t", "sort", 50.0]],
    }
