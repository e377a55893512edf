"""What people said of steps in a series: accepted or rejected, kept beside the run it begins at.

The ref's note holds all that the record says, so that the steps of all runs are known without
reading an object. The note is a stranger's too: what is not of its form is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from graven import clock
from graven.catalog.annotations import STEPS, Annotated, step_past, visible_steps
from graven.catalog.questions import find_header
from graven.catalog.trends import SeriesName
from graven.errors import InvalidInput, NotFound
from graven.formats import layout
from graven.formats.canonical import encode
from graven.formats.envelope import MANIFEST
from graven.formats.manifest import encode_manifest
from graven.formats.packbuild import Item
from graven.ids import hash_bytes, normal
from graven.store.attachments import find_attachment, make_note, stamp_of
from graven.store.session import Intent

if TYPE_CHECKING:
    from graven.store.base import StoreBase

ACCEPTED = "accepted"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"
STATES = (ACCEPTED, REJECTED)
STEP = "step"
MAX_MESSAGE = 4096
_KEY_HEX = 16


class SeriesLike(Protocol):
    """What names a series: `Store.series` gives such."""

    @property
    def scenario(self) -> str: ...  # noqa: D102  see SeriesName
    @property
    def name(self) -> str: ...  # noqa: D102  see SeriesName
    @property
    def tags(self) -> Mapping[str, str]: ...  # noqa: D102  see SeriesName
    @property
    def metric(self) -> str: ...  # noqa: D102  see SeriesName


class StepAnnotation(NamedTuple):
    """What somebody said of a step.

    Attributes:
        series: scenario, name, tags and metric.
        run_id: of the run at which the new level begins.
        timestamp: of that run.
        state: ``accepted``, ``rejected``; in a history also ``withdrawn``.
        by, at, message: who said it, when (ISO 8601) and why; of a withdrawal ``at`` alone.
    """

    series: SeriesName
    run_id: str
    timestamp: datetime
    state: str
    by: str
    at: str
    message: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {**self._asdict(), "series": self.series._asdict()}
        record["timestamp"] = self.timestamp.isoformat()
        return record


def series_key(series: SeriesLike) -> str:
    """16 hex digits that tell a series from the others: what its annotations are named by."""
    text = _plain(series)
    return hash_bytes(encode(list(text), "series")).hex()[:_KEY_HEX]


def _plain(series: SeriesLike) -> SeriesName:
    tags = {normal(key): normal(value) for key, value in series.tags.items()}
    return SeriesName(normal(series.scenario), normal(series.name), tags, normal(series.metric))


def annotate_steps(
    store: StoreBase, steps: Iterable[tuple[SeriesLike, str]], state: str | None, message: str
) -> int:
    """Say the same of several steps in one transaction; see `RecordingStore.annotate_step`.

    Returns:
        How many of them said something else before.
    """
    if state is not None and state not in STATES:
        raise InvalidInput(
            f"no state of a step: {state!r}",
            kind="bad-state",
            hint=f"one of {', '.join(STATES)}; None takes it back",
            field="state",
        )
    if len(message) > MAX_MESSAGE:
        raise InvalidInput(
            f"the message is longer than {MAX_MESSAGE:,} characters",
            kind="message-too-long",
            field="message",
        )
    session, index = store.parts.session, store.parts.index
    session.check_writable()
    index.refresh()
    at = clock.now().isoformat()
    items: dict[bytes, Item] = {}
    intents: dict[str, Intent] = {}
    for series, run_id in steps:
        header = index.look(partial(find_header, run_id=run_id))
        if header is None or header.deleted:
            raise NotFound(f"Run not found: {run_id}", kind="run-missing", run=run_id)
        ref_name = f"{STEPS}{series_key(series)}"
        held = index.look(partial(find_attachment, run_id=header.run_id, name=ref_name))
        if held is None and state is None:
            continue
        record = _record(_plain(series), state or "", store.author, at, message)
        if held is not None and _says_the_same(store, header.run_id, ref_name, record):
            continue
        stamp = index.look(partial(stamp_of, run_id=header.run_id, name=ref_name))
        session.observe(max(header.stamp, stamp))
        ref = layout.attachment_ref(header.run_id, ref_name)
        if state is None:
            intents[ref] = Intent(ref, None)
            continue
        data = encode_manifest(STEP, record)
        item = Item(hash_bytes(data), MANIFEST, data)
        items[item.id] = item
        intents[ref] = Intent(ref, item.id, None, make_note(len(data), kind=STEP, step=record))
    if intents:
        session.commit(list(items.values()), list(intents.values()))
    return len(intents)


def _record(series: SeriesName, state: str, by: str, at: str, message: str) -> dict[str, Any]:
    return {
        "series": series._asdict(), "state": state, "by": by, "at": at, "message": message,
    }  # fmt: skip


def _says_the_same(store: StoreBase, run_id: str, name: str, record: Mapping[str, Any]) -> bool:
    ref = layout.attachment_ref(run_id, name)
    row = store.parts.index.look(
        lambda catalog: catalog.one("SELECT note FROM ref WHERE name = ?", (ref,))
    )
    note = json.loads(row[0]) if row and row[0] else {}
    known = note.get(STEP) if isinstance(note, dict) else None
    return isinstance(known, dict) and all(
        known.get(field) == record[field] for field in ("series", "state", "message")
    )


def step_annotations(store: StoreBase, series: SeriesLike | None) -> list[StepAnnotation]:
    """See `RecordingStore.step_annotations`."""
    key = None if series is None else series_key(series)
    rows = store.parts.index.ask(partial(visible_steps, series=key))
    return [found for row in rows if (found := _from_note(row)) is not None]


def step_history(store: StoreBase, series: SeriesLike) -> list[StepAnnotation]:
    """See `RecordingStore.step_history`."""
    rows = store.parts.index.ask(partial(step_past, series=series_key(series)))
    out = []
    for row in rows:
        found = _from_note(row)
        if found is None and row.note is None:
            said = clock.micros_to_datetime((row.stamp >> clock.COUNTER_BITS) * 1000).isoformat()
            when = clock.micros_to_datetime(row.ts)
            found = StepAnnotation(_plain(series), row.run_id, when, WITHDRAWN, "", said, "")
        if found is not None:
            out.append(found)
    return out


def _from_note(row: Annotated) -> StepAnnotation | None:
    """An annotation, None for what only has its name."""
    step = (row.note or {}).get(STEP)
    if not isinstance(step, dict) or step.get("state") not in STATES:
        return None
    series = step.get("series")
    if not isinstance(series, dict):
        return None
    scenario, name, tags, metric = (
        series.get(field) for field in ("scenario", "name", "tags", "metric")
    )
    if not isinstance(tags, dict) or not all(isinstance(v, str) for v in tags.values()):
        return None
    if not (isinstance(scenario, str) and isinstance(name, str) and isinstance(metric, str)):
        return None
    by, at, message = (str(step.get(field) or "") for field in ("by", "at", "message"))
    moment = clock.micros_to_datetime(row.ts)
    known = SeriesName(scenario, name, tags, metric)
    return StepAnnotation(known, row.run_id, moment, step["state"], by, at, message)
