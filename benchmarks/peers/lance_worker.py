"""The worker that runs lance: each save appends a run's rows to one dataset."""

from __future__ import annotations

from typing import Any

import lance

import workload
from peers.at_once import write_at_once
from peers.protocol import serve
from peers.table import table_of


def version() -> dict[str, Any]:
    return {"lance": lance.__version__}


def init(bucket: str) -> dict[str, Any]:
    empty = table_of(workload.record(0, 1)).slice(0, 0)
    lance.write_dataset(empty, _url(bucket))
    return {}


def write(bucket: str, writers: int, each: int) -> dict[str, Any]:
    tables = [table_of(record) for record in workload.records(writers * each)]

    def open_client(number: int) -> Any:
        return lance.dataset(_url(bucket)).insert

    answer: dict[str, Any] = write_at_once(tables, writers, open_client)
    return answer


def kept(bucket: str) -> dict[str, Any]:
    column = lance.dataset(_url(bucket)).to_table(columns=["id"])["id"]
    return {"done": len(set(column.to_pylist()))}


def _url(bucket: str) -> str:
    return f"s3://{bucket}/runs.lance"


if __name__ == "__main__":
    serve({operation.__name__: operation for operation in (version, init, write, kept)})
