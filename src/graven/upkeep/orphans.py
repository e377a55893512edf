"""Objects that nothing needs any more: what a gc would take."""

from __future__ import annotations

from typing import Any, NamedTuple

from graven.catalog.places import ALL_OBJECTS
from graven.formats import layout
from graven.store import Store
from graven.upkeep.marking import mark, read_guarded
from graven.upkeep.survey import Survey


class Orphans(NamedTuple):
    """Objects that no ref reaches, and the bytes they take unpacked."""

    objects: int
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return self._asdict()


def count_orphans(store: Store) -> Orphans:
    """Follow every ref to the end; reads all metadata, and what names others.

    Raises:
        Corrupt: something cannot be read, so nobody knows what it needs.
        BackendUnavailable: another collector is at work.
    """
    backend = store.parts.backend
    guarded = read_guarded(backend)
    names = [name for name in backend.names(layout.PACKS) if layout.parse_pack_name(name)]
    with Survey(backend, names) as survey:
        mark(survey, guarded)
        ((count, size),) = survey.catalog.rows(
            "SELECT count(*), coalesce(sum(length), 0) FROM (SELECT o.id, min(o.length) AS length"
            f" FROM ({ALL_OBJECTS}) o LEFT JOIN live l ON l.id = o.id WHERE l.id IS NULL"
            " GROUP BY o.id)"
        )
    return Orphans(count, size)
