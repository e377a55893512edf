"""Runs in bulk: what the catalog holds of many of them, page by page, values still packed.

For who makes tables of a whole store (`graven.frames`): no object is made for a value or a
point, and no run object is read unless its body is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from graven import clock
from graven.catalog.database import Catalog, Row
from graven.catalog.questions import RunKey
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.envelope import ENVIRONMENT, unseal
from graven.formats.header import grow_commit
from graven.ids import ObjectId, hash_bytes
from graven.query import Query
from graven.store import choosing
from graven.store.attachments import Attachment, from_note
from graven.store.base import warn
from graven.store.loading import read_bodies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from graven.formats.definitions import Definitions
    from graven.formats.run_object import RunBody
    from graven.store.base import StoreBase

_ASKED = 500  # parameters of one question
_LISTED = 20_000
PAGE_RUNS = 4_000
PAGE_VALUES = 256 * 1024
KEY_BYTES = 24


class BulkRun(NamedTuple):
    """A run as the catalog holds it.

    Attributes:
        number: of its row, for this look at the catalog alone.
        key: `KEY_BYTES` bytes that change whenever anything of the run does.
        object_id: of its object.
        time: microseconds since 1970 UTC.
        saved: when the value was written, so too.
        definitions: number that runs of equal definitions share; 0 for a run that cannot be
            read, which has no values.
        environment: object id.
        machine: fingerprint, where that was asked for and there is one.
        bounded: whether some value has a bound; those stand in the body.
        params: JSON.
        values: planes of float64 (docs/format.md), where they were asked for.
    """

    number: int
    key: bytes
    run_id: str
    object_id: bytes
    time: int
    saved: int
    branch: str | None
    commit: str | None
    experiment: str | None
    status: str
    origin: str
    points: int
    group: str | None
    definitions: int
    environment: bytes | None
    machine: str | None
    dirty: bool | None
    bounded: bool
    params: str | None
    values: bytes | None


class BulkRuns:
    """The runs that fit a query, all of one moment.

    Attributes:
        keys: dtype S24; see `BulkRun.key`.
        times: microseconds since 1970 UTC, int64.
        widths: how many values each has, int64.
        troubles: how often something could not be read, each told by a warning.
    """

    def __init__(self, store: StoreBase, where: str | Query = "") -> None:
        self._store = store
        self._index = store.parts.index
        self._definitions: dict[int, bytes] = {}
        self.troubles = 0
        selection = choosing.read_selection(where)
        if selection.where.root is None:
            rows = self._index.ask(_list_all, measured=True)
        else:
            rows = choosing.ask(store, selection, _list_some, measured=True)
        self._numbers: NDArray[np.int64] = np.concatenate([np.zeros(0, np.int64), *rows[0]])
        self.keys: NDArray[np.bytes_] = np.concatenate([np.zeros(0, f"S{KEY_BYTES}"), *rows[1]])
        self.times: NDArray[np.int64] = np.concatenate([np.zeros(0, np.int64), *rows[2]])
        self.widths: NDArray[np.int64] = np.concatenate([np.zeros(0, np.int64), *rows[3]])

    def __len__(self) -> int:
        return len(self._numbers)

    def trouble(self, text: str) -> None:
        """Warn of what could not be read."""
        self.troubles += 1
        warn(text)

    def read_machines(self) -> None:
        """Find out the fingerprints of all machines, so that pages have them."""
        self._index.look(partial(choosing.read_machines, self._index))

    def pages(
        self, places: NDArray[np.intp] | None = None, *, values: bool = True
    ) -> Iterator[list[BulkRun]]:
        """Runs, up to some thousands at once; fewer where they have many values.

        A run that was changed meanwhile comes as it is now, with another key, and one that
        was deleted does not come.

        Args:
            places: which, as positions in ``keys``; all if None.
            values: whether they are wanted.
        """
        wanted = np.arange(len(self)) if places is None else places
        ends = np.cumsum(self.widths[wanted])
        start = 0
        while start < len(wanted):
            before = int(ends[start - 1]) if start else 0
            fitting = int(np.searchsorted(ends, before + PAGE_VALUES, side="right"))
            stop = max(start + 1, min(fitting, start + PAGE_RUNS))
            numbers = self._numbers[wanted[start:stop]].tolist()
            yield self._index.look(partial(_read_page, numbers=numbers, values=values))
            start = stop

    def bodies(self, runs: Sequence[BulkRun]) -> Iterator[RunBody | None]:
        """The body of each run's object; None, with a warning, for one that cannot be read."""
        keys = [RunKey(run.number, run.run_id, run.object_id) for run in runs]
        found = read_bodies(self._index, keys)
        for run, body in zip(runs, found, strict=True):
            if isinstance(body, (Corrupt, FormatTooNew, NotFound)):
                self.trouble(f"run {run.run_id} cannot be read whole: {body.message}")
                yield None
            else:
                yield body

    def definitions(self, number: int) -> Definitions | None:
        """What the values of runs with this definitions number mean."""
        if number <= 0:
            return None
        object_id = self._definitions.get(number)
        if object_id is None:
            row = self._index.look(
                lambda catalog: catalog.one("SELECT object FROM definitions WHERE d = ?", [number])
            )
            if row is None:
                return None
            object_id = self._definitions[number] = row[0]
        try:
            return self._store._decoder.definitions(object_id)
        except (Corrupt, FormatTooNew, NotFound) as error:
            self.trouble(f"runs of definitions {object_id.hex()} are left out: {error.message}")
            return None

    def environment(self, object_id: bytes) -> dict[str, Any] | None:
        """What an environment says; None, with a warning, where it cannot be read."""
        try:
            body = unseal(self._index.get(ObjectId(object_id)), ENVIRONMENT).body
        except (Corrupt, FormatTooNew, NotFound) as error:
            self.trouble(f"environment {object_id.hex()} cannot be read: {error.message}")
            return None
        return body if isinstance(body, dict) else None


