"""One direction between two stores: runs, what is attached to them, baselines and tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graven.catalog.places import locate
from graven.errors import BackendUnavailable, Corrupt, GravenError, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.guarded import RefValue, decode_ref_object
from graven.ids import ObjectId, parse_object_id
from graven.objects.reader import Place
from graven.refs.guarded import KEPT_VALUES
from graven.refs.journal import RefUpdate
from graven.store import Store
from graven.store.closure import Closure, Part
from graven.sync.difference import ExactRuns, Selection, missing_updates
from graven.sync.guarded import GuardedConflict, Key, Move, plan_move
from graven.sync.refs import guarded_values
from graven.sync.shipment import Shipment

_ATTEMPTS = 8

Progress = Callable[[int, int], None]
"""Called with the number of refs sent and the bytes sent so far."""


@dataclass(slots=True)
class SyncReport:
    """What went from one store to another.

    Attributes:
        runs: ids of runs that are new or have changed there.
        deleted: ids of runs that are deleted there now.
        attachments: number of attachments.
        manifests: number of versions of what describes experiments.
        objects, bytes, packs: what was written; bytes as stored.
        moved: baselines and tags that were set, as ``space/name``.
        conflicts: those that both sides have moved; nothing was done to them.
        refused: why baselines and tags stayed as they are, where the place cannot swap.
        failed: what could not be read, by ref name: the rest went all the same.
    """

    runs: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    attachments: int = 0
    manifests: int = 0
    objects: int = 0
    bytes: int = 0
    packs: int = 0
    moved: list[str] = field(default_factory=list)
    conflicts: list[GuardedConflict] = field(default_factory=list)
    refused: str | None = None
    failed: dict[str, GravenError] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "runs": self.runs,
            "deleted": self.deleted,
            "attachments": self.attachments,
            "manifests": self.manifests,
            "objects": self.objects,
            "bytes": self.bytes,
            "packs": self.packs,
            "moved": self.moved,
            "conflicts": [conflict.to_dict() for conflict in self.conflicts],
            "refused": self.refused,
            "failed": {name: error.to_dict() for name, error in self.failed.items()},
        }


def transfer(
    source: Store,
    target: Store,
    selection: Selection | ExactRuns | None = None,
    *,
    progress: Progress | None = None,
    leads: bool = True,
) -> SyncReport:
    """Send to ``target`` what ``source`` has and it lacks.

    Nothing is ever taken away but by tombstones. May be repeated at any time: what has
    arrived is not sent again. A damaged object holds up only what needs it.

    Args:
        source: is read.
        target: is written to.
        selection: which runs; all, if not given.
        progress: told after each pack.
        leads: where both have set a name to one run by histories that have parted, the
            source's history stays. False: the target's, since others have it from there;
            then the source takes it, if it may be written to.

    Raises:
        BackendUnavailable: a place failed; what was sent until then is whole.
    """
    sending = _Transfer(source, target, selection or Selection(), progress, leads=leads)
    report = sending.run()
    if sending.joined and not source.readonly:
        _Transfer(target, source, Selection(), None, leads=True).join(sending.joined)
    return report


class _Transfer:
    def __init__(
        self,
        source: Store,
        target: Store,
        selection: Selection | ExactRuns,
        progress: Progress | None,
        *,
        leads: bool,
    ) -> None:
        self._leads = leads
        self.joined: set[Key] = set()  # names whose histories are to become the target's
        self._source = source
        self._target = target
        self._selection = selection
        self._progress = progress or (lambda refs, sent: None)
        self._report = SyncReport()
        self._shipment = Shipment(target.parts.session, self._loose_at)
        self._closure = Closure(source.parts.index, target.parts.index, self._sound)

    def run(self) -> SyncReport:
        for store in (self._source, self._target):
            store.parts.index.refresh()
        moves = [] if isinstance(self._selection, ExactRuns) else self._plan_moves()
        # What baselines stand for goes first: they may stand for runs that are deleted.
        self._ship_moves(moves)
        for page in missing_updates(
            self._source.parts.index, self._target.parts.index, self._selection
        ):
            self._ship(page)
        self._shipment.send()
        self._tell()
        for move in moves:
            self._move(move)
        self._write_views()
        report = self._report
        report.objects, report.bytes = self._shipment.objects, self._shipment.bytes
        report.packs = self._shipment.packs
        return report

    def _sound(self, places: Sequence[Place]) -> Sequence[Place]:
        """Of an object's places in the target those that this transfer may count on."""
        session = self._target.parts.session
        if self._shipment.since is None:  # not before: a push of nothing asks for nothing
            self._shipment.since = session.decision()
        return session.sound(places)

    def join(self, keys: set[Key]) -> None:
        """Send the histories of these names alone."""
        for store in (self._source, self._target):
            store.parts.index.refresh()
        moves = [move for move in self._plan_moves() if move.key in keys]
        self._ship_moves(moves)
        self._shipment.send()
        for move in moves:
            self._move(move)

    def _ship(self, updates: Sequence[RefUpdate]) -> None:
        needs = self._closure.needs([u.target for u in updates if u.target is not None])
        packs = self._shipment.packs
        for update in updates:
            need = next(needs) if update.target is not None else ()
            if isinstance(need, GravenError):
                self._report.failed[update.name] = need
                continue
            try:
                self._shipment.add(need, update)
            except (NotFound, GravenError) as error:
                if isinstance(error, BackendUnavailable):
                    raise
                self._report.failed[update.name] = error
                continue
            self._count(update)
        if self._shipment.packs != packs:
            self._tell()

    def _count(self, update: RefUpdate) -> None:
        parsed = layout.parse_ref_name(update.name)
        if parsed is None:
            self._report.manifests += 1
        elif parsed.attachment:
            self._report.attachments += 1
        elif update.target is None:
            self._report.deleted.append(parsed.run_id)
        else:
            self._report.runs.append(parsed.run_id)

    def _loose_at(self, object_id: ObjectId) -> str | None:
        index = self._target.parts.index
        places = index.look(partial(locate, object_id=object_id))
        found = index.first_standing([place for place in places if place.loose])
        return found.key if found else None

    def _tell(self) -> None:
        report = self._report
        done = len(report.runs) + len(report.deleted) + report.attachments + report.manifests
        self._progress(done, self._shipment.bytes)

    # --- baselines and tags ---

    def _plan_moves(self) -> list[Move]:
        ours, theirs = guarded_values(self._source), guarded_values(self._target)
        hurt = {key: theirs.damaged[key] for key in theirs.damaged if key in ours.values}
        moves = []
        for key in sorted(ours.values.keys() - hurt.keys()):
            try:
                step = self._plan(key, ours.values[key], theirs.values.get(key))
            except Corrupt as error:  # in its history
                hurt[key] = error
                continue
            if isinstance(step, GuardedConflict):
                self._report.conflicts.append(step)
            elif step is not None:
                moves.append(step)
        for key, fault in sorted({**hurt, **ours.damaged}.items()):
            self._report.failed["/".join(key)] = fault
        try:
            for space in sorted({move.key[0] for move in moves}):
                self._target.guarded(space).check_swap()
        except InvalidInput as error:
            self._report.refused = error.message
            return []
        return moves

    def _plan(
        self, key: Key, ours: RefValue, theirs: RefValue | None
    ) -> Move | GuardedConflict | None:
        space = key[0]
        step = plan_move(
            key, self._source.guarded(space), ours, self._target.guarded(space), theirs
        )
        if isinstance(step, Move) and step.joins and not self._leads:
            self.joined.add(key)
            return None
        return step

    def _ship_moves(self, moves: list[Move]) -> None:
        for move in list(moves):
            items: list[Part] = list(move.history)
            if move.value.object is not None:
                (need,) = self._closure.needs([parse_object_id(move.value.object)])
                if isinstance(need, GravenError):
                    self._report.failed["/".join(move.key)] = need
                    moves.remove(move)
                    continue
                items += need
            self._shipment.add(items)
            self._ship_earlier(move)

    def _ship_earlier(self, move: Move) -> None:
        """What the name stood for before (``main~1``), as far back as gc will keep it."""
        recent = move.history[: KEPT_VALUES - 1]
        earlier = [decode_ref_object(item.data).object for item in recent]
        for need in self._closure.needs([parse_object_id(o) for o in earlier if o is not None]):
            if not isinstance(need, GravenError):  # else it is missing here too: fsck tells
                self._shipment.add(need)

    def _move(self, move: Move) -> None:
        """Set a ref, looked at anew each time: others may be moving it."""
        space, name = move.key
        refs = self._target.guarded(space)
        sent = False
        for _ in range(_ATTEMPTS):
            theirs, version = refs.read_versioned(name)
            step = self._plan(move.key, move.value, theirs)
            if isinstance(step, GuardedConflict):
                self._report.conflicts.append(step)
                return
            if step is None:
                if sent:  # and nobody heard that it had arrived
                    break
                return
            try:
                sent = True
                self._target.parts.session.check_age(self._shipment.since)
                if refs.forward(name, move.value, version):
                    break
            except InvalidInput as error:
                if error.kind != "no-swap":
                    raise
                self._report.refused = error.message
                return
        else:
            self._report.failed["/".join(move.key)] = BackendUnavailable(
                f"{space}/{name} kept moving", kind="ref-moved", hint="try again"
            )
            return
        self._report.moved.append(f"{space}/{name}")

    # --- views ---

    def _write_views(self) -> None:
        self._target.refresh_views([*self._report.runs, *self._report.deleted])
