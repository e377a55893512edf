"""Shared by the tests of the readers: their data, and a source made of a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graven.ingest import Overrides, Source
from graven.ingest.assemble import assemble
from graven.ingest.registry import find_format, format_named

DATA = Path(__file__).parent / "data"
MODIFIED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def data():
    return DATA


@pytest.fixture
def document():
    """The JSON of a file of the tests' data, to be changed at will."""
    return lambda name: json.loads((DATA / name).read_text())


@pytest.fixture
def read():
    """Read a JSON value as a file of the named format (or of the one that fits)."""

    def read_value(value, format=None, *, overrides=None, git=None, name="results.json"):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        source = Source.from_bytes(raw, name, MODIFIED)
        known = format_named(format) if format else find_format(source)
        return assemble(source, known, overrides or Overrides(), git)

    return read_value
