"""Run records as JSON: calibrax's, and graven's own, which is a superset."""

from __future__ import annotations

from dataclasses import replace

from graven.errors import InvalidInput
from graven.ingest.base import Format
from graven.ingest.source import Source
from graven.model import Origin, Run
from graven.model.reading import fail, read_map


def recognises(source: Source) -> bool:
    """A record with points, and one more field of a run."""
    record = source.map
    return "points" in record and not {"id", "timestamp", "metric_defs"}.isdisjoint(record)


def read(source: Source) -> Run:
    """The run as it stands; numbers whose origin is not stated count as imported."""
    record = read_map(source.document, "run")
    run = _checked(record)
    # A view of graven's leaves out what is as usual: there, no origin means measured.
    stated = "origin" in record or "object_id" in record
    return run if stated else replace(run, origin=Origin.IMPORTED)


def _checked(record: dict[str, object]) -> Run:
    try:
        return Run.from_dict(record)
    except InvalidInput:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        fail("run", f"is not a run record: {error}")


FORMAT = Format(
    name="calibrax",
    description="run records of calibrax and graven (JSON)",
    recognises=recognises,
    read=read,
    lossless=True,
)
