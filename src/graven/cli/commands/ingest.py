"""``graven ingest``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, not_empty, pairs
from graven.cli.render.text import plural, short_commit, short_id
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.ingest import Overrides
    from graven.porcelain.ingest import IngestReport

_STYLES = {"unchanged": "dim", "queued": "warn"}
MAX_SKIPPED = 5  # named for people; a folder of sources may hold thousands


@graven_command(
    "ingest",
    examples=(
        "graven ingest results.json --branch main",
        "graven ingest results/ --tag machine=ci --direction score=higher",
    ),
    exits=(4, 6),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(), callback=not_empty)
@click.option("--format", default="auto", metavar="NAME", help="Format of the files, not detected.")
@click.option("-b", "--branch", metavar="NAME", help="The branch that was measured.")
@click.option("--commit", metavar="SHA", help="The commit that was measured.")
@click.option("--time", metavar="TIME", help="When it ran (ISO time).")
@click.option("-t", "--tag", multiple=True, metavar="K=V", help="Tag on every point; repeatable.")
@click.option("--machine", metavar="NAME", help="Name of the machine.")
@click.option("--experiment", metavar="NAME", help="Experiment the runs belong to.")
@click.option("--group", metavar="NAME", help="Name shared by the shards of one commit.")
@click.option(
    "--direction", multiple=True, metavar="METRIC=lower", help="Which way is better; repeatable."
)
@click.option("--id", "run_id", metavar="ID", help="Id of the run; for one file.")
@click.option("--replace", is_flag=True, help="Write anew what is in the store already.")
@click.option("--no-git", is_flag=True, help="Do not ask git for commit and branch.")
@click.option("--no-raw", is_flag=True, help="Do not keep the files beside their runs.")
def command(session: Session, paths: tuple[str, ...], **asked: Any) -> int:
    """Read result files and folders into the store.

    The format is told by the content (calibrax, pytest-benchmark, pyperf, hyperfine,
    Google Benchmark, asv). Where file and options are silent, git is asked for commit
    and branch of the working folder. A file whose run is in the store already is left
    alone. A bad file does not stop the others; the exit code is 2 if there was one.

    Where a remote store cannot be reached the runs are queued on this machine, and
    'graven push' sends them; that is no failure.
    """
    from graven.cli.render.progress import ingest_progress
    from graven.ingest import git_facts
    from graven.porcelain.ingest import ingest

    overrides = _overrides(asked)
    store = session.open_store()
    git = None if asked["no_git"] else git_facts(os.getcwd())
    with ingest_progress(session) as on_progress:
        report = ingest(
            store,
            paths,
            format=asked["format"],
            overrides=overrides,
            git=git,
            replace=asked["replace"],
            keep_raw=False if asked["no_raw"] else None,
            on_progress=on_progress,
        )
    _show(session, report)
    return _exit_code(report)


def _overrides(asked: dict[str, Any]) -> Overrides:
    from graven.cli.times import parse_moment
    from graven.ingest import Overrides

    time = asked["time"]
    return Overrides(
        branch=asked["branch"],
        commit=asked["commit"],
        time=None if time is None else parse_moment(time, "--time"),
        tags=pairs(asked["tag"], "tag"),
        machine=asked["machine"],
        experiment=asked["experiment"],
        group=asked["group"],
        direction=pairs(asked["direction"], "direction"),
        run_id=asked["run_id"],
    )


def _exit_code(report: IngestReport) -> int:
    """0; 2 if some file failed; the failures' own code if nothing else happened.

    Nothing found at all is a mistake too: a gate behind it would judge an older run.
    """
    codes = {failed.error.exit_code for failed in report.failed}
    if not codes:
        return 0 if report.runs else 2
    return codes.pop() if len(codes) == 1 and not report.runs else 2


def _show(session: Session, report: IngestReport) -> None:
    out = session.out
    if out.json:
        out.document("ingest", report.to_dict())
        return
    if not session.quiet:
        _show_runs(session, report)
    for failed in report.failed:
        message = failed.error.message
        named = message if failed.source in message else f"{failed.source}: {message}"
        out.error(named, failed.error.hint)
    for path, reason in report.skipped[:MAX_SKIPPED]:
        out.note(f"skipped {_shorter(path)}: {reason}")
    more = len(report.skipped) - MAX_SKIPPED
    if more > 0:
        out.note(f"skipped {plural(more, 'more file')}; --json names all")
    _summarise(session, report)
    if not report.runs and not report.failed:
        what = "no file that a format knows" if report.skipped else "no file"
        out.error(f"nothing to ingest: {what}", "'graven ingest --help' names the formats")


def _show_runs(session: Session, report: IngestReport) -> None:
    from graven.cli.render.blocks import Table

    out = session.out
    table = Table("", "run", "format", ">points", "branch", "commit", "<file", header=False)
    # Of many files of one tool each has the same: then the room is for their names.
    told = len(report.runs) == 1 or len({run.format for run in report.runs}) > 1
    for run in report.runs:
        if not out.human:
            out.fields(run.outcome, run.run_id, run.format, run.source)
            continue
        table.add(
            (run.outcome, _STYLES.get(run.outcome, "good")),
            (short_id(run.run_id), "id"),
            (run.format if told else "", "dim"),
            str(run.points),
            (run.branch or "", "dim"),
            (short_commit(run.commit), "dim"),
            _shorter(run.source),
        )
    if out.human:
        out.table(table.drop_empty())
    for run in report.runs:
        for note in run.notes:
            alone = out.human and len(report.runs) == 1  # its line stands right above
            out.note(f"  {note}" if alone else f"{_shorter(run.source)}: {note}")


def _shorter(path: str) -> str:
    """A path as it is seen from here, where that is shorter."""
    try:
        from_here = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return min(path, from_here, key=len)


def _summarise(session: Session, report: IngestReport) -> None:
    if len(report.runs) + len(report.failed) < 2:
        return
    words = ("saved", "replaced", "queued", "unchanged")
    counts = [(len(report.with_outcome(word)), word) for word in words]
    counts.append((len(report.failed), "failed"))
    counts.append((len(report.skipped), "skipped"))
    session.out.note(", ".join(f"{count:,} {word}" for count, word in counts if count))
