"""What went from one store to another, and what could not."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graven import clock
from graven.cli.render.blocks import Span, Table
from graven.cli.render.pointers import show_age
from graven.cli.render.text import plural, short_id
from graven.cli.render.units import size
from graven.cli.session import Session
from graven.errors import BackendUnavailable, Conflict, Corrupt

if TYPE_CHECKING:
    from graven.formats.guarded import RefValue
    from graven.sync.difference import Selection
    from graven.sync.guarded import GuardedConflict
    from graven.sync.transfer import SyncReport

MAX_FAILED = 10  # named for people; one lost pack may hurt thousands
MAX_MOVED = 3  # baselines and tags named


def describe(selection: Selection) -> str:
    """A selection in words: ``only branch main, since 2026-01-02, no artifacts``."""
    words = []
    if selection.branch is not None:
        words.append(f"branch {selection.branch}")
    if selection.since is not None:
        words.append(f"since {clock.micros_to_datetime(selection.since):%Y-%m-%d %H:%M}")
    if not selection.attachments:
        words.append("no artifacts")
    return f"only {', '.join(words)}" if words else ""


def summary(report: SyncReport) -> str:
    """``3 runs, 1 deletion, baselines/main; 12.3 KiB in 1 pack``, or ``nothing new``."""
    counts = [
        (len(report.runs), "run", ""),
        (len(report.deleted), "deletion", ""),
        (report.attachments, "artifact", ""),
        (report.manifests, "experiment manifest", ""),
    ]
    words = [plural(count, one, many) for count, one, many in counts if count]
    if len(report.moved) > MAX_MOVED:
        words.append(plural(len(report.moved), "baseline or tag", "baselines and tags"))
    else:
        words += report.moved
    if not words and not report.packs:
        return "nothing new"
    carried = f"{size(report.bytes)} in {plural(report.packs, 'pack')}" if report.packs else ""
    return "; ".join(filter(None, (", ".join(words), carried)))


def exit_code(*reports: SyncReport) -> int:
    """0; what could not be read goes before what both sides have moved."""
    failed = [error for report in reports for error in report.failed.values()]
    if failed:
        gone = all(isinstance(error, BackendUnavailable) for error in failed)
        return BackendUnavailable.exit_code if gone else Corrupt.exit_code
    return Conflict.exit_code if any(report.conflicts for report in reports) else 0


def show_troubles(session: Session, report: SyncReport, *, url: str, remote: str = "") -> None:
    """What did not go: conflicts, what could not be read, what the place cannot do.

    Args:
        session: where to.
        report: its conflicts have this side as ``ours``.
        url: of the other side.
        remote: what it is called here.
    """
    out = session.out
    for conflict in report.conflicts:
        _show_conflict(session, conflict)
        known = remote or url
        out.error(
            f"{conflict.space}/{conflict.name} has moved here and at {known}",
            _way_out(conflict, known, url),
        )
    for name, error in list(report.failed.items())[:MAX_FAILED]:
        out.error(f"{name}: {error.message}", error.hint)
    more = len(report.failed) - MAX_FAILED
    if more > 0:
        out.note(f"{plural(more, 'more fault')}; --json names all")
    if report.refused is not None:
        out.warn(f"baselines and tags were not sent: {report.refused}")


def _show_conflict(session: Session, conflict: GuardedConflict) -> None:
    out = session.out
    name = f"{conflict.space}/{conflict.name}"
    if out.human:
        table = Table("here", "*there")
        for number in range(max(len(conflict.ours), len(conflict.theirs))):
            table.add(_cell(conflict.ours, number), _cell(conflict.theirs, number))
        since = "" if conflict.common is None else ", since both had it at:"
        out.line((name, "ref"), f" has moved on both sides{since}")
        if conflict.common is not None:
            out.line("  ", *_spans(conflict.common))
        out.table(table)
    else:
        common = () if conflict.common is None else (conflict.common,)
        for side, values in (("here", conflict.ours), ("there", conflict.theirs), ("both", common)):
            for value in values:
                out.fields("conflict", name, side, value.run or "", value.at, value.by,
                           value.message)  # fmt: skip


def _cell(values: Sequence[RefValue], number: int) -> list[Span]:
    return _spans(values[number]) if number < len(values) else []


def _spans(value: RefValue) -> list[Span]:
    run = (short_id(value.run), "id") if value.run else ("removed", "dim")
    about = [value.by and f"by {value.by}", show_age(value.at), value.message]
    return [run, ("  " + ", ".join(filter(None, about)), "dim")]


def _way_out(conflict: GuardedConflict, remote: str, url: str) -> str:
    """Two ways: what one side has is set on the other; then both have it, and go on."""
    theirs = (_call(f"pull {remote}"), _call(_setting(conflict, conflict.theirs[0].run)))
    ours = (
        _call(f"push {remote}"),
        _call(f"-C {shlex.quote(url)} {_setting(conflict, conflict.ours[0].run)}"),
    )
    return f"to take theirs: {' and '.join(theirs)}; to keep yours: {' and '.join(ours)}"


def _call(words: str) -> str:
    return f"'graven {words}'"


def _setting(conflict: GuardedConflict, run: str | None) -> str:
    command = "tag" if conflict.space == "tags" else "baseline"
    name = shlex.quote(conflict.name)
    if run is None:
        return f"{command} rm {name}"
    force = " --force" if conflict.space == "tags" else ""
    return f"{command} set {name} {shlex.quote(run)}{force}"