_Columns = tuple[
    list["NDArray[np.int64]"],
    list["NDArray[np.bytes_]"],
    list["NDArray[np.int64]"],
    list["NDArray[np.int64]"],
]
_KEYS = "r.n, r.object, r.stamp, coalesce(r.ts, 0), coalesce(length(m.vals), 0) / 8"
_FROM = "FROM run r LEFT JOIN measured m ON m.n = r.n"


def _list_all(catalog: Catalog) -> _Columns:
    out: _Columns = ([], [], [], [])
    sql = (
        f"SELECT {_KEYS} {_FROM} WHERE r.object IS NOT NULL AND r.n > ?"
        f" ORDER BY r.n LIMIT {_LISTED}"
    )
    last = 0
    with catalog.snapshot():
        while rows := catalog.rows(sql, [last]):
            _add(out, rows)
            last = rows[-1][0]
    return out


def _list_some(catalog: Catalog, numbers: Sequence[int]) -> _Columns:
    out: _Columns = ([], [], [], [])
    ordered = sorted(numbers)  # as they lie
    for start in range(0, len(ordered), _ASKED):
        part = ordered[start : start + _ASKED]
        marks = ", ".join("?" * len(part))
        rows = catalog.rows(f"SELECT {_KEYS} {_FROM} WHERE r.n IN ({marks}) ORDER BY r.n", part)
        _add(out, rows)
    return out


def _add(out: _Columns, rows: Sequence[Row]) -> None:
    numbers, objects, stamps, times, widths = zip(*rows, strict=True)
    keys = [_key(object_id, stamp) for object_id, stamp in zip(objects, stamps, strict=True)]
    out[0].append(np.array(numbers, np.int64))
    out[1].append(np.array(keys, f"S{KEY_BYTES}"))
    out[2].append(np.array(times, np.int64))
    out[3].append(np.array(widths, np.int64))


def _key(object_id: bytes, stamp: int) -> bytes:
    return object_id[: KEY_BYTES - 8] + int(stamp).to_bytes(8, "big")


def _read_page(catalog: Catalog, numbers: Sequence[int], values: bool) -> list[BulkRun]:
    sql = (
        "SELECT r.n, r.run_id, r.object, r.stamp, r.ts, r.branch, r.commit_hash, r.experiment,"
        " r.status, r.origin, r.points, r.grp, r.d, m.facts, m.params, e.object, e.fingerprint,"
        f" {'m.vals' if values else 'NULL'} {_FROM} LEFT JOIN environment e ON"
        " e.e = m.environment WHERE r.object IS NOT NULL AND r.n IN"
    )
    found: dict[int, BulkRun] = {}
    with catalog.snapshot():
        for start in range(0, len(numbers), _ASKED):
            part = numbers[start : start + _ASKED]
            for row in catalog.rows(f"{sql} ({', '.join('?' * len(part))})", part):
                found[row[0]] = _run(row)
    return [found[number] for number in numbers if number in found]


def _run(row: Row) -> BulkRun:
    number, run_id, object_id, stamp, ts, branch, commit, experiment, status, *more = row
    origin, points, group, d, facts, params, environment, machine, values = more
    return BulkRun(
        number=number,
        key=_key(object_id, stamp),
        run_id=run_id,
        object_id=object_id,
        time=ts or 0,
        saved=(stamp >> clock.COUNTER_BITS) * 1000,
        branch=branch,
        commit=grow_commit(commit),
        experiment=experiment,
        status=status or "ok",
        origin=origin or "measured",
        points=points or 0,
        group=group,
        definitions=d or 0,
        environment=environment,
        machine=machine or None,
        # The lower bits of `measured.facts`, see `catalog.schema`.
        dirty=bool(facts & 4) if facts is not None and facts & 2 else None,
        bounded=bool(facts is not None and facts & 1),
        params=params,
        values=values,
    )


def state_of(store: StoreBase) -> str:
    """Text that is another whenever a run may be: runs follow from the packs that there are."""
    rows = store.parts.index.ask(
        lambda catalog: catalog.rows("SELECT name, problem FROM pack ORDER BY name")
    )
    return hash_bytes(repr(rows).encode()).hex()


class BulkAttachment(NamedTuple):
    """What is kept beside a run, and of which run."""

    run_id: str
    attachment: Attachment


def attachments_of_all(store: StoreBase) -> Iterator[BulkAttachment]:
    """All that is visible beside any run, by name of the ref, in pages."""
    index = store.parts.index
    index.refresh()
    last = ""
    while rows := index.look(partial(_attachments, after=last)):
        for name, run_id, target, stamp, note in rows:
            short = name.removeprefix(f"runs/{run_id}/")
            yield BulkAttachment(run_id, from_note(short, target.hex(), stamp, note))
        last = rows[-1][0]


def _attachments(catalog: Catalog, after: str) -> list[tuple[str, str, bytes, int, Any]]:
    rows = catalog.rows(
        "SELECT f.name, f.run_id, f.target, f.stamp, f.note FROM ref f JOIN run r USING(run_id)"
        " WHERE f.target IS NOT NULL AND r.object IS NOT NULL AND f.stamp > r.floor"
        " AND f.name > ? ORDER BY f.name LIMIT 2000",
        [after],
    )
    found = []
    for name, run_id, target, stamp, text in rows:
        note = json.loads(text) if text else {}
        found.append((name, run_id, target, stamp, note if isinstance(note, dict) else {}))
    return found
