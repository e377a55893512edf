"""Metrics over steps: appended in batches whose cost does not grow with what is there.

A series is a manifest with the newest values in it and links to parts of `PART` values each.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from graven.errors import Conflict, Corrupt, InvalidInput
from graven.formats.manifest import Manifest, decode_manifest, encode_manifest
from graven.formats.packbuild import Item
from graven.ids import ObjectId
from graven.store.attachment_names import under
from graven.store.attachment_writes import NewRef, put_refs, record_item
from graven.store.attachments import find_attachment, make_note
from graven.store.base import StoreBase
from graven.store.contents import read_record
from graven.store.records import STEPPED

if TYPE_CHECKING:
    from graven.catalog.questions import Header

PART = 4096
BATCH = 1000
"""Values in memory after which a writer commits of itself."""

_PART_TYPE = "steps"

Step = int | float


class Series(NamedTuple):
    """What stands in the manifest of a series: full parts, and the values behind them."""

    parts: tuple[ObjectId, ...]
    steps: list[Step]
    values: list[float]

    @property
    def length(self) -> int:
        """How many values there are."""
        return len(self.parts) * PART + len(self.values)


EMPTY = Series((), [], [])


def encode_series(series: Series) -> Manifest:
    """The manifest of a series."""
    body = {"count": series.length, "steps": series.steps, "values": series.values}
    return Manifest(STEPPED, series.parts, body)


def decode_series(record: Manifest) -> Series:
    """The inverse of `encode_series`.

    Raises:
        Corrupt: malformed.
    """
    steps, values = _columns(record)
    return Series(record.links, steps, values)


def read_pairs(store: StoreBase, record: Manifest) -> list[list[Any]]:
    """All of a series, as ``[step, value]``.

    Raises:
        Corrupt, NotFound: a part of it is damaged or gone.
    """
    pairs: list[list[Any]] = []
    for part in record.links:
        pairs += _pairs(decode_manifest(store.parts.index.get(part)))
    return pairs + _pairs(record)


def _pairs(record: Manifest) -> list[list[Any]]:
    return [[step, value] for step, value in zip(*_columns(record), strict=True)]


def _columns(record: Manifest) -> tuple[list[Step], list[float]]:
    try:
        steps, values = record.data["steps"], record.data["values"]
        good = len(steps) == len(values)
    except (KeyError, TypeError):
        good = False
    if not good:
        raise Corrupt("series object is malformed", kind="bad-object")
    return list(steps), list(values)


class MetricWriter:
    """Appends values of metrics; made by `Store.metrics`. Not for two threads at once.

    Values become visible in batches, at `flush` and at the end. Two writers of one metric at
    the same moment: what the earlier one wrote since the other looked is lost.
    """

    def __init__(self, store: StoreBase, header: Header) -> None:
        self._store = store
        self._header = header
        self._pending: dict[str, tuple[list[Step], list[float]]] = {}
        self._held: dict[str, tuple[str, Series]] = {}  # as last written from here
        self._count = 0

    def log(self, name: str, value: float, step: Step | None = None) -> None:
        """Append one value.

        Args:
            name: of the metric; ``results/`` may be left out.
            value: a number.
            step: where it stands; without it one more than the step before.

        Raises:
            InvalidInput: not a number, or a name that no attachment may have.
        """
        full = under("results", name)
        number = _number(value, name)
        place = self._next_step(full) if step is None else _step(step, name)
        steps, values = self._pending.setdefault(full, ([], []))
        steps.append(place)
        values.append(number)
        self._count += 1
        if self._count >= BATCH:
            self.flush()

    def _next_step(self, name: str) -> Step:
        if name in self._pending:
            return int(self._pending[name][0][-1]) + 1
        series = self._series(name)
        return int(series.steps[-1]) + 1 if series.steps else series.length

    def flush(self) -> None:
        """Make what was logged so far visible, all of it at once.

        Raises:
            BackendUnavailable: the place failed; nothing of it is visible, and it is kept
                for the next `flush`. Conflict: the name stands for something else.
        """
        if not self._pending:
            return
        refs = []
        items: list[Item] = []
        written = {}
        for name, (steps, values) in self._pending.items():
            series, parts = _extend(self._series(name), steps, values)
            record = encode_series(series)
            item = record_item(encode_manifest(record.type, record.data, record.links))
            items += [*parts, item]
            note = make_note(len(item.data), kind=STEPPED, media_type="application/json")
            refs.append(NewRef(name, item.id, note))
            written[name] = (item.id.hex(), series)
        writer = self._store.parts.session.writer()
        writer.rely_on_others()  # the parts that are full already
        put_refs(self._store, self._header, refs, writer=writer, items=items)
        self._held.update(written)
        self._pending = {}
        self._count = 0

    def _series(self, name: str) -> Series:
        """The series as it is in the store now."""
        index = self._store.parts.index
        ask = partial(find_attachment, run_id=self._header.run_id, name=name)
        found = index.ask(ask)
        if found is None:
            return EMPTY
        held = self._held.get(name)
        if held is not None and held[0] == found.object_id:
            return held[1]
        record = read_record(self._store, ObjectId(bytes.fromhex(found.object_id)))
        if record is None or record.type != STEPPED:
            raise Conflict(
                f"{name!r} of run {self._header.run_id} is no metric over steps",
                kind="not-a-series",
                hint="use another name",
                name=name,
            )
        series = decode_series(record)
        self._held[name] = (found.object_id, series)
        return series

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.flush()  # also after an error: what was measured was measured


def _extend(
    series: Series, steps: Sequence[Step], values: Sequence[float]
) -> tuple[Series, list[Item]]:
    """The series with more values behind it, and the parts that became full."""
    all_steps, all_values = [*series.steps, *steps], [*series.values, *values]
    parts = list(series.parts)
    items = []
    while len(all_values) >= PART:
        body = {"steps": all_steps[:PART], "values": all_values[:PART]}
        item = record_item(encode_manifest(_PART_TYPE, body))
        items.append(item)
        parts.append(item.id)
        all_steps, all_values = all_steps[PART:], all_values[PART:]
    return Series(tuple(parts), all_steps, all_values), items


def _number(value: object, name: str) -> float:
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)  # type: ignore[arg-type]  # whatever says of itself that it is a number
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(
            f"metric {name!r}: {str(value)[:60]!r} is no number", kind="bad-value", field=name
        ) from None


def _step(step: object, name: str) -> Step:
    item = getattr(step, "item", None)
    plain = item() if callable(item) and not isinstance(step, (int, float)) else step
    good = isinstance(plain, (int, float)) and not isinstance(plain, bool)
    if not good or not -(2**63) <= plain < 2**63:  # type: ignore[operator]  # good: it is a number
        raise InvalidInput(
            f"metric {name!r}: step {str(step)[:60]!r} is no number", kind="bad-step", field=name
        )
    return plain  # type: ignore[return-value]  # looked at above
