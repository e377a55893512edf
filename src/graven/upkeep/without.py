"""The question before anything is deleted: does the store answer as before without it.

For each name the state of merging (winning update and floor) must be the same without the
condemned packs, and each living object must stand in a pack that no plan names. Merging is
a join of states, so the first holds if every update of a condemned pack adds nothing to what
the others say. What is needed is spared, whoever condemned it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from graven.backends.base import Backend
from graven.catalog.places import locate_many
from graven.formats import layout
from graven.ids import ObjectId
from graven.objects.reader import Place, portions
from graven.upkeep.marking import GuardedFiles, is_live, mark
from graven.upkeep.survey import NAMING_CODES, Survey

# Rank and floor of an update against the state that stands without it.
_RANK = "(t.stamp, t.writer, t.gone, t.target) > (s.stamp, w.id, {target} IS NULL, {filled})"
_UNABSORBED_RUNS = (
    "SELECT DISTINCT t.pack FROM told t LEFT JOIN run s ON s.run_id = t.run_id"
    " LEFT JOIN writer w ON w.n = s.writer WHERE t.run_id IS NOT NULL AND (s.run_id IS NULL OR "
    + _RANK.format(target="s.object", filled="coalesce(s.object, x'')")
    + " OR t.floor > s.floor)"
)
# What is dead for good adds nothing either: it stands at or below the floor of its run.
_UNABSORBED_REFS = (
    "SELECT DISTINCT t.pack FROM told t LEFT JOIN ref s ON s.name = t.name"
    " LEFT JOIN writer w ON w.n = s.writer LEFT JOIN run r ON r.run_id = t.owner"
    " WHERE t.run_id IS NULL AND t.stamp > coalesce(r.floor, -1) AND (s.name IS NULL OR "
    + _RANK.format(target="s.target", filled="coalesce(s.target, x'')")
    + " OR t.floor > s.floor)"
)
_HOMELESS = (
    "CREATE TABLE homeless AS SELECT DISTINCT a.id, a.pack FROM aside a"
    " WHERE NOT EXISTS(SELECT 1 FROM object o WHERE o.id = a.id"
    f" AND (NOT a.naming OR o.kind IN ({NAMING_CODES})))"
    " AND NOT EXISTS(SELECT 1 FROM run r WHERE r.pack IS NOT NULL"
    " AND substr(r.object, 1, 4) = substr(a.id, 1, 4) AND r.object = a.id)"
)
_NEXT_ASIDE = "SELECT DISTINCT id FROM aside WHERE id > ? ORDER BY id LIMIT 500"
_NEEDED_HOMELESS = "SELECT DISTINCT h.pack FROM homeless h JOIN live l ON l.id = h.id"


def needed_places(
    backend: Backend,
    packs: Collection[str],
    condemned: Collection[str],
    guarded: GuardedFiles,
    given_up: Collection[str] = frozenset(),
    *,
    read: bool = False,
) -> frozenset[str]:
    """Which condemned places the store cannot do without.

    Args:
        backend: the store's.
        packs: file names of all packs that are there.
        condemned: of all plans together: file names of packs, keys of loose objects.
        guarded: baselines and tags, read before ``packs`` were listed.
        given_up: see `Survey`.
        read: also read what condemned packs hold in the packs that are to stay: an index
            tells of objects that may be damaged since, or never were whole.

    Raises:
        Corrupt, FormatTooNew: a pack or a record cannot be read, so nobody can tell.
        BackendUnavailable: a pack has vanished meanwhile.
    """
    hidden = {name for name in packs if name in condemned}
    loose = {key: i for key in condemned if (i := layout.parse_loose_key(key)) is not None}
    if not hidden and not loose:
        return frozenset()
    with Survey(backend, set(packs) - hidden, given_up) as survey:
        survey.tell(hidden)
        needed = unabsorbed(survey) & hidden
        survey.change(_HOMELESS)
        if read:
            needed.update(unread_elsewhere(survey))
        if loose or survey.catalog.one("SELECT 1 FROM homeless LIMIT 1") is not None:
            survey.take(hidden)  # now it knows all: what is alive is asked of the whole
            mark(survey, guarded)
            needed.update(str(row[0]) for row in survey.catalog.rows(_NEEDED_HOMELESS))
            live = is_live(survey, set(loose.values()))
            needed.update(key for key, i in loose.items() if i in live)
    return frozenset(needed)


def unread_elsewhere(survey: Survey) -> set[str]:
    """Condemned packs with an object whose copies in all others cannot be read."""
    needed: set[str] = set()
    after = b""
    while rows := survey.rows(_NEXT_ASIDE, (after,)):
        page = [ObjectId(bytes(row[0])) for row in rows if isinstance(row[0], bytes)]
        after = page[-1]
        wanted = sorted(locate_many(survey.catalog, page).items(), key=lambda pair: _at(pair[1]))
        for first, last in portions(wanted):
            part = wanted[first:last]
            for (object_id, _), data in zip(part, survey.reader.get_many(part), strict=True):
                if not isinstance(data, bytes):
                    held = survey.rows("SELECT pack FROM aside WHERE id = ?", (object_id,))
                    needed.update(str(row[0]) for row in held)
    return needed


def _at(places: Sequence[Place]) -> tuple[str, int]:
    """Where an object lies, so that packs are read from front to back."""
    return places[0].pack, places[0].frame.offset


def unabsorbed(survey: Survey) -> set[str]:
    """Those of the packs that were told of whose updates the survey's state does not hold."""
    rows = survey.catalog.rows(f"{_UNABSORBED_RUNS} UNION {_UNABSORBED_REFS}")
    return {str(row[0]) for row in rows}
