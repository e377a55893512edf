"""One question in two languages: a tag and a metric filter, another metric orders."""

from __future__ import annotations

from typing import Any

LIMIT = 100
_POINT = "matmul/2"
_ABOVE = 1.2e3 * 3 * 0.99  # two thirds of the runs
MLFLOW_FILTER = f"tags.branch = 'main' AND metrics.`{_POINT}/throughput` > {_ABOVE}"
MLFLOW_ORDER = f"metrics.`{_POINT}/latency` DESC"
GRAVEN_FILTER = f'branch = main and metric."{_POINT}/throughput" > {_ABOVE}'
GRAVEN_ORDER = f'metric."{_POINT}/latency":desc'


def tags_of(record: dict[str, Any]) -> dict[str, str]:
    """What labels a run: MLflow has tags for it."""
    return {
        "mlflow.runName": record["id"],
        "branch": record["branch"],
        "commit": record["commit"],
        "device": record["points"][0]["tags"]["device"],
        "machine": record["environment"]["machine"],
    }


def metrics_of(record: dict[str, Any]) -> dict[str, float]:
    """A number for each metric of each point, without its bounds."""
    return {
        f"{point['name']}/{name}": metric["value"]
        for point in record["points"]
        for name, metric in point["metrics"].items()
    }
