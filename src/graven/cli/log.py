"""``graven log``: what the command does, without click (see `graven.cli.start`)."""

from itertools import islice

from graven import clock
from graven.cli.render.blocks import Table
from graven.cli.render.text import age, short_commit, short_id
from graven.cli.times import parse_moment
from graven.porcelain.log import LogEntry, log

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from graven.cli.render.blocks import Span
    from graven.cli.session import Session
    from graven.store import Store

ALIGNED_ROWS = 500  # aligned together: a table is held in memory whole


def run_log(session: "Session", asked: "dict[str, Any]") -> None:
    """Answer ``graven log`` with the options ``asked``, by name."""
    wanted = {name: value for name, value in asked.items() if value is not None}
    for name in ("since", "until"):
        if name in wanted:
            wanted[name] = parse_moment(wanted[name], f"--{name}")
    store = session.open_store()
    answer = log(store, **wanted)
    out = session.out
    some = False
    if out.human:
        now = clock.now()
        while entries := list(islice(answer.entries, ALIGNED_ROWS)):
            out.table(_for_people(entries, now))
            some = True
    else:
        for entry in answer.entries:
            if out.json:
                out.record("log", entry.to_dict())
            else:
                out.fields(*_fields(entry))
            some = True
    for name in answer.damaged:
        out.warn(f"{name} cannot be read; see 'graven fsck'")
    if not some:
        narrowed = wanted.get("limit") == 0 or set(wanted) - {"limit"}
        out.note(
            _why_none(store, wanted) if narrowed else "no runs yet; 'graven ingest FILE' adds one"
        )


def _why_none(store: "Store", wanted: "dict[str, Any]") -> str:
    from graven.porcelain.hints import unknown_label

    where = wanted.get("where")
    why = unknown_label(store, wanted) or (store.explain_empty(where) if where else None)
    return why or "no run fits"


def _for_people(entries: list[LogEntry], now: "datetime") -> Table:
    table = Table("run", "when", "branch", "commit", ">points", "*")
    for entry in entries:
        header = entry.header
        table.add(
            (short_id(header.run_id), "dim" if header.deleted else "id"),
            age(header.timestamp, now),
            header.branch or "",
            (short_commit(header.commit), "dim"),
            str(header.points),
            _remarks(entry),
        )
    return table


def _fields(entry: LogEntry) -> list[str]:
    header = entry.header
    return [
        header.run_id,
        header.timestamp.isoformat(),
        header.branch or "",
        header.commit or "",
        str(header.points),
        header.experiment or "",
        "deleted" if header.deleted else header.status,
        str(header.origin),
        ",".join(entry.refs),
    ]


def _remarks(entry: LogEntry) -> "list[Span]":
    """Refs, and whatever is not as usual; numbers nobody measured always say so."""
    header = entry.header
    spans: list[Span] = [(name, "ref") for name in entry.refs]
    if header.deleted:
        spans.append(("removed", "dim"))
    if str(header.origin) != "measured":
        spans.append((str(header.origin), "warn"))
    if header.status != "ok":
        spans.append((header.status, "bad" if header.status == "failed" else "warn"))
    if header.experiment:
        spans.append((header.experiment, "strong"))
    if header.group:
        spans.append((f"group {header.group}", "dim"))
    spaced: list[Span] = []
    for span in spans:
        spaced += [(" ", ""), span] if spaced else [span]
    return spaced
