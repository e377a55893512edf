"""Which packs a collector takes: those with nothing alive, and those with little."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from graven.backends.base import Entry
from graven.catalog.places import ALL_OBJECTS, locate_many
from graven.catalog.states import states_of
from graven.errors import Corrupt, NotFound
from graven.formats.packbuild import Item
from graven.ids import ObjectId
from graven.objects.reader import portions
from graven.refs.journal import RefUpdate
from graven.upkeep.rewriting import Rewriter
from graven.upkeep.survey import NAMING_CODES, Survey, packs_moved

UPDATE_BYTES = 100
"""What an update counts for, beside the bytes of objects."""
FULL = 0.5
"""A pack of which less is alive is rewritten."""
_PAGE = 500

# Places in packs; homes: of each living object the one copy that counts, in the pack with the
# most alive, one that calls it a record before one that calls it a blob. ours: packs that no
# plan names.
_TABLES = f"""
CREATE TABLE ours(pack TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE place AS SELECT o.id AS id, p.name AS pack, o.length AS length,
    o.kind IN ({NAMING_CODES}) AS naming
    FROM ({ALL_OBJECTS}) o JOIN pack p ON p.n = o.pack;
CREATE TABLE weight AS SELECT p.pack AS pack, sum(p.length) AS bytes,
    sum(CASE WHEN l.id IS NULL THEN 0 ELSE p.length END) AS alive
    FROM place p LEFT JOIN live l ON l.id = p.id GROUP BY p.pack;
CREATE TABLE home AS SELECT id, pack, length FROM (
    SELECT p.id AS id, p.pack AS pack, p.length AS length, row_number() OVER (
        PARTITION BY p.id ORDER BY p.naming DESC, o.pack IS NULL, w.alive DESC, p.pack DESC)
        AS place
    FROM place p JOIN live l ON l.id = p.id JOIN weight w ON w.pack = p.pack
    LEFT JOIN ours o ON o.pack = p.pack) WHERE place = 1;
CREATE INDEX home_by_pack ON home(pack);
CREATE TABLE winner(name TEXT, pack TEXT, alive INTEGER);
"""

# Who holds the winning update of a name, and who its floor: both are needed.
_STATES = (
    "SELECT 'runs/' || run_id AS name, stamp, writer, object AS target, floor, 0 AS dead FROM run"
    " UNION ALL SELECT f.name, f.stamp, f.writer, f.target, f.floor,"
    " coalesce(f.stamp <= r.floor, 0) FROM ref f LEFT JOIN run r ON r.run_id = f.run_id"
)
_HOLDERS = (
    "INSERT INTO winner SELECT name, pack, alive FROM ("
    " SELECT t.name AS name, t.pack AS pack, coalesce(w.alive, 0) AS alive, row_number() OVER ("
    " PARTITION BY t.name ORDER BY coalesce(w.alive, 0) DESC, t.pack DESC) AS place"
    f" FROM told t JOIN ours o ON o.pack = t.pack JOIN ({_STATES}) s ON s.name = t.name"
    " JOIN writer n ON n.n = s.writer LEFT JOIN weight w ON w.pack = t.pack"
    " WHERE NOT s.dead AND {held}) WHERE place = 1"
)
_HOLDS_WINNER = (
    "t.stamp = s.stamp AND t.writer = n.id AND t.gone = (s.target IS NULL)"
    " AND t.target = coalesce(s.target, x'')"
)
_HOLDS_FLOOR = "s.floor > 0 AND t.floor = s.floor"


class Fate(NamedTuple):
    """What becomes of a pack: ``alive`` and ``bytes`` weigh objects and updates."""

    name: str
    bytes: int
    alive: int

    @property
    def dead(self) -> bool:
        """True if nothing in it is needed."""
        return self.alive == 0

    @property
    def sparse(self) -> bool:
        """True if so little of it is needed that it is worth rewriting."""
        return 0 < self.alive < FULL * self.bytes


def weigh(survey: Survey, ours: Collection[str]) -> list[Fate]:
    """How much is alive in each pack of ``ours``, once the survey is marked."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            survey.change(statement)
        if "TABLE ours" in statement:
            survey.change("INSERT INTO ours VALUES(?)", [(name,) for name in ours])
    survey.change(_HOLDERS.format(held=_HOLDS_WINNER))
    survey.change(_HOLDERS.format(held=_HOLDS_FLOOR))
    survey.change("CREATE INDEX winner_by_pack ON winner(pack)")
    held = _counts(survey, "SELECT pack, sum(length) FROM home GROUP BY pack")
    needed = _counts(survey, "SELECT pack, count(DISTINCT name) FROM winner GROUP BY pack")
    total = _counts(survey, "SELECT pack, bytes FROM weight")
    told = _counts(survey, "SELECT pack, count(*) FROM told GROUP BY pack")
    return [
        Fate(
            name,
            total.get(name, 0) + UPDATE_BYTES * told.get(name, 0),
            held.get(name, 0) + UPDATE_BYTES * needed.get(name, 0),
        )
        for name in sorted(ours)
    ]


def choose(
    survey: Survey, fates: Collection[Fate], packs: Mapping[str, Entry], young_since_ms: int
) -> tuple[list[Fate], list[Fate]]:
    """The packs to condemn, and those to rewrite before.

    One that was written since ``young_since_ms`` and has no updates is let alone.
    """
    told = _counts(survey, "SELECT pack, count(*) FROM told GROUP BY pack")
    taken = [
        fate
        for fate in fates
        if told.get(fate.name) or packs[fate.name].modified_ms < young_since_ms
    ]
    return [fate for fate in taken if fate.dead], [fate for fate in taken if fate.sparse]


def rewrite(survey: Survey, name: str, rewriter: Rewriter) -> bool:
    """Put what is needed of a pack into another; False if it cannot be read whole."""
    for data in _objects(survey, name):
        if data is None:
            return False
        rewriter.add(data)
    for update in _updates(survey, name):
        rewriter.add_update(update)
    return True


def rest_is_sound(survey: Survey, condemned: Collection[str]) -> str | None:
    """The first pack whose living objects cannot be read where they are to stay; None if all can.

    Of those alone that stand in a condemned pack too: there the last good copy may be.
    """
    survey.change("DROP TABLE IF EXISTS going")
    survey.change("CREATE TABLE going(pack TEXT PRIMARY KEY) WITHOUT ROWID")
    survey.change("INSERT INTO going VALUES(?)", [(name,) for name in condemned])
    rows = survey.catalog.rows(
        "SELECT DISTINCT h.id, h.pack, g.pack FROM home h JOIN place p ON p.id = h.id"
        " JOIN going g ON g.pack = p.pack WHERE h.pack NOT IN (SELECT pack FROM going)"
    )
    for object_id, home, pack in rows:
        places = locate_many(survey.catalog, [object_id]).get(object_id, [])
        try:
            survey.reader.get_at(object_id, [place for place in places if place.pack == home])
        except Corrupt:
            return str(pack)
        except NotFound as error:
            raise packs_moved(str(home)) from error
    return None


def _objects(survey: Survey, name: str) -> Iterator[Item | None]:
    rows = survey.catalog.rows("SELECT id FROM home WHERE pack = ?", (name,))
    ids = [ObjectId(row[0]) for row in rows]
    for start in range(0, len(ids), _PAGE):
        places = locate_many(survey.catalog, ids[start : start + _PAGE])
        wanted = sorted(places.items(), key=lambda pair: (pair[1][0].pack, pair[1][0].frame.offset))
        for first, last in portions(wanted):
            part = wanted[first:last]
            for (i, held), data in zip(part, survey.reader.get_many(part), strict=True):
                kinds = [place.kind for place in held if place.pack == name]
                yield Item(i, kinds[0], data) if isinstance(data, bytes) and kinds else None


def _updates(survey: Survey, name: str) -> Iterator[RefUpdate]:
    """The whole state of each name that needs the pack: winner and floor together."""
    rows = survey.catalog.rows("SELECT DISTINCT name FROM winner WHERE pack = ?", (name,))
    names = [str(row[0]) for row in rows]
    for start in range(0, len(names), _PAGE):
        yield from states_of(survey.catalog, names[start : start + _PAGE])


def _counts(survey: Survey, question: str) -> dict[str, int]:
    return {str(name): int(count or 0) for name, count in survey.catalog.rows(question)}
