"""Whatever stands in a file, a reader answers with a run or with an error that names it."""

from __future__ import annotations

import copy
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graven.errors import GravenError
from graven.ingest import Overrides, Source
from graven.ingest.assemble import assemble
from graven.ingest.registry import find_format, our_formats, unrecognised

DATA = Path(__file__).parent / "data"
FILES = {
    "calibrax.json": "calibrax",
    "pytest-benchmark.json": "pytest-benchmark",
    "pyperf-suite.json": "pyperf",
    "pyperf-fast.json.gz": "pyperf",
    "hyperfine.json": "hyperfine",
    "google-benchmark.json": "google-benchmark",
    "google-benchmark-aggregates.json": "google-benchmark",
    "asv-project/measured/demo-box/e9cf4504-existing-python.json": "asv",
    "asv-v1/cheetah/05d283b9-py2.7.json": "asv",
}
MODIFIED = datetime(2026, 11, 20, tzinfo=UTC)
SMALL = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53 + 1, 2**70, -(2**64), 10**400, 0, 1, 2])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["", "\ud800", "\0", "nan", "2026-13-45", "s", "ns", "median", "latest", ".."]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
)


def content(name):
    raw = (DATA / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def attempt(raw, name, format=None):
    """Read as the format that fits, and as the named one; both must end well."""
    for known in (None, our_formats()[format] if format else None):
        source = Source.from_bytes(raw, str(DATA / name), MODIFIED)
        try:
            chosen = known or find_format(source)
            if chosen is None:
                raise unrecognised(source)
            item = assemble(source, chosen, Overrides(tags={"k": "v"}), None)
        except GravenError as error:
            str(error).encode()  # can be shown
            continue
        json.dumps(item.run.to_dict(), ensure_ascii=False).encode()
        assert item.run.id


def places(value, path=()):
    """The paths of all values in a JSON document."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in list(items)[:40]:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("name", FILES)
@SMALL
@given(data=st.data())
def test_a_value_replaced_or_deleted(name, data):
    document = json.loads(content(name))
    for _ in range(data.draw(st.integers(1, 3))):
        paths = [path for path in places(document) if path]
        if not paths:
            break
        *parents, key = data.draw(st.sampled_from(paths))
        holder = document
        for step in parents:
            holder = holder[step]
        if data.draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = copy.deepcopy(data.draw(VALUES))
    attempt(json.dumps(document).encode(), name, FILES[name])


@pytest.mark.parametrize("name", FILES)
@SMALL
@given(data=st.data())
def test_bytes_cut_off_or_flipped(name, data):
    raw = bytearray((DATA / name).read_bytes())
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    attempt(bytes(raw), name, FILES[name])


@SMALL
@given(value=VALUES, format=st.sampled_from(sorted(set(FILES.values()))))
def test_any_json_at_all(value, format):
    attempt(json.dumps(value).encode(), "any.json", format)


@SMALL
@given(raw=st.binary(max_size=200), format=st.sampled_from(sorted(set(FILES.values()))))
def test_any_bytes_at_all(raw, format):
    attempt(raw, "any.json", format)
