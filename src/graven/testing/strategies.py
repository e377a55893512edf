"""Hypothesis strategies for whole runs and their parts: valid ones, and odd."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from graven.errors import InvalidInput
from graven.ids import check_run_id
from graven.model import (
    Metric,
    MetricDef,
    MetricDirection,
    MetricPriority,
    Origin,
    Point,
    PointStatus,
    Run,
)
from graven.model.metric import DIRECTION_SOURCES


def _is_run_id(text: str) -> bool:
    try:
        check_run_id(text)
    except InvalidInput:
        return False
    return True


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can write."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=max_size)


def names() -> st.SearchStrategy[str]:
    """Names in Unicode form C, as they come back from a store."""
    plain = st.sampled_from(["", "time", "peak mem", "matmul/small", "größe", "𝒳", "a.b[c=1]"])
    return plain | texts().map(_nfc)


def run_ids() -> st.SearchStrategy[str]:
    """Ids that a store accepts, in form C; few, so that they meet again."""
    few = st.sampled_from(["a", "A", "run-1", "über", "a.b", ".hid", "3f9c1a2b7d04"])
    return few | texts().map(_nfc).filter(_is_run_id)


def floats() -> st.SearchStrategy[float]:
    """Canonical floats: no -0.0, no NaN; short decimals beside arbitrary bits."""
    decimals = st.builds(lambda m, e: m / 10**e, st.integers(-(10**9), 10**9), st.integers(0, 9))
    odd = st.sampled_from([0.0, 1e308, -1e308, 5e-324, 2.0**53, 2.0**53 + 2, 0.1, 1 / 3])
    wide = st.floats(allow_nan=False)
    return (decimals | odd | wide).map(lambda value: value + 0.0)


def integers() -> st.SearchStrategy[int]:
    """What canonical msgpack holds, its boundaries often."""
    edges = [2**k + d for k in (5, 7, 8, 15, 16, 31, 32, 53, 63) for d in (-1, 0, 1)]
    signed = [*edges, *(-edge for edge in edges if edge <= 2**63), 2**64 - 1]
    return st.sampled_from(signed) | st.integers(-(2**63), 2**64 - 1)


def json_values() -> st.SearchStrategy[Any]:
    """What free-form fields take, as it comes back."""
    leaves = st.none() | st.booleans() | integers() | floats() | texts()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names(), inner, max_size=3),
        max_leaves=8,
    )


def json_maps() -> st.SearchStrategy[dict[str, Any]]:
    """A free-form field."""
    return st.dictionaries(names(), json_values(), max_size=4)


def datetimes() -> st.SearchStrategy[datetime]:
    """Aware times at whole-minute offsets."""
    zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
    return st.datetimes(
        min_value=datetime(1, 1, 3),  # hypothesis wants it naive, and adds the zone
        max_value=datetime(9999, 12, 29),  # as above
        timezones=st.just(UTC) | zones,
    )


def extras(known: type) -> st.SearchStrategy[dict[str, Any] | None]:
    """Fields of a newer writer: any name that the record does not have itself."""
    own = {*known.__dataclass_fields__, "object_id"}  # type: ignore[attr-defined]  # every class given is a dataclass
    fields = names().filter(lambda name: name not in own)
    return st.none() | st.dictionaries(fields, json_values(), min_size=1, max_size=2)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    """A metric, with samples in processes at times."""
    samples = draw(st.none() | st.lists(floats(), max_size=6).map(tuple))
    groups = None
    if samples is not None and draw(st.booleans()):
        cut = draw(st.integers(0, len(samples)))
        groups = (cut, len(samples) - cut)
    return Metric(
        value=draw(floats()),
        lower=draw(st.none() | floats()),
        upper=draw(st.none() | floats()),
        samples=samples,
        sample_groups=groups,
        estimator=draw(st.sampled_from([None, "median", "min", ""])),
        extra=draw(extras(Metric)),
    )


def points() -> st.SearchStrategy[Point]:
    """A point; failed and skipped ones too, and some without metrics."""
    return st.builds(
        Point,
        name=names(),
        scenario=names(),
        tags=st.dictionaries(names(), texts(), max_size=3),
        metrics=st.dictionaries(names(), metrics(), max_size=4),
        status=st.sampled_from(PointStatus),
        error=st.none() | texts(),
        version=st.none() | texts(),
        extra=extras(Point),
    )


@st.composite
def metric_defs(draw: st.DrawFn) -> dict[str, MetricDef]:
    """Definitions by name; now and then one whose own name is another."""
    defs = {}
    for key in draw(st.lists(names(), max_size=3, unique=True)):
        defs[key] = MetricDef(
            name=draw(st.just(key) | names()),
            unit=draw(texts()),
            direction=draw(st.sampled_from(MetricDirection)),
            group=draw(texts()),
            priority=draw(st.sampled_from(MetricPriority)),
            description=draw(texts()),
            direction_source=draw(st.sampled_from(DIRECTION_SOURCES)),
            unit_given=draw(st.none() | texts()),
            extra=draw(extras(MetricDef)),
        )
    return defs


def commits() -> st.SearchStrategy[str | None]:
    """Full hashes in both cases, short ones, and what is no hash."""
    full = st.binary(min_size=20, max_size=20).map(bytes.hex)
    return st.none() | full | full.map(str.upper) | st.sampled_from(["9fceb02", "v1.0"]) | texts()


def runs() -> st.SearchStrategy[Run]:
    """Whole runs that a store takes and gives back equal."""
    return st.builds(
        Run,
        id=run_ids(),
        points=st.lists(points(), max_size=4).map(tuple),
        timestamp=datetimes(),
        commit=commits(),
        branch=st.none() | texts(),
        environment=json_maps(),
        metadata=json_maps(),
        metric_defs=metric_defs(),
        experiment=st.none() | texts(),
        status=texts(),
        params=json_maps(),
        error=st.none() | texts(),
        provenance=json_maps(),
        origin=st.sampled_from(Origin),
        group=st.none() | texts(),
        commit_time=st.none() | datetimes(),
        dirty=st.none() | st.booleans(),
        guessed=st.lists(texts(), max_size=2).map(tuple),
        extra=extras(Run),
    )
