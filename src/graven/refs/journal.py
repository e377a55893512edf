"""Journaled refs: the rules of merging, free of I/O (docs/format.md, "Merging").

A ref's state is the winning update and, for a run, the *floor*: the highest stamp of
any tombstone ever seen. Merging takes the greater update and the greater floor; both
are maxima of total orders, so merging is commutative, associative and idempotent, and
syncing two stores is a union of their packs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from graven.formats.header import Header
from graven.ids import ObjectId


class RefUpdate(NamedTuple):
    """One update of one ref, as it stands in a pack with its stamp made whole.

    ``target`` is None for a tombstone.
    """

    name: str
    stamp: int
    writer: bytes
    target: ObjectId | None
    floor: int = 0
    header: Header | None = None
    note: dict[str, Any] | None = None

    @property
    def rank(self) -> tuple[int, bytes, bool, bytes]:
        """Order of updates: stamp, writer, a delete over a value, then object id."""
        return (self.stamp, self.writer, self.target is None, self.target or b"")

    @property
    def raised_floor(self) -> int:
        """The floor that this update brings: its own stamp if it is a tombstone."""
        return max(self.floor, self.stamp) if self.target is None else self.floor


class RefState(NamedTuple):
    """What is known of a ref after merging."""

    update: RefUpdate
    floor: int


def state_of(update: RefUpdate) -> RefState:
    """The state after a single update."""
    return RefState(update, update.raised_floor)


def merge(a: RefState, b: RefState) -> RefState:
    """The state that knows what both know."""
    winner = a.update if a.update.rank >= b.update.rank else b.update
    return RefState(winner, max(a.floor, b.floor))


def run_visible(run: RefState) -> bool:
    """True if the run is there: its winning update is no tombstone."""
    return run.update.target is not None


def attachment_visible(attachment: RefUpdate, run: RefState | None) -> bool:
    """True if an attachment is there: not deleted, newer than its run's floor, run there."""
    return (
        attachment.target is not None
        and run is not None
        and run_visible(run)
        and attachment.stamp > run.floor
    )
