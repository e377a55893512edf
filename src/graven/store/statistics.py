"""Counts and sizes of a store, from its catalog alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from graven.backends.base import Backend
from graven.catalog.database import Catalog, Row
from graven.formats import layout
from graven.formats.envelope import (
    BLOB,
    DEFINITIONS,
    ENVIRONMENT,
    KIND_CODES,
    KINDS_BY_CODE,
    RUN,
)
from graven.formats.plan import UNKNOWN, Plan
from graven.store.condemned import read_plans

LARGEST = 5
_KIB, _MIB = 1024, 1024 * 1024
_CLASSES = (
    ("below 64 KiB", 64 * _KIB),
    ("below 1 MiB", _MIB),
    ("below 8 MiB", 8 * _MIB),
    ("8 MiB and more", 2**63 - 1),
)
_SHARED = ", ".join(str(KIND_CODES[kind]) for kind in (DEFINITIONS, ENVIRONMENT))
_VISIBLE = "f.target IS NOT NULL AND r.object IS NOT NULL AND f.stamp > r.floor"
# What the ref says of its content; of one that says nothing (tools of others) the object's size.
_SIZE = (
    "coalesce(json_extract(f.note, '$.size'),"
    " (SELECT o.length FROM object o WHERE o.id = f.target LIMIT 1), 0)"
)
_ATTACHED = (
    f"SELECT f.run_id AS run_id, f.name AS name, {_SIZE} AS size FROM ref f"
    f" JOIN run r ON r.run_id = f.run_id WHERE {_VISIBLE}"
)
# Each in the order that its table has: nothing is sorted, and the index of those runs that have
# a place, which SQLite would take, leads to each row apart.
_KINDS = (
    "SELECT kind, count(*), sum(length) FROM (SELECT kind, min(length) AS length FROM object"
    " GROUP BY id) GROUP BY kind",
    f"SELECT {KIND_CODES[RUN]}, count(*), coalesce(sum(length), 0) FROM run NOT INDEXED"
    " WHERE pack IS NOT NULL",
    f"SELECT {KIND_CODES[BLOB]}, count(*), coalesce(sum(size), 0) FROM (SELECT id, min(size)"
    " AS size FROM loose GROUP BY id) l WHERE NOT EXISTS(SELECT 1 FROM object o WHERE o.id = l.id)",
)
_TWICE = (
    "SELECT count(*), coalesce(sum(length), 0) FROM run r NOT INDEXED WHERE pack IS NOT NULL"
    " AND EXISTS(SELECT 1 FROM object o WHERE o.id = r.object)"
)
_COPIES = (
    "SELECT count(*) FROM object",
    "SELECT count(*) FROM run NOT INDEXED WHERE pack IS NOT NULL",
    "SELECT count(*) FROM loose",
)
_LARGEST_OBJECTS = (
    "SELECT id, length FROM object ORDER BY length DESC, id LIMIT 50",
    "SELECT object, length FROM run NOT INDEXED WHERE pack IS NOT NULL"
    " ORDER BY length DESC, object LIMIT 50",
    "SELECT id, size FROM loose ORDER BY size DESC, id LIMIT 50",
)


class SizeClass(NamedTuple):
    """Packs of about one size: how many, and their bytes."""

    name: str
    packs: int
    bytes: int


class Large(NamedTuple):
    """A large thing: an object's hex id, a run's id, or the name of an attachment's ref."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoreStats:
    """Sizes and counts. All sizes in bytes.

    Attributes:
        named_bytes: what runs and attachments name, each use counted: the object of each
            run, the content of each attachment. What runs share by design (environments,
            definitions) is counted once.
        raw_bytes: what the objects take unpacked, each object once: after deduplication.
        pack_bytes: what the packs take on disk with refs and indexes: after compression.
        loose, loose_bytes: files of loose objects, as refs name them.
        copies: places of objects; what is beyond ``objects`` are duplicates.
        condemned: packs that plans are about to delete.
        size_classes: the packs by size.
        largest_objects, largest_attachments, largest_runs: a run with what is attached.
    """

    runs: int
    deleted_runs: int
    attachments: int
    baselines: int
    tags: int
    packs: int
    pack_bytes: int
    objects: int
    raw_bytes: int
    copies: int
    by_kind: dict[str, tuple[int, int]]
    catalog_bytes: int
    damaged_packs: tuple[str, ...]
    named_bytes: int
    loose: int
    loose_bytes: int
    condemned: SizeClass
    size_classes: tuple[SizeClass, ...]
    largest_objects: tuple[Large, ...]
    largest_attachments: tuple[Large, ...]
    largest_runs: tuple[Large, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = asdict(self)
        record["by_kind"] = {
            kind: {"objects": count, "raw_bytes": size}
            for kind, (count, size) in self.by_kind.items()
        }
        record["damaged_packs"] = list(self.damaged_packs)
        record["condemned"] = {"packs": self.condemned.packs, "bytes": self.condemned.bytes}
        record["size_classes"] = [entry._asdict() for entry in self.size_classes]
        for name in ("largest_objects", "largest_attachments", "largest_runs"):
            record[name] = [entry._asdict() for entry in getattr(self, name)]
        return record


def count_all(catalog: Catalog, backend: Backend | None, baselines: int, tags: int) -> StoreStats:
    """Ask the catalog, and the backend which packs are condemned (None: nobody can be asked)."""
    kinds = _kinds(catalog)
    problems = catalog.rows("SELECT name FROM pack WHERE problem IS NOT NULL")
    sizes = {name: size or 0 for name, size in catalog.rows("SELECT name, size FROM pack")}
    path = catalog.path
    return StoreStats(
        runs=_one(catalog, "SELECT count(*) FROM run WHERE object IS NOT NULL"),
        deleted_runs=_one(catalog, "SELECT count(*) FROM run WHERE object IS NULL"),
        attachments=_one(
            catalog,
            f"SELECT count(*) FROM ref f JOIN run r USING(run_id) WHERE {_VISIBLE}",
        ),
        baselines=baselines,
        tags=tags,
        packs=len(sizes),
        pack_bytes=sum(sizes.values()),
        objects=sum(count for count, _ in kinds.values()),
        raw_bytes=sum(size for _, size in kinds.values()),
        copies=sum(_one(catalog, sql) for sql in _COPIES),
        by_kind=kinds,
        catalog_bytes=os.path.getsize(path) if path and os.path.exists(path) else 0,
        damaged_packs=tuple(name for (name,) in problems),
        named_bytes=_named_bytes(catalog),
        loose=_one(catalog, "SELECT count(*) FROM loose"),
        loose_bytes=_one(catalog, "SELECT coalesce(sum(size), 0) FROM loose"),
        condemned=_condemned(backend, sizes),
        size_classes=_size_classes(list(sizes.values())),
        largest_objects=_largest_objects(catalog),
        largest_attachments=_large(
            catalog.rows(
                f"SELECT name, size FROM ({_ATTACHED}) ORDER BY size DESC, name LIMIT {LARGEST}"
            )
        ),
        largest_runs=_largest_runs(catalog),
    )


def _one(catalog: Catalog, sql: str) -> int:
    row = catalog.one(sql)
    return int(row[0] or 0) if row else 0


def _kinds(catalog: Catalog) -> dict[str, tuple[int, int]]:
    """Objects and their bytes by kind, each object once."""
    found: dict[str, tuple[int, int]] = {}
    for sql in _KINDS:
        for code, count, size in catalog.rows(sql):
            known = found.get(KINDS_BY_CODE[code], (0, 0))
            if count:
                found[KINDS_BY_CODE[code]] = (known[0] + count, known[1] + size)
    runs = KIND_CODES[RUN]
    if _one(catalog, f"SELECT EXISTS(SELECT 1 FROM object WHERE kind = {runs})"):
        ((count, size),) = catalog.rows(_TWICE)
        if count:
            found[RUN] = (found[RUN][0] - count, found[RUN][1] - size)
    return found


def _largest_objects(catalog: Catalog) -> tuple[Large, ...]:
    sizes = {row[0]: row[1] for sql in _LARGEST_OBJECTS for row in catalog.rows(sql)}
    first = sorted(sizes, key=lambda object_id: (-sizes[object_id], object_id))[:LARGEST]
    return tuple(Large(object_id.hex(), sizes[object_id]) for object_id in first)


def _named_bytes(catalog: Catalog) -> int:
    own = "SELECT coalesce(sum(length), 0) FROM run NOT INDEXED WHERE pack IS NOT NULL"
    replaced = (
        "SELECT coalesce(sum(length), 0) FROM (SELECT r.n, min(o.length) AS length FROM run r"
        " JOIN object o ON o.id = r.object WHERE r.pack IS NULL GROUP BY r.n)"
    )
    shared = (
        "SELECT coalesce(sum(length), 0) FROM (SELECT min(length) AS length FROM object"
        f" WHERE kind IN ({_SHARED}) GROUP BY id)"
    )
    attached = f"SELECT coalesce(sum(size), 0) FROM ({_ATTACHED})"
    return sum(_one(catalog, sql) for sql in (own, replaced, shared, attached))


def _largest_runs(catalog: Catalog) -> tuple[Large, ...]:
    if _one(catalog, "SELECT EXISTS(SELECT 1 FROM ref)"):
        beside = f"LEFT JOIN (SELECT run_id, sum(size) AS size FROM ({_ATTACHED}) GROUP BY run_id)"
        weight = "coalesce(r.length, 0) + coalesce(a.size, 0)"
        beside += " a ON a.run_id = r.run_id"
    else:
        beside, weight = "", "coalesce(r.length, 0)"
    return _large(
        catalog.rows(
            f"SELECT r.run_id, {weight} FROM run r {beside} WHERE r.object IS NOT NULL"
            f" ORDER BY 2 DESC, 1 LIMIT {LARGEST}"
        )
    )


def _large(rows: Any) -> tuple[Large, ...]:
    found: list[Row] = list(rows)
    return tuple(Large(name, int(size)) for name, size in found)


def _condemned(backend: Backend | None, sizes: dict[str, int]) -> SizeClass:
    if backend is None:
        return SizeClass("condemned", 0, 0)
    plans = read_plans(backend, backend.names_after(layout.PACKS, "plan-"))
    told = [p for _, p in plans if isinstance(p, Plan) and p.reason != UNKNOWN]
    names = {name for plan in told for name in plan.packs} & sizes.keys()
    return SizeClass("condemned", len(names), sum(sizes[name] for name in names))


def _size_classes(sizes: Sequence[int]) -> tuple[SizeClass, ...]:
    found = []
    low = 0
    for name, high in _CLASSES:
        within = [size for size in sizes if low <= size < high]
        found.append(SizeClass(name, len(within), sum(within)))
        low = high
    return tuple(found)
