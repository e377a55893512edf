"""The worker that runs icechunk: each save adds a group with one array, and commits."""

from __future__ import annotations

import os
from typing import Any

import icechunk
import zarr

import workload
from peers.at_once import write_at_once
from peers.protocol import serve

REBASES = 1_000  # tries; the library's own default gives up far sooner


def version() -> dict[str, Any]:
    return {"icechunk": icechunk.__version__}


def init(bucket: str) -> dict[str, Any]:
    """A repository with its root group: two who made that at once would be in conflict."""
    session = icechunk.Repository.create(_storage(bucket)).writable_session("main")
    zarr.create_group(session.store)
    session.commit("root")
    return {}


def write(bucket: str, writers: int, each: int) -> dict[str, Any]:
    records = list(workload.records(writers * each))

    def open_client(number: int) -> Any:
        repository = icechunk.Repository.open(_storage(bucket))

        def save(record: dict[str, Any]) -> None:
            session = repository.writable_session("main")
            _add(zarr.open_group(session.store, mode="a"), record)
            session.commit(
                record["id"], rebase_with=icechunk.ConflictDetector(), rebase_tries=REBASES
            )

        return save

    answer: dict[str, Any] = write_at_once(records, writers, open_client)
    return answer


def kept(bucket: str) -> dict[str, Any]:
    session = icechunk.Repository.open(_storage(bucket)).readonly_session("main")
    return {"done": len(list(zarr.open_group(session.store, mode="r").group_keys()))}


def _add(root: zarr.Group, record: dict[str, Any]) -> None:
    """Values of a run as one array: point, metric, (value, lower, upper)."""
    points = record["points"]
    values = [
        [[m["value"], m["lower"], m["upper"]] for m in point["metrics"].values()]
        for point in points
    ]
    labels = [{k: point[k] for k in ("name", "scenario", "tags")} for point in points]
    rest = {key: value for key, value in record.items() if key != "points"}
    group = root.create_group(record["id"], attributes={**rest, "points": labels})
    array = group.create_array("values", shape=(len(points), len(values[0]), 3), dtype="float64")
    array[...] = values


def _storage(bucket: str) -> icechunk.Storage:
    return icechunk.s3_storage(
        bucket=bucket,
        prefix="runs",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        region=os.environ["AWS_REGION"],
        allow_http=True,
        force_path_style=True,
        from_env=True,
    )


if __name__ == "__main__":
    icechunk.set_logs_filter("error")  # a rebase that fails is counted, not told
    serve({operation.__name__: operation for operation in (version, init, write, kept)})
