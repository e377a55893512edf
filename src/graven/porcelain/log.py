"""List runs. Light on imports: ``graven log`` is called all day long."""

from graven.errors import Corrupt, InvalidInput

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any

    from graven.catalog.questions import Header
    from graven.store import Store


class LogEntry:
    """One run as the log shows it: its header, and the refs that point to it.

    A plain class, since the machinery of dataclasses takes longer to import than the
    catalog takes to answer.
    """

    __slots__ = ("header", "refs")

    def __init__(self, header: "Any", refs: "tuple[str, ...]") -> None:
        self.header = header
        self.refs = refs

    def to_dict(self) -> "dict[str, Any]":
        """JSON-ready."""
        header = self.header
        return {
            "id": header.run_id,
            "object": header.object_id or None,
            "timestamp": header.timestamp.isoformat(),
            "branch": header.branch,
            "commit": header.commit,
            "experiment": header.experiment,
            "group": header.group,
            "status": header.status,
            "origin": str(header.origin),
            "points": header.points,
            "deleted": bool(header.deleted),
            "refs": list(self.refs),
        }


class Log:
    """What `log` answers.

    ``entries``, newest first, are read from the store while they are taken, so that a
    long history needs no memory; ``damaged`` names the refs that could not be read and
    is whole once the first entry has come.
    """

    __slots__ = ("damaged", "entries")

    def __init__(self, entries: "Iterator[LogEntry]", damaged: "list[str]") -> None:
        self.entries = entries
        self.damaged = damaged


def log(
    store: "Store",
    *,
    branch: "str | None" = None,
    commit: "str | None" = None,
    experiment: "str | None" = None,
    status: "str | None" = None,
    origin: "str | None" = None,
    since: "datetime | None" = None,
    until: "datetime | None" = None,
    limit: "int | None" = None,
    deleted: bool = False,
    where: "str | None" = None,
) -> Log:
    """Runs, newest first, with the baselines and tags that point to each.

    Args:
        store: where to look; only its catalog and its guarded refs are read.
        branch, experiment, status, origin: only runs that have exactly this.
        commit: only runs whose commit is this or begins with it.
        since, until: bounds of the run's time, aware; the second is not included.
        limit: at most so many; None for all.
        deleted: list removed runs too.
        where: only runs that fit this query (docs/query.md).

    Raises:
        InvalidInput: the query cannot be read, or names what no run has; or it is asked of
            removed runs, of which little is known.
    """
    if where is not None:
        if deleted:
            raise InvalidInput(
                "removed runs are found by their labels alone",
                kind="bad-query",
                hint="leave out --where, or --deleted",
                field="where",
            )
        from graven.query import narrow

        query = narrow(
            where, branch=branch, commit=commit, experiment=experiment, status=status,
            origin=origin, since=since, until=until,
        )  # fmt: skip
        damaged_refs: list[str] = []
        chosen = store.iter_select(query, limit=limit)
        return Log(_entries(store, chosen, damaged_refs), damaged_refs)
    headers = store.iter_headers(
        branch=branch,
        commit=commit,
        experiment=experiment,
        status=status,
        origin=origin,
        since=since,
        until=until,
        limit=limit,
        include_deleted=deleted,
    )
    damaged: list[str] = []
    return Log(_entries(store, headers, damaged), damaged)


def _entries(
    store: "Store", headers: "Iterator[Header]", damaged: "list[str]"
) -> "Iterator[LogEntry]":
    refs: dict[str, list[str]] | None = None
    for header in headers:
        if refs is None:  # an empty answer reads none
            refs, unreadable = refs_by_run(store)
            damaged += unreadable
        yield LogEntry(header, tuple(refs.get(header.run_id, ())))


def refs_by_run(store: "Store") -> "tuple[dict[str, list[str]], list[str]]":
    """Run id -> ``baselines/<name>`` and ``tags/<name>`` that point to it; and damaged refs."""
    found: dict[str, list[str]] = {}
    damaged = []
    for space, refs in (("baselines", store.baselines), ("tags", store.tags)):
        for name, entry in refs.entries().items():
            if isinstance(entry, Corrupt):  # one damaged file must not hide the runs
                damaged.append(f"{space}/{name}")
            elif entry.run is not None:
                found.setdefault(entry.run, []).append(f"{space}/{name}")
    return found, damaged
