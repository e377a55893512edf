"""Baselines and tags between stores: forward only, else a conflict that shows both sides.

A value follows another if the other is in its history. Histories are chains of `ref`
objects named by hash, so a value that has been seen is found again in a copy.

Where two histories have parted, equal values (the same run and object) still count as one:
a side that has had what the other has now, and has gone on, is ahead of it. So a conflict
ends when somebody sets on one side what stands on the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from graven.errors import NotFound
from graven.formats.envelope import REF
from graven.formats.guarded import RefValue, encode_ref_object
from graven.formats.layout import GUARDED_SPACES, REFS, parse_guarded_file
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes
from graven.refs.guarded import GuardedRefs

SHOWN = 5  # values of a history in a conflict
Key = tuple[str, str]
"""Space (``baselines``, ``tags``) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedConflict:
    """A baseline or tag that has moved on both sides.

    ``ours`` is the history where it was to come from, ``theirs`` where it was to go, each
    newest first, down to the last value that both have known (``common``, None if none).
    """

    space: str
    name: str
    ours: tuple[RefValue, ...]
    theirs: tuple[RefValue, ...]
    common: RefValue | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "space": self.space,
            "name": self.name,
            "ours": [value.to_dict() for value in self.ours],
            "theirs": [value.to_dict() for value in self.theirs],
            "common": None if self.common is None else self.common.to_dict(),
        }

    def turned(self) -> GuardedConflict:
        """The same, seen from the other side."""
        return replace(self, ours=self.theirs, theirs=self.ours)


class Move(NamedTuple):
    """A ref that can go forward: the value, and what must be stored before it is set.

    ``joins``: the target has this very run already, by another history.
    """

    key: Key
    value: RefValue
    history: list[Item]
    joins: bool = False


def identity(value: RefValue) -> ObjectId:
    """The id of the `ref` object that a value is, or will be, kept as."""
    return hash_bytes(encode_ref_object(value))


def history(refs: GuardedRefs, value: RefValue | None) -> Iterator[RefValue]:
    """A value and those before it, as far back as they are kept."""
    while value is not None:
        yield value
        try:
            value = refs.before(value)
        except NotFound:
            return


def plan_move(
    key: Key, source: GuardedRefs, ours: RefValue, target: GuardedRefs, theirs: RefValue | None
) -> Move | GuardedConflict | None:
    """How a target with ``theirs`` comes to ``ours``; None if there is nothing to do.

    Where both sides have the same run by histories that have parted (a conflict that
    somebody has settled), the target can take the source's history: from then on they go
    on from one value. That an older value is equal proves nothing: it may have been left again.
    """
    if theirs is not None and identity(theirs) == identity(ours):
        return None
    stands = identity(theirs) if theirs is not None else None
    behind: list[RefValue] = []
    for value in history(source, ours):
        if stands is not None and identity(value) == stands:
            return Move(key, ours, [_item(v) for v in (*behind[1:], value)])
        behind.append(value)
    if theirs is None:
        return Move(key, ours, [_item(value) for value in behind[1:]])
    known = {identity(value): number for number, value in enumerate(behind)}
    ahead: list[RefValue] = []
    common = None
    for value in history(target, theirs):
        if identity(value) == identity(ours):
            return None  # the target has gone on from there
        if identity(value) in known:
            common = value
            break
        ahead.append(value)
    if _equal(ours, theirs):
        return Move(key, ours, [_item(value) for value in behind[1:]], joins=True)
    if common is not None:
        behind = behind[: known[identity(common)]]
    return GuardedConflict(
        space=key[0],
        name=key[1],
        ours=tuple(behind[:SHOWN]),
        theirs=tuple(ahead[:SHOWN]),
        common=common,
    )


def _equal(one: RefValue, other: RefValue) -> bool:
    return (one.run, one.object) == (other.run, other.object)


def _item(value: RefValue) -> Item:
    data = encode_ref_object(value)
    return Item(hash_bytes(data), REF, data)


def parse_key(path: str) -> Key | None:
    """Space and name of a file under ``refs/``; None for a stranger."""
    space, _, file_name = path.removeprefix(REFS).partition("/")
    name = parse_guarded_file(file_name)
    return (space, name) if space in GUARDED_SPACES and name is not None else None
