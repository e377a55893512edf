"""Runs chosen by a query: parsed, made ready for, asked, and shown as rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from graven.catalog import rankings, selecting
from graven.catalog.conditions import Known
from graven.catalog.database import Catalog
from graven.catalog.keyed import split_derived
from graven.catalog.known import is_known, names_like, values_like
from graven.catalog.selecting import Selection
from graven.errors import BackendUnavailable, Corrupt, FormatTooNew, InvalidInput, NotFound
from graven.ids import ObjectId, normal
from graven.query import Field, Query, SortKey, parse, parse_sort
from graven.query.spelling import nearest, query_error
from graven.query.terms import Among, And, Compare, Exists

if TYPE_CHECKING:
    from graven.store.base import StoreBase
    from graven.store.index import Index

T = TypeVar("T")

_ATTEMPTS = 5
_READ_AT_ONCE = 1000


def read_selection(
    where: str | Query,
    sort: str | Sequence[str] | None = None,
    limit: int | None = None,
    skip: int = 0,
) -> Selection:
    """What the arguments of `Store.select` mean.

    Raises:
        InvalidInput: a query or order that cannot be read, a negative number.
    """
    for name, count in (("limit", limit), ("skip", skip)):
        if count is not None and (not isinstance(count, int) or not 0 <= count < 2**63):
            raise InvalidInput(
                f"{name} must be 0 or more, not {str(count)[:40]}", kind="bad-limit", field=name
            )
    query = where if isinstance(where, Query) else parse(where)
    return Selection(query, parse_sort(sort), limit, skip)


def choose(store: StoreBase, selection: Selection) -> list[int]:
    """Rows of the runs that fit, in order, for questions that follow at once.

    Raises:
        InvalidInput: kind ``name-unknown``: a metric, parameter, derived value or tag that
            no run has; the hint names the nearest.
    """
    return ask(store, selection, lambda catalog, numbers: numbers)


def ask(
    store: StoreBase,
    selection: Selection,
    question: Callable[[Catalog, list[int]], T],
    *,
    measured: bool = False,
) -> T:
    """``question`` of the runs that fit, on the state of the catalog that chose them.

    ``measured``: it needs values, even if the selection does not.
    """
    index = store.parts.index
    baselines = _baselines(store) if _names(selection, "baseline") else {}
    names = selecting.rankings_for(selection)

    def answer(catalog: Catalog) -> T:
        if _names(selection, "machine"):
            read_machines(index, catalog)
        for _ in range(_ATTEMPTS):
            make_ready(index, catalog, names)
            selecting.get_ready(catalog, selection)
            with catalog.snapshot():
                found = rankings.find_rankings(catalog, names)
                if len(found) == len(names):  # else another process began anew meanwhile
                    check_names(catalog, selection, found)
                    numbers = selecting.choose(catalog, selection, Known(found, baselines))
                    return question(catalog, numbers)
        raise BackendUnavailable(
            "the catalog changes faster than it can be asked", kind="catalog-busy",
            hint="try again",
        )  # fmt: skip

    return index.ask(answer, measured=measured or any(f.measured for f in selection.fields))


def _names(selection: Selection, name: str) -> bool:
    return any(field.name == name for field in selection.fields)


def _baselines(store: StoreBase) -> dict[str, str]:
    found = {}
    for name, entry in store.baselines.entries().items():
        if isinstance(entry, Corrupt):  # what it stands for would be missing from the answer
            raise entry
        if entry.run is not None:
            found[name] = entry.run
    return found


# --- what must be read before a question ---


def make_ready(index: Index, catalog: Catalog, names: Sequence[str]) -> None:
    """Make the rankings of these fields, and mend those that are stale."""
    if names:
        rankings.make_tables(catalog)
    found = rankings.find_rankings(catalog, names)
    missing = [name for name in names if name not in found]
    if not missing:
        return
    records = {split_derived(n.partition(".")[2])[0] for n in missing if n.startswith("derived.")}
    if records:
        whole = catalog.one("SELECT 1 FROM ranking WHERE field LIKE 'derived.%' LIMIT 1") is None
        numbers = None if whole else rankings.stale_runs(catalog)
        read_derived(index, catalog, sorted(records), None)
        if numbers:
            read_derived(index, catalog, sorted(_ranked_records(catalog)), numbers)
    rankings.make_rankings(catalog, names)


def _ranked_records(catalog: Catalog) -> set[str]:
    rows = catalog.rows("SELECT field FROM ranking WHERE field LIKE 'derived.%'")
    return {split_derived(name.partition(".")[2])[0] for (name,) in rows}


def read_derived(
    index: Index, catalog: Catalog, records: Sequence[str], numbers: Sequence[int] | None
) -> None:
    """Take the records under ``derived/`` of all runs, or of these, into the catalog."""
    if not records:
        return
    rankings.make_tables(catalog)
    wanted = rankings.missing_derived(catalog, records, numbers)
    for start in range(0, len(wanted), _READ_AT_ONCE):
        part = wanted[start : start + _READ_AT_ONCE]
        rankings.keep_derived(catalog, [(target, _record_text(index, target)) for target in part])


def _record_text(index: Index, target: bytes) -> str:
    """A record as JSON; ``null`` for one that cannot be read (fsck names it) or is no record."""
    from graven.formats.manifest import decode_manifest
    from graven.store.records import record_value

    try:
        value = record_value(decode_manifest(index.get(ObjectId(target))))
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (Corrupt, FormatTooNew, NotFound):
        return "null"


def read_machines(index: Index, catalog: Catalog) -> None:
    """Find out the fingerprints of environments that nobody has asked for yet."""
    rows = catalog.rows("SELECT e, object FROM environment WHERE fingerprint IS NULL")
    if not rows:
        return
    found = [(_fingerprint(index, target), e) for e, target in rows]
    with catalog.transaction() as connection:
        connection.executemany("UPDATE environment SET fingerprint = ? WHERE e = ?", found)


def _fingerprint(index: Index, target: bytes) -> str:
    from graven.formats.envelope import ENVIRONMENT, unseal
    from graven.model.machine import fingerprint

    try:
        body = unseal(index.get(ObjectId(target)), ENVIRONMENT).body
    except (Corrupt, FormatTooNew, NotFound):
        return ""
    return (fingerprint(body) or "") if isinstance(body, dict) else ""


# --- names that nobody has ---


def check_names(catalog: Catalog, selection: Selection, found: dict[str, int]) -> None:
    """Refuse keys that no run has: a misspelt one would give another answer than was meant.

    Raises:
        InvalidInput: points at it.
    """
    for field in selection.where.fields():
        _check(catalog, field, found, selection.where.text if field.end else None)
    for key in selection.order:
        _check(catalog, key.field, found, None)


def _check(catalog: Catalog, field: Field, found: dict[str, int], text: str | None) -> None:
    if field.key is None or is_known(catalog, field, found.get(str(field))):
        return
    known = names_like(catalog, field)
    words = {"param": "parameter", "derived": "derived value"}
    message = f"no run has a {words.get(field.name, field.name)} {field.key!r}"
    hint = nearest(field.key, known)
    if text is None:
        raise InvalidInput(message, kind="name-unknown", hint=hint, field=str(field))
    raise query_error(text, field.start, field.end, message, hint=hint, kind="name-unknown")


def remark(store: StoreBase, selection: Selection) -> str | None:
    """Why nothing fits, as far as a misspelt branch, experiment or status explains it."""
    for term in _tests(selection.where.root):
        name = term.field.name
        if name not in ("branch", "experiment", "status"):
            continue
        values = term.values if isinstance(term, Among) else (term.value,)
        if isinstance(term, Compare) and term.operator != "=":
            continue
        known = store.parts.index.look(partial(values_like, name=name))
        for value in values:
            if value.text not in known and not (name == "status" and value.text == "ok"):
                hint = nearest(value.text, known)
                article = "an" if name == "experiment" else "a"
                return f"no run has {article} {name} {value.text!r}" + (f"; {hint}" if hint else "")
    return None


def _tests(part: Any) -> list[Compare | Among]:
    if isinstance(part, (Compare, Among)):
        return [part]
    parts = getattr(part, "parts", ()) or ((part.part,) if hasattr(part, "part") else ())
    return [test for inner in parts for test in _tests(inner)]


def top_selection(metric: str, n: int, where: str | Query, *, ascending: bool) -> Selection:
    """The best runs by a metric."""
    plain = read_selection(where, None, n)
    field = Field("metric", normal(metric))
    root = plain.where.root
    query = Query(plain.where.text, Exists(field) if root is None else And((root, Exists(field))))
    return plain._replace(where=query, order=(SortKey(field, descending=not ascending),))
