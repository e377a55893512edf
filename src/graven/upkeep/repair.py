"""Healing a store: from what it still holds itself, and from another store.

Nothing is changed in place. What is damaged or missing is written again in healing packs;
readers take any copy that verifies. A damaged file whose content stands elsewhere by then is
condemned by a plan, and goes with a later gc.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from graven.errors import Corrupt, FormatTooNew, GravenError, NotFound
from graven.formats import layout
from graven.formats.envelope import REF
from graven.formats.guarded import (
    RefValue,
    decode_ref_file,
    encode_ref_file,
    encode_ref_object,
)
from graven.formats.plan import Plan
from graven.ids import ObjectId, hash_bytes
from graven.store import Store
from graven.store.fsck import Damage, FsckReport
from graven.store.session import Intent
from graven.sync.difference import Selection
from graven.sync.guarded import Key, history, parse_key
from graven.sync.transfer import SyncReport, transfer
from graven.upkeep.plans import condemn, replace_unreadable
from graven.upkeep.rescue import Rescuer, pack_names

_ROUNDS = 6
"""What is fetched may name what is missing, too: looked at again so many times at most."""


@dataclass(slots=True)
class RepairReport:
    """What a repair did.

    Attributes:
        before, after: the checks around it.
        fetched: objects that came from the other store: hex id to kind.
        copied: how many objects were copied out of damaged files.
        pointers: baselines and tags that were taken from the other store, as ``space/name``.
        received: what a transfer brought of updates that were lost; None if it was nothing.
        condemned: keys of damaged files that a later gc removes.
        plans: keys of plans to delete that could not be read; one for all that stands took
            their place.
        healed: keys of the damaged files all of whose content stands elsewhere now.
        notes: what could not be done, and why.
        still: damage that is left.
    """

    before: FsckReport
    after: FsckReport
    fetched: dict[str, str] = field(default_factory=dict)
    copied: int = 0
    pointers: list[str] = field(default_factory=list)
    received: SyncReport | None = None
    condemned: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    still: list[Damage] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if nothing is damaged any more that anything needs."""
        return not self.still

    @property
    def idle(self) -> bool:
        """True if there was nothing to do."""
        return self.before.ok and self.received is None and not self.notes

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "ok": self.ok,
            "before": self.before.to_dict(),
            "fetched": self.fetched,
            "copied": self.copied,
            "pointers": self.pointers,
            "received": None if self.received is None else self.received.to_dict(),
            "condemned": self.condemned,
            "plans": self.plans,
            "healed": self.healed,
            "notes": self.notes,
            "still": [damage.to_dict() for damage in self.still],
        }


def repair(
    store: Store, source: Store | None = None, *, selection: Selection | None = None
) -> RepairReport:
    """Heal what can be healed. May be broken off and repeated.

    Args:
        store: is checked whole, and written to.
        source: another store: a copy of this one gives everything, any other one objects
            that happen to be equal. None: only copies within the store itself help.
        selection: what this store holds of ``source``: less than all after a partial clone.

    Raises:
        BackendUnavailable: a place failed, or the store is read-only; what was written until
            then is sound.
    """
    store.parts.session.check_writable()
    before = store.fsck("full")
    report = RepairReport(before, before)
    copy = source if source is not None and source.store_id == store.store_id else None
    if before.ok and copy is None:
        return report
    if source is not None and copy is None:
        report.notes.append(f"{source.url} is another store: only equal objects were taken")
    work = _Repair(store, source, copy, selection, report)
    if not before.ok:
        work.run()
    elif work.receive():
        report.after = store.fsck("full")
    report.still = [damage for damage in report.after.damage if not work.is_healed(damage)]
    return report


