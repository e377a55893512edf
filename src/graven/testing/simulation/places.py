"""Where the objects of a bucket stand, and what may never be deleted: judged at each change.

Written down without graven's collector: places are sets of ids, what is alive is followed
from the refs that the model merged itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from graven.formats import layout
from graven.formats.plan import decode_plan
from graven.ids import ObjectId
from graven.refs.journal import RefUpdate
from graven.store.links import NAMING, links_of
from graven.testing.simulation.bucket import Bucket
from graven.upkeep.packfile import read_pack


class Condemned(NamedTuple):
    """A plan: keys that may go from a time on, by the storage's clock."""

    keys: frozenset[str]
    ripe_ms: int


class Places:
    """The packs and loose objects of one bucket, and the plans that stand.

    Attributes:
        updates: of each pack by key.
        gone: how many packs and loose objects were deleted.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.updates: dict[str, list[RefUpdate]] = {}
        self._objects: dict[str, frozenset[ObjectId]] = {}
        self._named: dict[ObjectId, tuple[ObjectId, ...]] = {}
        self._plans: dict[str, Condemned] = {}
        self.gone = 0

    def add_pack(self, key: str, updates: list[RefUpdate]) -> None:
        """Take in a pack that has landed."""
        whole = read_pack(self._bucket.storage, key.removeprefix(layout.PACKS))
        self.updates[key] = updates
        self._objects[key] = frozenset(item.id for item in whole.items)
        for item in whole.items:
            if item.kind in NAMING:
                self._named[item.id] = _links(item.kind, item.data)

    def add_loose(self, key: str) -> None:
        """Take in a loose object."""
        object_id = layout.parse_loose_key(key)
        self._objects[key] = frozenset([object_id] if object_id is not None else [])

    def add_plan(self, key: str, data: bytes, now_ms: int) -> None:
        """Take in a plan to delete."""
        plan = decode_plan(data, key)
        keys = frozenset([*map(layout.pack_key, plan.packs), *plan.loose])
        self._plans[key] = Condemned(keys, now_ms + plan.grace_seconds * 1000)

    def remove_plan(self, key: str) -> None:
        """A plan was removed."""
        self._plans.pop(key, None)

    def remove(self, key: str, now_ms: int) -> str | None:
        """A place was deleted; what is wrong with that."""
        if self._objects.pop(key, None) is None:
            return None  # a second time
        self.updates.pop(key, None)
        self.gone += 1
        if not any(key in plan.keys and plan.ripe_ms <= now_ms for plan in self._plans.values()):
            return "no plan whose grace is over condemns it"
        return None

    @property
    def standing(self) -> Iterable[RefUpdate]:
        """All updates of the packs that are there."""
        return (update for updates in self.updates.values() for update in updates)

    def lacking(self, roots: Iterable[ObjectId]) -> set[ObjectId]:
        """Those of the objects, and of all that they name, that stand nowhere."""
        present = frozenset[ObjectId]().union(*self._objects.values())
        seen: set[ObjectId] = set()
        waiting = list(roots)
        while waiting:
            object_id = waiting.pop()
            if object_id not in seen:
                seen.add(object_id)
                waiting.extend(self._named.get(object_id, ()))
        return seen - present


@cache
def _links(kind: str, data: bytes) -> tuple[ObjectId, ...]:
    return tuple(links_of(kind, data))
