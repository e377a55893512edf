"""Refs: what they point to must be there, and be what they say it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.errors import GravenError, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.envelope import REF, RUN
from graven.formats.guarded import RefValue, decode_ref_file, decode_ref_object
from graven.ids import ObjectId, check_name
from graven.refs.guarded import KEPT_VALUES
from graven.store.checking.report import Damage, FsckReport
from graven.store.checking.scratch import Scratch

_PAGE = 1000


def check_journaled(catalog: Catalog, scratch: Scratch, report: FsckReport) -> None:
    """Look at every journaled ref; what is dead for good may have lost its object to gc."""
    for page in _pages(catalog):
        report.refs += len(page)
        kinds = scratch.kinds([target for _, target in page if target is not None])
        for name, target in page:
            if target is None:
                continue
            what = _fault(name, kinds.get(target))
            if what is not None:
                parsed = layout.parse_ref_name(name)
                runs = (parsed.run_id if parsed else name,)
                known = kinds.get(target)
                report.damage.append(Damage(name, what, target.hex(), known, runs, None, (name,)))


def _fault(name: str, kind: str | None) -> str | None:
    if kind is None:
        return "its object is in no pack"
    parsed = layout.parse_ref_name(name)
    if parsed is None:
        return None
    if not parsed.attachment and kind != RUN:
        return f"its object is a {kind}, no run"
    try:
        check_name(parsed.run_id, "run id")
    except InvalidInput as error:
        return error.message
    return None


def _pages(catalog: Catalog) -> Iterator[list[tuple[str, bytes | None]]]:
    for rows in (_runs(catalog), _refs(catalog)):
        yield from rows


def _runs(catalog: Catalog) -> Iterator[list[tuple[str, bytes | None]]]:
    after = 0  # in the order of the table: a million names in theirs would be read one by one
    while rows := catalog.rows(
        f"SELECT n, run_id, object FROM run WHERE n > ? ORDER BY n LIMIT {_PAGE}", (after,)
    ):
        yield [(layout.run_ref(run_id), target) for _, run_id, target in rows]
        after = rows[-1][0]


def _refs(catalog: Catalog) -> Iterator[list[tuple[str, bytes | None]]]:
    after = ""
    while rows := catalog.rows(
        "SELECT f.name, CASE WHEN f.stamp <= r.floor THEN NULL ELSE f.target END"
        " FROM ref f LEFT JOIN run r ON r.run_id = f.run_id"
        f" WHERE f.name > ? ORDER BY f.name LIMIT {_PAGE}",
        (after,),
    ):
        yield [(name, target) for name, target in rows]
        after = rows[-1][0]


class GuardedCheck:
    """Looks at baselines and tags, and at their histories.

    Attributes:
        damage: what is wrong.
        pins: object id to the names that need it: their values, and the history.
    """

    def __init__(
        self,
        backend: Backend,
        scratch: Scratch,
        report: FsckReport,
        read: Callable[[ObjectId], bytes],
    ) -> None:
        self._backend = backend
        self._scratch = scratch
        self._report = report
        self._read = read
        self.damage: list[Damage] = []
        self.pins: dict[bytes, set[str]] = {}

    def run(self) -> None:
        """Look at all of them."""
        for space in layout.GUARDED_SPACES:
            folder = f"{layout.REFS}{space}/"
            for file_name in sorted(self._backend.names(folder)):
                key = folder + file_name
                name = layout.parse_guarded_file(file_name)
                if layout.classify(key) is not layout.FileKind.GUARDED_REF or name is None:
                    self._report.garbage.append(f"{key}: not a name of graven's")
                    continue
                self._report.refs += 1
                try:
                    self._check(key, f"{space}/{name}")
                except NotFound:
                    continue  # removed since the listing
                except GravenError as error:
                    self.damage.append(Damage(key, error.message, names=(f"{space}/{name}",)))

    def _check(self, key: str, name: str) -> None:
        value = decode_ref_file(self._backend.get(key), key)
        for number in range(value.seq):
            if number < KEPT_VALUES:
                self._check_target(key, name, value)
            if value.previous is None:
                break
            before = ObjectId(bytes.fromhex(value.previous))
            self.pins.setdefault(before, set()).add(name)
            try:
                record = self._read(before)
            except (NotFound, ValueError):
                self.damage.append(
                    Damage(
                        key,
                        f"its history breaks off: no object {value.previous}",
                        value.previous,
                        REF,
                        names=(name,),
                    )
                )
                break
            value = decode_ref_object(record)

    def _check_target(self, key: str, name: str, value: RefValue) -> None:
        if value.object is None:
            return
        target = bytes.fromhex(value.object)
        self.pins.setdefault(target, set()).add(name)
        if target not in self._scratch.kinds([target]):
            self.damage.append(
                Damage(
                    key, "its object is in no pack", value.object, RUN, (value.run or "",),
                    None, (name,),
                )
            )  # fmt: skip
