"""What is alive: everything that visible refs, baselines and tags lead to.

The marks stand in a table of the survey's temporary file, not in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from graven.backends.base import Backend
from graven.catalog.places import locate_many
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.guarded import RefValue, decode_ref_file, decode_ref_object
from graven.ids import ObjectId, parse_object_id
from graven.objects.reader import Place, portions
from graven.refs.guarded import KEPT_VALUES
from graven.store.links import NAMING, links_of
from graven.upkeep.survey import Survey, packs_moved

_PAGE = 500

# An attachment above its run's floor is alive even while the run is deleted: whoever saves
# the run again brings it back. One at or below it never comes back.
ROOTS = (
    "SELECT object FROM run WHERE object IS NOT NULL UNION SELECT f.target FROM ref f"
    " LEFT JOIN run r ON r.run_id = f.run_id WHERE f.target IS NOT NULL"
    " AND (r.run_id IS NULL OR f.stamp > r.floor)"
)


GuardedFiles = Mapping[str, bytes]
"""Key of each baseline's and tag's file, and what is in it."""


def read_guarded(backend: Backend) -> GuardedFiles:
    """The baselines and tags of now.

    To be read *before* the packs are listed, as every reader does: what they lead to is in
    those packs then. The other way round one that moves in between names a pack that was not
    listed, and the history behind it would count as lost.
    """
    found: dict[str, bytes] = {}
    for space in layout.GUARDED_SPACES:
        folder = f"{layout.REFS}{space}/"
        for file_name, data in sorted(backend.bodies(folder).items()):
            if layout.parse_guarded_file(file_name) is not None:
                found[folder + file_name] = data
    return found


def mark(survey: Survey, guarded: GuardedFiles) -> None:
    """Fill the survey's table ``live`` with the ids of all living objects.

    Args:
        survey: of packs that were listed after ``guarded`` was read.
        guarded: see `read_guarded`.

    Raises:
        Corrupt, FormatTooNew: what names others is missing or cannot be read, so that what it
            names is not known; or a baseline or tag cannot be read.
    """
    survey.take_loose()
    survey.change("CREATE TABLE live(id BLOB PRIMARY KEY, seen INTEGER) WITHOUT ROWID")
    survey.change("CREATE INDEX unseen ON live(id) WHERE seen = 0")
    survey.change(f"INSERT OR IGNORE INTO live SELECT *, 0 FROM ({ROOTS})")
    kept, lost = _kept_by(survey, guarded)
    lost -= {ObjectId(i) for i in is_live(survey, lost)}  # a visible ref needs it: that is damage
    _add(survey, kept)
    while page := _unseen(survey):
        named = _names_of(survey, page, lost)
        _add(survey, named)
        survey.change("UPDATE live SET seen = 1 WHERE id = ?", [(i,) for i in page])
    survey.change("DELETE FROM live WHERE id = ?", [(i,) for i in lost])


def is_live(survey: Survey, ids: Collection[bytes]) -> set[bytes]:
    """Those of ``ids`` that were marked."""
    wanted = list(ids)
    found: set[bytes] = set()
    for start in range(0, len(wanted), _PAGE):
        part = wanted[start : start + _PAGE]
        marks = ", ".join("?" * len(part))
        found.update(
            bytes(row[0])
            for row in survey.catalog.rows(f"SELECT id FROM live WHERE id IN ({marks})", part)
        )
    return found


def _add(survey: Survey, ids: Iterable[bytes]) -> None:
    survey.change("INSERT OR IGNORE INTO live VALUES(?, 0)", [(i,) for i in ids])


def _unseen(survey: Survey) -> list[ObjectId]:
    rows = survey.catalog.rows(f"SELECT id FROM live WHERE seen = 0 LIMIT {_PAGE}")
    return [ObjectId(row[0]) for row in rows]


def _names_of(survey: Survey, ids: Sequence[ObjectId], lost: set[ObjectId]) -> set[ObjectId]:
    """What these objects name."""
    places = locate_many(survey.catalog, ids)
    for object_id in ids:
        if object_id not in places and object_id not in lost:
            raise _missing(object_id)
    wanted: list[tuple[ObjectId, Sequence[Place]]] = [
        (i, places[i]) for i in ids if i in places and _kinds(places[i])
    ]
    named: set[ObjectId] = set()
    for first, last in portions(wanted):
        part = wanted[first:last]
        for (object_id, held), data in zip(part, survey.reader.get_many(part), strict=True):
            if not isinstance(data, bytes):
                if isinstance(data, NotFound):
                    raise packs_moved(held[0].pack) from data
                raise _unreadable(object_id, data)
            for kind in _kinds(held):
                try:
                    named.update(links_of(kind, data))
                except (Corrupt, FormatTooNew) as error:
                    raise _unreadable(object_id, error) from error
    return named


def _kinds(places: Sequence[Place]) -> list[str]:
    """The kinds under which an object may name others: two packs may call it two things."""
    return sorted({place.kind for place in places} & NAMING)


def _missing(object_id: ObjectId) -> Corrupt:
    return Corrupt(
        f"object {object_id.hex()} is needed and missing, so what it needs is not known",
        kind="object-missing",
        hint="'graven fsck' says whose it is; nothing was condemned",
        object=object_id.hex(),
    )


def _unreadable(object_id: ObjectId, error: Corrupt | FormatTooNew) -> Corrupt | FormatTooNew:
    return type(error)(
        f"object {object_id.hex()} is needed and cannot be read, so what it needs is not known:"
        f" {error.message}",
        kind=error.kind,
        hint="'graven fsck --full' says whose it is; nothing was condemned",
        object=object_id.hex(),
    )


def _kept_by(survey: Survey, guarded: GuardedFiles) -> tuple[set[ObjectId], set[ObjectId]]:
    """What baselines and tags keep, and what of it was gone before (of clones, and pruned).

    Their whole history, and the runs of the newest values.
    """
    kept: set[ObjectId] = set()
    lost: set[ObjectId] = set()
    for key, data in guarded.items():
        value = decode_ref_file(data, key)
        for number, older in enumerate(_history(survey, value, kept, lost)):
            if older.object is None or number >= KEPT_VALUES:
                continue
            target = parse_object_id(older.object)
            kept.add(target)
            if number and not locate_many(survey.catalog, [target]):
                lost.add(target)
    return kept, lost


def _history(
    survey: Survey, value: RefValue, kept: set[ObjectId], lost: set[ObjectId]
) -> Iterator[RefValue]:
    yield value
    while value.previous is not None:
        before = parse_object_id(value.previous)
        kept.add(before)
        places = locate_many(survey.catalog, [before]).get(before)
        if not places:
            lost.add(before)
            return
        try:
            value = decode_ref_object(survey.reader.get_at(before, places))
        except NotFound as error:
            raise packs_moved(places[0].pack) from error
        yield value