class _Repair:
    def __init__(
        self,
        store: Store,
        source: Store | None,
        copy: Store | None,
        selection: Selection | None,
        report: RepairReport,
    ) -> None:
        self._store = store
        self._source = source
        self._copy = copy
        self._selection = selection
        self._report = report
        self._beyond: set[bytes] = set()
        self._in_file: dict[str, set[bytes]] = {}  # objects of damaged files
        self._asked = False

    def run(self) -> None:
        report = self._report
        grace = int(self._store.grace_seconds)
        report.plans = replace_unreadable(self._store.parts.backend, grace)
        for _ in range(_ROUNDS):
            done = self._round(report.after)
            self._read_values_again()
            report.after = self._store.fsck("full")
            if not done or not any(_hurts(damage) for damage in report.after.damage):
                break
        self._condemn()
        gone = set(report.condemned)
        report.after.damage = [
            replace(damage, condemned=damage.condemned or damage.place in gone)
            for damage in report.after.damage
        ]

    def is_healed(self, damage: Damage) -> bool:
        """True for damage that hurts nothing any more."""
        return damage.condemned or damage.place in self._report.healed

    # --- healing ---

    def receive(self) -> int:
        """Take what the copy knows and this store does not, once; how much that was.

        Damage does not tell whether there is any: a pack that vanished took its updates along.
        """
        if self._copy is None or self._asked:
            return 0
        self._asked = True
        found = transfer(self._copy, self._store, self._selection)
        self._report.notes += [f"{name}: {error.message}" for name, error in found.failed.items()]
        came = found.packs + len(found.moved)
        if came:
            self._report.received = found
        return came

    def _round(self, found: FsckReport) -> int:
        """Heal what a check has found; how much was written."""
        files = frozenset(d.place for d in found.damage if _is_file(d.place))
        if self._source is not None:
            self._source.parts.index.refresh()
        self._store.parts.index.refresh()
        rescuer = Rescuer(self._store, self._source, self._copy, files)
        try:
            return self._heal(rescuer, found, files)
        finally:
            rescuer.close()

    def _heal(self, rescuer: Rescuer, found: FsckReport, files: frozenset[str]) -> int:
        for name in pack_names(files):
            try:
                remains = rescuer.rescue_pack(name)
            except NotFound:
                continue  # vanished: what only it told comes with what the copy sends
            except FormatTooNew as error:
                self._report.notes.append(f"packs/{name}: {error.message}")
                continue
            held = self._in_file.setdefault(layout.pack_key(name), set())
            held.update(object_id for object_id, _ in remains.objects)
        self._rescue_loose(rescuer, found, files)
        rescuer.fetch(_missing(found, files))
        rescuer.send()
        moved = self._heal_pointers(rescuer, found)
        rescuer.send()
        self._report.fetched.update(rescuer.fetched)
        self._report.copied += rescuer.copied
        self._beyond |= rescuer.beyond
        return len(rescuer.fetched) + rescuer.copied + moved + self.receive()

    def _rescue_loose(self, rescuer: Rescuer, found: FsckReport, files: frozenset[str]) -> None:
        hurt = {d.place: d for d in found.damage if d.place in files and d.object_id}
        for key, damage in hurt.items():
            object_id = layout.parse_loose_key(key)
            if object_id is None:
                continue
            self._in_file.setdefault(key, set()).add(object_id)
            rescuer.rescue([(object_id, "blob")])
            rescuer.send()
            self._lead_elsewhere(key, object_id, damage.names)

    def _lead_elsewhere(self, key: str, object_id: ObjectId, names: tuple[str, ...]) -> None:
        """Refs whose notes name a damaged file name it no more: whoever asks them finds another."""
        index = self._store.parts.index
        index.refresh_loose()
        try:
            index.get(object_id)
        except (Corrupt, NotFound):
            return  # there is no other
        intents = []
        for ref in self._store.iter_refs():
            if ref.name in names and ref.note and layout.loose_key(
                object_id, str(ref.note.get("loose"))
            ) == key:  # fmt: skip
                note = {field: value for field, value in ref.note.items() if field != "loose"}
                self._store.parts.session.observe(ref.stamp)
                intents.append(Intent(ref.name, object_id, None, note))
        if intents:
            self._store.parts.session.commit([], intents)

    def _read_values_again(self) -> None:
        """Let the catalog read again the values that it could not read."""
        catalog = self._store.parts.index.catalog
        with catalog.transaction() as connection:
            connection.execute("UPDATE run SET d = NULL WHERE d = 0 AND object IS NOT NULL")

    # --- baselines and tags ---

    def _heal_pointers(self, rescuer: Rescuer, found: FsckReport) -> int:
        if self._copy is None:
            return 0
        moved = 0
        for place in sorted({damage.place for damage in found.damage}):
            key = parse_key(place) if place.startswith(layout.REFS) else None
            if key is not None and self._heal_pointer(key, place, rescuer):
                self._report.pointers.append("/".join(key))
                moved += 1
        return moved

    def _heal_pointer(self, key: Key, place: str, rescuer: Rescuer) -> bool:
        """Put the other store's value in the place of a file that cannot be read."""
        backend = self._store.parts.backend
        space, name = key
        try:
            data, version = backend.get_with_version(place)
            decode_ref_file(data, place)
        except NotFound:
            return False
        except Corrupt:
            pass  # that is what we are here for
        else:
            return False  # the file is whole; what it names was fetched
        refs = self._copy.guarded(space) if self._copy is not None else None
        try:
            value = None if refs is None else refs.read_versioned(name)[0]
            values = [] if refs is None else list(history(refs, value))
        except GravenError as error:
            self._report.notes.append(f"{space}/{name} there: {error.message}")
            return False
        if value is None:
            return False
        for older in values[1:]:
            rescuer.rescue([_kept(older)])
        rescuer.fetch([ObjectId(bytes.fromhex(v.object)) for v in values if v.object is not None])
        rescuer.send()  # what it stands for goes first
        self._store.guarded(space).check_swap()
        return backend.put_if_version(place, encode_ref_file(value), version) is not None

    # --- what is left of the damaged files ---

    def _condemn(self) -> None:
        """Condemn the damaged files that nothing needs any more."""
        needed = {
            bytes.fromhex(damage.object_id)
            for damage in self._report.after.damage
            if damage.object_id and _hurts(damage)
        }
        going = []
        for key, held in sorted(self._in_file.items()):
            if held & needed:
                continue
            if not held and self._copy is None:
                self._report.notes.append(f"{key}: nothing can be read, nobody knows what it held")
                continue
            self._report.healed.append(key)
            going.append(key)
        if not going:
            return
        packs = tuple(pack_names(going))
        loose = tuple(key for key in going if layout.classify(key) is layout.FileKind.LOOSE)
        condemn(
            self._store.parts.backend,
            Plan("repair", int(self._store.grace_seconds), packs, loose),
        )
        self._report.condemned = going


def _kept(value: RefValue) -> tuple[ObjectId, str]:
    return hash_bytes(encode_ref_object(value)), REF


def _is_file(place: str) -> bool:
    return layout.classify(place) in (layout.FileKind.PACK, layout.FileKind.LOOSE)


def _hurts(damage: Damage) -> bool:
    """True for an object that something needs and no healthy copy is known of."""
    if damage.object_id is None:
        return not _is_file(damage.place)
    return damage.healthy_copy is None and bool(damage.names)


def _missing(found: FsckReport, files: frozenset[str]) -> list[ObjectId]:
    """Objects that something names and nothing holds."""
    ids = [d.object_id for d in found.damage if d.object_id and d.place not in files]
    return [ObjectId(bytes.fromhex(text)) for text in dict.fromkeys(ids) if text]
