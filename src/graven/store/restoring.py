"""Undoing a deletion, and naming what nobody names: what must be there, and written again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from graven import clock
from graven.catalog.database import Catalog
from graven.catalog.places import is_known
from graven.catalog.questions import Header as RunHeader
from graven.catalog.questions import find_header, find_run_ids
from graven.errors import Conflict, Corrupt, FormatTooNew, GravenError, NotFound
from graven.formats import layout
from graven.formats.header import Header, grow_commit, shrink_commit
from graven.ids import MIN_PREFIX_HEX, ObjectId, is_hex
from graven.objects.loose import NOTE, LooseItem, mapped, nonce_of, spooled
from graven.store.closure import Closure
from graven.store.index import Index
from graven.store.session import Intent, PackWriter, Session


class Plan(NamedTuple):
    """The updates that undo the deletion of a run, and the stamp they must rise above.

    ``header`` is the run as it was before it was deleted.
    """

    run_id: str
    intents: list[Intent]
    stamp: int
    header: RunHeader


def plan_restore(catalog: Catalog, run_id: str) -> Plan:
    """What undoes a deletion; ``run_id`` may be a unique prefix (8 hex digits or more).

    Raises:
        NotFound: never there, or its objects are gone. Conflict: not deleted.
    """
    header = find_header(catalog, run_id) or _by_prefix(catalog, run_id)
    if header is None:
        raise NotFound(
            f"Run not found: {run_id}",
            kind="run-missing",
            hint="'graven log --deleted' lists the removed runs too",
            run=run_id,
        )
    run_id = header.run_id
    if not header.deleted:
        raise Conflict(f"run {run_id} is not deleted", kind="run-present", run=run_id)
    name = layout.run_ref(run_id)
    row = catalog.one(
        "SELECT target, header, note, stamp FROM past WHERE name = ? AND length(target) = 32"
        " ORDER BY stamp DESC LIMIT 1",
        (name,),
    )
    if row is None or not is_known(catalog, row[0]):
        raise _pruned(run_id)
    target, header_text, note, stamp = row
    intents = [Intent(name, ObjectId(target), _header(header_text), _note(note))]
    intents += _attachments(catalog, run_id, name, stamp)
    return Plan(run_id, intents, header.stamp, _living(header, intents[0], stamp, note))


def write_restore(index: Index, session: Session, plan: Plan) -> list[str]:
    """Carry a plan out. What stands in condemned packs alone is written again with it.

    Returns:
        Names of attachments that stay away, since a part of them is not in this store.

    Raises:
        NotFound: a part of the run is gone. BackendUnavailable: not restored.
    """
    since = session.decision()
    rescue = Rescue(index, session, session.writer())
    rescue.writer.rely(since)
    intents = []
    left = []
    for intent in plan.intents:
        try:
            note = rescue.add(intent.target, intent.note)
        except (Corrupt, FormatTooNew, NotFound) as error:
            if intent is not plan.intents[0]:
                left.append(intent.name.removeprefix(layout.attachment_ref(plan.run_id, "")))
                continue
            if isinstance(error, NotFound):
                raise _pruned(plan.run_id) from error
            raise
        intents.append(intent._replace(note=note))
    rescue.writer.extend(intents)
    rescue.writer.finish()
    return left


class Rescue:
    """Copies what stands in condemned places alone into a transaction, with all it names."""

    def __init__(self, index: Index, session: Session, writer: PackWriter) -> None:
        self.writer = writer
        self._session = session
        self._closure = Closure(index, index, session.sound)
        self._files: dict[ObjectId, str] = {}

    def add(
        self, object_id: ObjectId | None, note: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """See to an object; returns the note of its ref, which names the file of a loose one.

        Raises:
            NotFound, Corrupt, FormatTooNew: a part of it cannot be read anywhere.
        """
        if object_id is None:
            return note
        (need,) = self._closure.needs([object_id])
        if isinstance(need, GravenError):
            raise need
        for item in need:
            if isinstance(item, LooseItem):
                with (
                    spooled(item.backend, item.key, item.id, item.size) as file,
                    mapped(file) as body,
                ):
                    self._files[item.id] = nonce_of(self._session.put_loose(item.id, body))
            else:
                self.writer.add(item)
        moved = self._files.get(object_id)
        return note if moved is None or note is None else {**note, NOTE: moved}


def secure(index: Index, session: Session, run_id: str, object_id: ObjectId) -> Callable[[], None]:
    """See to it that a ref may name an object of a run: it is there with all that it names.

    Returns:
        What to call right before the ref is written: it raises if too much time has passed.

    Raises:
        NotFound: a part of it is gone.
    """
    since = session.decision()
    header = index.look(lambda catalog: find_header(catalog, run_id))
    visible = header is not None and header.object_id == object_id.hex()
    if session.condemned or not visible:
        rescue = Rescue(index, session, session.writer())
        rescue.add(object_id)
        rescue.writer.finish()
    return lambda: session.check_age(since)


def _pruned(run_id: str) -> NotFound:
    return NotFound(
        f"run {run_id} was deleted and its objects are gone", kind="run-pruned", run=run_id
    )


def _living(deleted: RunHeader, saved: Intent, stamp: int, note: str | None) -> RunHeader:
    target, facts = saved.target, saved.header
    living = deleted._replace(
        object_id=target.hex() if target else "", deleted=False, stamp=stamp, note=note
    )
    if facts is None:  # of a pack whose updates were lost
        return living
    return living._replace(
        timestamp=clock.micros_to_datetime(facts.timestamp),
        branch=facts.branch,
        commit=grow_commit(facts.commit),
        experiment=facts.experiment,
        status=facts.status,
        origin=facts.origin,
        points=facts.points,
        group=facts.group,
    )


def _by_prefix(catalog: Catalog, prefix: str) -> RunHeader | None:
    if len(prefix) < MIN_PREFIX_HEX or not is_hex(prefix):
        return None
    found = [
        *find_run_ids(catalog, prefix, deleted=True),
        *find_run_ids(catalog, prefix),  # it says that it is not deleted
    ]
    if len(found) > 1:
        raise NotFound(
            f"prefix {prefix!r} fits several: {', '.join(found)}",
            kind="prefix-ambiguous",
            hint="give more digits",
            run=prefix,
        )
    return find_header(catalog, found[0]) if found else None


def _attachments(catalog: Catalog, run_id: str, run_name: str, saved: int) -> list[Intent]:
    # An attachment that an earlier deletion had taken stays dead: it lies at or below
    # the last tombstone before the value that comes back was `saved`. Tombstones after
    # that (several, if two deleted the run at once) are what is being undone.
    (earlier,) = catalog.one(
        "SELECT coalesce(max(stamp), 0) FROM past"
        " WHERE name = ? AND length(target) = 0 AND stamp < ?",
        (run_name, saved),
    ) or (0,)
    rows = catalog.rows(
        "SELECT name, target, note FROM ref WHERE run_id = ? AND target IS NOT NULL"
        # What was written last is so again: of tensors that matters (tensor_listing).
        " AND stamp > ? ORDER BY stamp, name",
        (run_id, earlier),
    )
    return [Intent(name, ObjectId(target), None, _note(note)) for name, target, note in rows]


def _header(text: str | None) -> Header | None:
    if text is None:
        return None
    ts, branch, commit, *rest = json.loads(text)
    return Header(ts, branch, shrink_commit(commit), *rest)


def _note(text: str | None) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found
