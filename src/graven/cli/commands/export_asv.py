"""``graven export-asv``."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command, not_empty
from graven.cli.render.text import plural, short_id
from graven.cli.session import Session

MAX_LOSSES = 20  # named on a terminal


@graven_command(
    "export-asv",
    examples=(
        "graven export-asv asv/ --repo .",
        "graven export-asv asv/ --synthetic-repo",
        "cd asv && asv publish",
    ),
    exits=(6,),
)
@click.argument("directory", type=click.Path(file_okay=False), callback=not_empty)
@click.option("--repo", type=click.Path(exists=True), help="Git repository of the commits.")
@click.option(
    "--synthetic-repo", is_flag=True, help="Make a repository that stands in for the real one."
)
@click.option("--project", default="graven", metavar="NAME", help="asv's name for the project.")
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option(
    "--asv-branch", "branches", multiple=True, metavar="NAME", help="A branch asv follows."
)
def command(session: Session, directory: str, branch: str | None, **asked: Any) -> None:
    """Write the runs as a project folder of asv (airspeed velocity).

    'asv publish', 'asv show' and 'asv compare' work in that folder. What asv cannot
    show, and which runs it will not see, is listed; with --repo that includes runs whose
    commit is on no branch that asv follows. With --synthetic-repo every run can be
    published, also one without a commit: asv then sees a repository made of the runs.

    Into a folder of an earlier export only what changed is written.
    """
    from graven.porcelain.export_asv import export_asv

    report = export_asv(
        session.open_store(),
        directory,
        repo=asked["repo"],
        project=asked["project"],
        branches=asked["branches"] or None,
        only_branch=branch,
        synthetic_repo=asked["synthetic_repo"],
    )
    out = session.out
    if out.json:
        out.document("export-asv", report.to_dict())
        return
    shown = report.lost[:MAX_LOSSES] if out.human else report.lost
    for loss in shown:
        run = short_id(loss.run_id) if out.human else loss.run_id
        out.warn(f"run {run}: {loss.what} lost: {loss.why}")
    if len(shown) < len(report.lost):
        out.warn(f"{plural(len(report.lost) - len(shown), 'more loss', 'more losses')};"
                 " under a pipe or with --json all are named")  # fmt: skip
    for note in report.notes:
        out.note(note)
    out.note(
        f"{plural(report.points_written, 'value')} of {plural(len(report.benchmarks), 'benchmark')}"
        f" at {report.directory}: {plural(len(report.files), 'file')} written,"
        f" {report.unchanged:,} unchanged"
    )
