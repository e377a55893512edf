"""Which tensors a run has, as the catalog knows it.

All updates of one put carry its mark (``put`` in their notes) and one stamp. A batch is
what its latest put made it: what an earlier or a simultaneous put left under other names
does not belong to it. What was attached by hand has no mark, and belongs to it always.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from graven.catalog.database import Catalog, Row
from graven.errors import NotFound
from graven.ids import ObjectId
from graven.store.tensor_names import (
    APPENDED,
    PREFIX,
    Part,
    batch_folder,
    parse_batch,
    parse_part,
    prefix_of,
)

LIST, FLAT, NESTED = "list", "flat", "nested"
FORMS = (LIST, FLAT, NESTED)
LIST_LAYER = "items"  # the layer of tensors that were given as a list
FLAT_KEY = "tensor"  # the key of tensors that were given by layer alone

_ROWS = (
    "SELECT substr(f.name, ?), f.target, f.note, f.stamp, w.id FROM ref f"
    " JOIN run r ON r.run_id = f.run_id JOIN writer w ON w.n = f.writer"
    " WHERE f.name >= ? AND f.name < ? AND r.object IS NOT NULL AND f.stamp > r.floor"
    " ORDER BY f.name"
)


# One row a batch: is what its last update made it there for sure? It is if that update is
# no deletion, all updates are one writer's (so that none shares its stamp), and all are marked.
_BATCHES = (
    "SELECT batch, live, live = last AND one AND marked FROM ("
    "SELECT substr(f.name, :at, instr(substr(f.name, :at), '/') - 1) AS batch,"
    " max(f.stamp) AS last, max(CASE WHEN f.target IS NULL THEN 0 ELSE f.stamp END) AS live,"
    " min(f.writer) = max(f.writer) AS one,"
    " min(instr(coalesce(f.note, ''), '\"put\"')) > 0 AS marked"
    " FROM ref f JOIN run r ON r.run_id = f.run_id"
    " WHERE f.name >= :start AND f.name < :end AND r.object IS NOT NULL AND f.stamp > r.floor"
    " GROUP BY 1)"
)


class Member(NamedTuple):
    """One tensor: ``target`` is its object, ``size`` its bytes in safetensors form."""

    layer: str
    key: str
    target: ObjectId
    size: int


class Group(NamedTuple):
    """A batch or an appended entry as it stands.

    Attributes:
        form: how it was given: by ``list``, ``flat`` (by layer) or ``nested`` (layer and key).
        members: its tensors, by name.
        record: the object that holds its metadata, None if it was given none.
        names: what stands in its folder, tensors that do not belong to it included.
        stamp: the highest of its refs, deleted ones included.
    """

    form: str
    members: tuple[Member, ...]
    record: ObjectId | None
    names: tuple[str, ...]
    stamp: int

    @property
    def exists(self) -> bool:
        """False for what was deleted, or never there."""
        return bool(self.members) or self.record is not None

    def find(self, layer: str, key: str) -> Member | None:
        """One of its tensors."""
        return next((m for m in self.members if m.layer == layer and m.key == key), None)


class _Line(NamedTuple):
    rest: str  # of the name, behind the folder
    target: bytes | None
    note: dict[str, Any]
    rank: tuple[int, bytes]


def find_group(catalog: Catalog, run_id: str, folder: str) -> Group:
    """What stands in one folder of a run."""
    return _group(_line(row[0], row) for row in _rows(catalog, run_id, folder))


def find_batch(catalog: Catalog, run_id: str, batch: int) -> Group:
    """A batch; see `Group.exists`."""
    return find_group(catalog, run_id, batch_folder(batch))


def list_batches(catalog: Catalog, run_id: str) -> list[int]:
    """The batches of a run, in their order."""
    out = []
    for text, live, sure in _batch_rows(catalog, run_id):
        batch = parse_batch(text)
        if batch is not None and live and (sure or find_batch(catalog, run_id, batch).exists):
            out.append(batch)
    return sorted(out)


def touched_batches(catalog: Catalog, run_id: str) -> set[int]:
    """All batches for which there ever was an update, deleted ones too."""
    found = (parse_batch(row[0]) for row in _batch_rows(catalog, run_id))
    return {batch for batch in found if batch is not None}


def _batch_rows(catalog: Catalog, run_id: str) -> list[Row]:
    start = prefix_of(run_id, PREFIX)
    return catalog.rows(_BATCHES, {"at": len(start) + 1, "start": start, "end": _after(start)})


def list_entries(catalog: Catalog, run_id: str) -> list[str]:
    """What was appended to a run, in its order: names begin with the stamp of their making."""
    rows = _rows(catalog, run_id, APPENDED)
    return [entry for entry, lines in _by_folder(rows) if _group(lines).exists]


def batch_missing(run_id: str, batch: int) -> NotFound:
    """The error that says so."""
    return NotFound(
        f"run {run_id} has no batch {batch}", kind="batch-missing", run=run_id, batch=batch
    )


def newest_stamp(catalog: Catalog) -> int:
    """The highest stamp in any pack's name: what is written now shall lie above it."""
    row = catalog.one("SELECT max(name) FROM pack")
    return int(row[0][:16], 16) if row and row[0] else 0


def _rows(catalog: Catalog, run_id: str, folder: str) -> list[Row]:
    prefix = prefix_of(run_id, folder)
    return catalog.rows(_ROWS, (len(prefix) + 1, prefix, _after(prefix)))


def _after(folder: str) -> str:
    """What sorts behind all names in a folder, whose own name ends with a slash."""
    return folder[:-1] + chr(ord("/") + 1)


def _by_folder(rows: Iterable[Row]) -> Iterator[tuple[str, Iterator[_Line]]]:
    parted = ((*row[0].partition("/"), row) for row in rows)
    for folder, inside in groupby(parted, key=lambda item: item[0]):
        yield folder, (_line(rest, row) for _, slash, rest, row in inside if slash)


def _line(rest: str, row: Row) -> _Line:
    _, target, text, stamp, writer = row
    note = json.loads(text) if text else {}
    return _Line(rest, target, note if isinstance(note, dict) else {}, (stamp, writer))


def _group(found: Iterable[_Line]) -> Group:
    lines = list(found)
    latest = max((line for line in lines if "put" in line.note), key=_rank, default=None)
    mark = latest.note["put"] if latest is not None else None
    forms: set[Any] = set()
    members: list[Member] = []
    record: ObjectId | None = None
    for line in lines:
        if line.target is None or line.note.get("put", mark) != mark:
            continue
        part: Part | None = parse_part(line.rest)
        if part is None:
            continue
        forms.add(line.note.get("form") if "put" in line.note else NESTED)
        if part.layer is None:
            record = ObjectId(line.target)
        else:
            members.append(Member(part.layer, part.key, ObjectId(line.target), _size(line.note)))
    # What was attached by hand fits into no list.
    (form,) = forms if len(forms) == 1 and forms <= set(FORMS) else (NESTED,)
    names = tuple(line.rest for line in lines if line.target is not None)
    stamp = max((line.rank[0] for line in lines), default=0)
    return Group(form, tuple(members), record, names, stamp)


def _rank(line: _Line) -> tuple[int, bytes]:
    return line.rank


def _size(note: dict[str, Any]) -> int:
    size = note.get("size")
    return size if type(size) is int and size >= 0 else 0
