"""The tables of one name of many runs as one dataset of pyarrow's."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import PyFileSystem

from graven.catalog.places import locate_many
from graven.catalog.questions import Filter
from graven.catalog.tables import TableKey, table_notes, visible_tables
from graven.errors import Corrupt, FormatTooNew, GravenError, InvalidInput, NotFound
from graven.formats import layout, parquet
from graven.ids import ObjectId, hash_bytes, normal
from graven.objects.reader import Place, portions
from graven.store.base import StoreBase, warn
from graven.store.table_casts import Rows, check_values
from graven.store.table_files import LooseFiles
from graven.store.table_reading import get_table
from graven.store.table_schemas import schema_of_all
from graven.store.table_segments import Segment, Segments

if TYPE_CHECKING:
    from graven.catalog.database import Catalog
    from graven.store.tables import TableStore

_PAGE = 500
_FOLDER = "tables"
_CONDITIONS = (
    *("branch", "commit", "experiment", "status", "origin", "group", "since", "until"),
    "run_id",
)
_TIMES = ("since", "until")
_Located = list[tuple[ObjectId, Sequence[Place]]]


class _Plan(NamedTuple):
    """Which tables a scan reads, and which there are at all."""

    wanted: list[TableKey]
    alive: set[TableKey]


def scan(
    store: TableStore, name: str, where: object, columns: Sequence[str] | None, limit: int
) -> ds.Dataset:
    """See `graven.store.tables.TableStore.scan`."""
    runs, rows = _conditions(where)
    plan = _plan(store, name, runs)
    small, loose = _apart(store, plan.wanted)
    reading = _Reading(store, name, limit)
    segments = _segments(store, name).cover(small, plan.alive, reading.tables) if small else []
    files = LooseFiles(store.parts.backend, {p.pack: p.length for p in loose.values()}, limit)
    schemas = _schemas(small, segments)
    of_loose = _loose_schemas(store, name, loose, files)
    schemas |= {key.run_id: schema for key, schema in of_loose.items()}
    schema = _chosen(name, schema_of_all(name, schemas), columns)
    asked = set(small)
    every = [_rows_of_segment(segment, asked) for segment in segments]
    every += [_rows_of_file(name, key, loose[key], of_loose[key], files) for key in loose]
    check_values(name, schema, every, schemas)
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    form = ds.ParquetFileFormat(default_fragment_scan_options=options)
    fragments = [form.make_fragment(s.buffer, row_groups=s.groups_of(asked)) for s in segments]
    system = PyFileSystem(files)
    fragments += [
        form.make_fragment(place.pack, system, partition_expression=_labels(key))
        for key, place in loose.items()
    ]
    whole = pa.schema([*(pa.field(n, pa.string()) for n in parquet.RUN_COLUMNS), *schema])
    dataset: ds.Dataset = ds.FileSystemDataset(fragments, whole, form, filesystem=system)
    chosen = _only(plan.wanted, segments)
    if chosen is not None:
        dataset = dataset.filter(chosen)
    return _filtered(dataset, rows)


# --- which runs ---


def _conditions(where: object) -> tuple[Mapping[str, Any], pc.Expression | None]:
    if where is None:
        return {}, None
    if isinstance(where, pc.Expression):
        return {}, where
    if not isinstance(where, Mapping):
        raise InvalidInput(
            f"no condition: {type(where).__name__}",
            kind="bad-condition",
            hint="give a mapping such as {'branch': 'main'}, or a pyarrow expression",
            field="where",
        )
    for key in where:
        if key not in _CONDITIONS:
            near = get_close_matches(str(key), _CONDITIONS, 1)
            raise InvalidInput(
                f"no condition {key!r} on runs",
                kind="bad-condition",
                hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(_CONDITIONS)}",
                field="where",
            )
        _check_value(key, where[key])
    return where, None


def _check_value(key: str, value: object) -> None:
    if key in _TIMES:
        fits, wanted = isinstance(value, datetime), "a datetime"
    elif key == "run_id":
        several = isinstance(value, Collection) and not isinstance(value, (bytes, Mapping))
        fits = several and all(isinstance(one, str) for one in cast("Collection[object]", value))
        wanted = "text, or several of them"
    else:
        fits, wanted = isinstance(value, str), "text"
    if value is not None and not fits:
        raise InvalidInput(
            f"condition {key!r} is {type(value).__name__}, not {wanted}",
            kind="bad-condition",
            field=key,
        )


def _plan(store: StoreBase, name: str, conditions: Mapping[str, Any]) -> _Plan:
    index = store.parts.index
    every = index.ask(partial(visible_tables, name=name, wanted=Filter()))
    if not every:
        raise NotFound(
            f"no run has a table {name!r}",
            kind="table-missing",
            hint="store.table_names() lists what there is",
        )
    wanted = every
    asked = dict(conditions)
    ids = asked.pop("run_id", None)
    if asked:
        wanted = index.look(partial(visible_tables, name=name, wanted=Filter(**asked)))
    if ids is not None:
        chosen = {normal(i) for i in ([ids] if isinstance(ids, str) else ids)}
        wanted = [key for key in wanted if key.run_id in chosen]
    return _Plan(wanted, set(every))


# --- what is read ---


def _apart(
    store: StoreBase, keys: Sequence[TableKey]
) -> tuple[list[TableKey], dict[TableKey, Place]]:
    """Those that go through segments, and the loose ones, which are read in place."""
    index = store.parts.index
    found = index.look(partial(_loose_places, ids={key.object_id for key in keys}))
    if not found:
        return list(keys), {}
    loose = {  # of several files some may be gone
        object_id: places[0] if len(places) == 1 else index.first_standing(places) or places[0]
        for object_id, places in found.items()
    }
    small = [key for key in keys if key.object_id not in loose]
    return small, {key: loose[key.object_id] for key in keys if key.object_id in loose}


def _loose_places(catalog: Catalog, ids: Collection[bytes]) -> dict[bytes, Sequence[Place]]:
    """Of these objects the ones that stand in no pack."""
    found = [row[0] for row in catalog.rows("SELECT DISTINCT id FROM loose") if row[0] in ids]
    out: dict[bytes, Sequence[Place]] = {}
    for start in range(0, len(found), _PAGE):
        for object_id, places in locate_many(catalog, found[start : start + _PAGE]).items():
            if places[0].loose:
                out[bytes(object_id)] = places
    return out


class _Reading:
    """Reads small tables, many at once; one that cannot be read is left out with a warning."""

    def __init__(self, store: StoreBase, name: str, limit: int) -> None:
        self._store = store
        self._name = name
        self._limit = limit

    def tables(self, keys: Sequence[TableKey]) -> Iterator[tuple[TableKey, pa.Table]]:
        index = self._store.parts.index
        for start in range(0, len(keys), _PAGE):
            page = keys[start : start + _PAGE]
            places = index.look(partial(locate_many, ids=[key.object_id for key in page]))
            located: _Located = [(k.object_id, places.get(k.object_id, ())) for k in page]
            for first, last in portions(located):
                yield from self._portion(page[first:last], located[first:last])

    def _portion(
        self, keys: Sequence[TableKey], located: _Located
    ) -> Iterator[tuple[TableKey, pa.Table]]:
        found = self._store.parts.index.reader.get_many(located)
        for key, (_, places), data in zip(keys, located, found, strict=True):
            what = _what(self._name, key)
            try:
                if isinstance(data, bytes) and places[0].kind == "blob":
                    file = parquet.open_parquet(pa.BufferReader(data), what, self._limit)
                    table = parquet.read_table(file, what, self._limit)
                else:  # in chunks; or moved, or one copy of several is damaged
                    table = get_table(self._store, key.object_id, what, self._limit)
                parquet.check_schema(table.schema)
            except (Corrupt, FormatTooNew, NotFound, InvalidInput) as error:
                warn(_left_out(error, what))
                continue
            yield key, table


def _left_out(error: GravenError, what: str) -> str:
    told = error.message if error.message.startswith(what) else f"{what}: {error.message}"
    return f"{told}; its rows are left out"


def _segments(store: StoreBase, name: str) -> Segments:
    held: dict[str, Segments] = store.__dict__.setdefault("_table_segments", {})
    if name not in held:
        folder = _folder(store)
        if folder is not None:
            folder = os.path.join(folder, _FOLDER, hash_bytes(name.encode()).hex()[:32])
        held[name] = Segments(folder, store.store_id)
    return held[name]


def _folder(store: StoreBase) -> str | None:
    client = store.parts.client
    if client is not None:
        return client.path
    root = getattr(store.parts.backend, "root", None)
    if root is None or store.readonly:
        return None  # nobody may write beside it
    return os.path.join(str(root), layout.CACHE)


# --- columns ---


def _schemas(keys: Iterable[TableKey], segments: Iterable[Segment]) -> dict[str, pa.Schema]:
    """One run for each schema among these tables, as they were before any were put together."""
    entries = {key: entry for segment in segments for key, entry in segment.entries.items()}
    known: dict[int, str] = {}  # entries share few schema objects, and to hash one takes long
    runs: dict[pa.Schema, str] = {}
    for key in keys:
        if key in entries and id(entries[key].schema) not in known:
            known[id(entries[key].schema)] = key.run_id
            runs.setdefault(entries[key].schema, key.run_id)
    return {run_id: schema for schema, run_id in runs.items()}


def _loose_schemas(
    store: StoreBase, name: str, loose: Mapping[TableKey, Place], files: LooseFiles
) -> dict[TableKey, pa.Schema]:
    """Of each file; one for each schema that notes tell apart is opened."""
    notes = store.parts.index.look(
        partial(table_notes, name=name, run_ids=[key.run_id for key in loose])
    )
    seen: dict[str, pa.Schema] = {}
    out = {}
    for key, place in loose.items():
        told = notes.get(key.run_id, {}).get("schema")
        if isinstance(told, str) and told in seen:
            out[key] = seen[told]
            continue
        out[key] = files.schema(place.pack, _what(name, key))
        if isinstance(told, str):
            seen[told] = out[key]
    return out


def _what(name: str, key: TableKey) -> str:
    return f"table {name!r} of run {key.run_id}"


def _rows_of_segment(segment: Segment, asked: Collection[TableKey]) -> Rows:
    return Rows(
        lambda: pq.ParquetFile(pa.BufferReader(segment.buffer)),
        segment.schema,
        segment.groups_of(asked),
        lambda: ((key.run_id, entry.rows) for key, entry in segment.entries.items()),
    )


def _rows_of_file(
    name: str, key: TableKey, place: Place, schema: pa.Schema, files: LooseFiles
) -> Rows:
    def opened() -> pq.ParquetFile:
        return files.opened(place.pack, _what(name, key))

    return Rows(opened, schema, None, lambda: iter([(key.run_id, opened().metadata.num_rows)]))


def _chosen(name: str, schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    if columns is None:
        return schema
    fields = []
    if isinstance(columns, str) or not all(isinstance(column, str) for column in columns):
        raise InvalidInput(
            f"not a list of columns: {str(columns)[:60]!r}", kind="bad-columns", field="columns"
        )
    for column in dict.fromkeys(columns):
        if column in parquet.RUN_COLUMNS:
            continue
        if schema.get_field_index(column) < 0:
            near = get_close_matches(column, schema.names, 1)
            raise InvalidInput(
                f"table {name!r} has no column {column!r}",
                kind="column-missing",
                hint=f"did you mean {near[0]!r}?" if near else None,
                field=column,
            )
        fields.append(schema.field(column))
    return pa.schema(fields)


# --- conditions on rows ---


def _labels(key: TableKey) -> pc.Expression:
    """What holds for all rows of a file: pyarrow fills the columns from it, and prunes by it."""
    expression = None
    for column in parquet.RUN_COLUMNS:
        value = getattr(key, column)
        field = ds.field(column)
        term = field.is_null() if value is None else field == value
        expression = term if expression is None else expression & term
    return expression


def _only(wanted: Sequence[TableKey], segments: Sequence[Segment]) -> pc.Expression | None:
    """A condition where segments hold more runs than were asked for."""
    asked = set(wanted)
    others = [key.run_id for s in segments for key in s.entries if key not in asked]
    if not others:
        return None
    field = ds.field("run_id")
    if len(others) < len(wanted):
        return ~field.isin(others)
    return field.isin([key.run_id for key in wanted])


def _filtered(dataset: ds.Dataset, rows: pc.Expression | None) -> ds.Dataset:
    if rows is None:
        return dataset
    try:
        filtered = dataset.filter(rows)
        filtered.scanner()
    except (pa.ArrowException, ValueError) as error:
        raise InvalidInput(
            f"condition cannot be asked of this table: {error}", kind="bad-condition", field="where"
        ) from error
    return filtered
