"""Checks a store, and says what is hurt by a wrong byte.

``quick`` reads names, trailers and metadata regions and follows every ref to an object
that the packs say they hold. ``full`` reads every byte: the hash of each pack, of each
object, the head. ``sample`` does so for a share of the files, other ones at each call.
``strict`` also checks that objects have their canonical form. What must be remembered of
a large store goes into a temporary file: memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Collection

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.catalog.places import locate, locate_many
from graven.formats import layout
from graven.formats.envelope import BLOB
from graven.formats.plan import UNKNOWN, Plan
from graven.ids import ObjectId
from graven.objects.reader import ObjectReader
from graven.store.checking.coverage import Ledger
from graven.store.checking.loose import check_loose
from graven.store.checking.owners import Names, find_owners, runs_among
from graven.store.checking.packs import Fault, PackCheck
from graven.store.checking.pointers import GuardedCheck, check_journaled
from graven.store.checking.report import Damage, FsckReport
from graven.store.checking.scratch import Missing, Scratch
from graven.store.checking.vanished import check_vanished
from graven.store.condemned import read_plans
from graven.store.links import LINKED

_PAGE = 500
LEVELS = ("quick", "full", "sample")

__all__ = ["LEVELS", "Damage", "Fsck", "FsckReport", "reader_of"]


class Fsck:
    """One check of one store.

    Args:
        backend: the store's files.
        catalog: fresh; it tells what an object belongs to.
        level: see above.
        strict: also check canonical form, of what is read whole.
        share: with level ``sample``, between 0 and 1.
        ledger_folder: where to remember what was read whole; None: nowhere.
    """

    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        *,
        level: str = "quick",
        strict: bool = False,
        share: float = 1.0,
        ledger_folder: str | None = None,
    ) -> None:
        self._backend = backend
        self._catalog = catalog
        self._share = share
        self._ledger_folder = ledger_folder
        self._condemned: set[str] = set()  # names of packs, keys of loose objects
        self._report = FsckReport(level)
        self._scratch = Scratch()
        self._packs = PackCheck(backend, catalog, self._scratch, self._report, strict)
        self._reader = reader_of(catalog, backend)
        self._guarded = GuardedCheck(backend, self._scratch, self._report, self._reader.get)

    def run(self) -> FsckReport:
        """Look at everything and report; never stops at the first fault."""
        try:
            if self._report.level == "quick":
                self._check_files(self._backend.names(layout.PACKS), frozenset())
            else:
                self._check_with_ledger()
            self._guarded.run()
            self._report_faults()
            check_journaled(self._catalog, self._scratch, self._report)
            self._report_missing()
            self._report.damage += self._guarded.damage
            check_vanished(self._backend, self._catalog, self._report)
            self._check_leftovers()
        finally:
            self._scratch.close()
        return self._report

    # --- files ---

    def _check_with_ledger(self) -> None:
        ledger = Ledger(self._ledger_folder)
        try:
            names = []
            files = []
            for folder in (layout.PACKS, layout.OBJECTS):
                for entry in self._backend.list(folder):
                    if folder == layout.PACKS:
                        names.append(entry.key.removeprefix(layout.PACKS))
                    if _holds_objects(entry.key):
                        files.append((entry.key, entry.size))
            ledger.begin(files)
            sampled = self._report.level == "sample"
            chosen = ledger.choose(self._share) if sampled else {key for key, _ in files}
            self._check_files(names, chosen)
            damaged = {fault.key for fault in self._packs.faults}
            for key in chosen:
                ledger.mark(key, damaged=key in damaged)
            self._report.coverage = ledger.coverage()
        finally:
            ledger.close()

    def _check_files(self, names: Collection[str], chosen: set[str] | frozenset[str]) -> None:
        self._check_plans(names)
        for name in sorted(names):
            key = layout.pack_key(name)
            kind = layout.classify(key)
            if kind is layout.FileKind.PACK:
                self._report.packs += 1
                self._packs.check(name, whole=key in chosen)
            elif kind is layout.FileKind.STRANGER:
                self._report.garbage.append(f"{key}: not a name of graven's")
        self._packs.faults += check_loose(self._backend, self._scratch, self._report, chosen)

    def _check_plans(self, names: Collection[str]) -> None:
        """What is condemned may be damaged, as long as nothing needs it."""
        for name, content in read_plans(self._backend, names):
            if isinstance(content, Plan):
                if content.reason == UNKNOWN:
                    continue  # all of it is needed, as far as anybody knows
                self._condemned.update(content.packs)
                self._condemned.update(content.loose)
            else:
                self._report.damage.append(Damage(layout.PACKS + name, content.message))

    # --- what it means ---

    def _report_faults(self) -> None:
        faults = self._packs.faults
        wanted: dict[bytes, str | None] = {f.object_id: f.kind for f in faults if f.object_id}
        for key, lost in self._packs.lost.items():
            only_there = self._without_copies(lost)
            self._packs.lost[key] = only_there
            wanted.update(only_there)
        owners = self._owners(wanted)
        bad: dict[bytes, set[str]] = {}
        for fault in faults:
            if fault.object_id is not None:
                bad.setdefault(fault.object_id, set()).add(fault.key)
        for fault in faults:
            if fault.object_id is None:
                self._report_file(fault, owners)
            else:
                self._report_object(fault, fault.object_id, owners, bad[fault.object_id])

    def _without_copies(self, lost: dict[bytes, str]) -> dict[bytes, str]:
        """Those of a lost pack's objects that stand nowhere else."""
        found = {}
        ids = [ObjectId(object_id) for object_id in lost]
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            places = locate_many(self._catalog, page)
            for object_id in page:
                if all(p.key in self._packs.lost for p in places.get(object_id, ())):
                    found[bytes(object_id)] = lost[object_id]
        return found

    def _report_file(self, fault: Fault, owners: Names) -> None:
        names: set[str] = set()
        for object_id in self._packs.lost.get(fault.key, ()):
            names |= owners.get(object_id, set())
        self._report.damage.append(
            Damage(
                fault.key,
                fault.what,
                runs=runs_among(names),
                names=tuple(sorted(names)),
                condemned=self._is_condemned(fault.key),
            )
        )

    def _report_object(self, fault: Fault, object_id: bytes, owners: Names, bad: set[str]) -> None:
        names = owners.get(object_id, set())
        copies = [place.key for place in locate(self._catalog, ObjectId(object_id))]
        good = next((k for k in copies if k not in bad and not self._is_condemned(k)), None)
        self._report.damage.append(
            Damage(
                fault.key,
                fault.what,
                object_id.hex(),
                fault.kind,
                runs_among(names),
                good,
                tuple(sorted(names)),
                self._is_condemned(fault.key) and (good is not None or not names),
            )
        )

    def _report_missing(self) -> None:
        """What objects name must be there; only what was read whole has told."""
        missing = list(self._scratch.missing())
        wanted: dict[bytes, str | None] = {m.id: _kind(m) for m in missing}
        owners = self._owners(wanted)
        for lack in missing:
            names = owners.get(lack.id, set())
            if not names:
                continue  # garbage, of which gc has taken a part: the record stands by others
            self._report.damage.append(
                Damage(
                    f"object {lack.named_in.hex()}",
                    "is in no pack",
                    lack.id.hex(),
                    lack.kind,
                    runs_among(names),
                    None,
                    tuple(sorted(names)),
                )
            )

    def _owners(self, wanted: dict[bytes, str | None]) -> Names:
        found = find_owners(self._catalog, self._reader, wanted)
        for object_id in wanted.keys() & self._guarded.pins.keys():
            found.setdefault(object_id, set()).update(self._guarded.pins[object_id])
        return found

    def _is_condemned(self, key: str) -> bool:
        return key in self._condemned or key.removeprefix(layout.PACKS) in self._condemned

    def _check_leftovers(self) -> None:
        for entry in self._backend.list(layout.PROBE):
            if layout.classify(entry.key) is layout.FileKind.PROBE:
                self._report.garbage.append(
                    f"{entry.key}: left by a probe of the storage; may be deleted"
                )
            else:
                self._report.garbage.append(f"{entry.key}: not a name of graven's")
        for key, age_ms in self._backend.temporaries():
            self._report.garbage.append(
                f"{key}: left by a write that never ended ({age_ms // 1000} s ago)"
            )


def _holds_objects(key: str) -> bool:
    return layout.classify(key) in (layout.FileKind.PACK, layout.FileKind.LOOSE)


def _kind(lack: Missing) -> str | None:
    # Of what a manifest links to nobody knows the kind; it is no part of a run.
    return BLOB if lack.kind == LINKED else lack.kind


def reader_of(catalog: Catalog, backend: Backend) -> ObjectReader:
    """A verified reader over what the catalog knows."""
    return ObjectReader(backend, lambda object_id: locate(catalog, object_id))
