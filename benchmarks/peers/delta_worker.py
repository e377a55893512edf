"""The worker that runs delta-rs: each save appends a run's rows to one table."""

from __future__ import annotations

from functools import partial
from typing import Any

import deltalake
from deltalake import DeltaTable, write_deltalake

import workload
from peers.at_once import write_at_once
from peers.protocol import serve
from peers.table import table_of


def version() -> dict[str, Any]:
    return {"deltalake": deltalake.__version__}


def init(bucket: str) -> dict[str, Any]:
    write_deltalake(_url(bucket), table_of(workload.record(0, 1)).slice(0, 0))
    return {}


def write(bucket: str, writers: int, each: int) -> dict[str, Any]:
    tables = [table_of(record) for record in workload.records(writers * each)]

    def open_client(number: int) -> Any:
        return partial(write_deltalake, DeltaTable(_url(bucket)), mode="append")

    answer: dict[str, Any] = write_at_once(tables, writers, open_client)
    return answer


def kept(bucket: str) -> dict[str, Any]:
    table = DeltaTable(_url(bucket)).to_pyarrow_table(columns=["id"])
    return {"done": len(set(table["id"].to_pylist()))}


def _url(bucket: str) -> str:
    return f"s3://{bucket}/runs"


if __name__ == "__main__":
    serve({operation.__name__: operation for operation in (version, init, write, kept)})
