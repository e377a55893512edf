"""``graven bundle`` and its subcommands."""

from __future__ import annotations

from typing import Any

import click

from graven.cli.command import graven_command, graven_group, not_empty
from graven.cli.exits import NO, OK
from graven.cli.session import Session


@graven_group(
    "bundle",
    examples=(
        "graven bundle create nightly.zip",
        "graven bundle list nightly.zip",
        "graven -C nightly.zip log",
        "graven pull nightly.zip",
    ),
    exits=(1, 4, 6),
)
def command(ctx: click.Context) -> None:
    """Make, check and list archives.

    An archive is a store in one zip file, to be sent and kept as a file. Every command
    reads it in place with -C, and 'graven pull' takes it in; it is never written to.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), file=ctx.find_root().obj.stdout)


@graven_command(
    "create",
    within="bundle",
    examples=(
        "graven bundle create nightly.zip",
        "graven bundle create last-week.zip --since 7d --no-artifacts",
    ),
    exits=(4, 6),
)
@click.argument("file", callback=not_empty, type=click.Path())
@click.option("--since", metavar="TIME", help="Only runs from then on (ISO time, or 36h, 7d, 2w).")
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("--no-artifacts", is_flag=True, help="Not what is kept beside the runs.")
@click.option("-f", "--force", is_flag=True, help="Replace a file that is there.")
def _create(session: Session, file: str, **asked: Any) -> int:
    """Write the store into the archive FILE.

    FILE is called something.zip. Without options all runs go in; baselines, tags, deletions
    and the settings always do. The file appears when it is whole. What cannot be read is
    left out and named, and the exit code is 5.
    """
    from graven.cli.render.progress import transfer_progress
    from graven.cli.render.sync import exit_code, show_troubles
    from graven.cli.render.text import plural
    from graven.cli.render.units import size
    from graven.cli.times import parse_moment
    from graven.porcelain.bundle import create_bundle
    from graven.porcelain.pull import select

    since = None if asked["since"] is None else parse_moment(asked["since"], "--since")
    selection = select(since, asked["branch"], attachments=not asked["no_artifacts"])
    store = session.open_store()
    with transfer_progress(session, "packed") as progress:
        report = create_bundle(
            store, file, selection=selection, force=asked["force"], progress=progress
        )
    out = session.out
    if out.json:
        out.document("bundle-create", report.to_dict())
    else:
        out.note(f"{file}: {plural(len(report.sent.runs), 'run')}, {size(report.size)}")
        show_troubles(session, report.sent, url=report.path)
    return exit_code(report.sent)


@graven_command(
    "verify",
    within="bundle",
    examples=("graven bundle verify nightly.zip",),
    exits=(1, 3, 5, 6),
    needs_store=False,
)
@click.argument("file", callback=not_empty, type=click.Path())
def _verify(session: Session, file: str) -> int:
    """Check every byte of the archive FILE.

    As 'graven fsck --strict' does. Exit code 1 if there is damage, 5 if the file cannot be
    opened as an archive at all.
    """
    from graven.cli.render.damage import show_damage
    from graven.cli.render.text import plural
    from graven.cli.render.units import size
    from graven.porcelain.bundle import verify_bundle

    report = verify_bundle(file)
    out = session.out
    if out.json:
        out.document("bundle-verify", report.to_dict())
        return OK if report.sound else NO
    for name, fault in report.broken.items():
        out.line(("damaged", "bad"), f" {name}: {fault}")
    if report.fsck is not None:
        show_damage(session, report.fsck.damage)
    found = "no damage" if report.sound else "damaged"
    out.note(f"{found}: {plural(report.members, 'file')}, {size(report.size)}")
    return OK if report.sound else NO


@graven_command(
    "list",
    within="bundle",
    examples=("graven bundle list nightly.zip", "graven bundle list nightly.zip --json"),
    exits=(3, 5, 6),
    needs_store=False,
)
@click.argument("file", callback=not_empty, type=click.Path())
def _list(session: Session, file: str) -> None:
    """Say what the archive FILE holds.

    That is runs, branches, baselines and tags; 'graven -C FILE log' lists the runs.
    """
    from graven.cli.render.blocks import Table
    from graven.cli.render.sync import describe
    from graven.cli.render.text import plural, short_id
    from graven.cli.render.units import size
    from graven.porcelain.bundle import list_bundle

    found, out = list_bundle(file), session.out
    if out.json:
        out.document("bundle-list", found.to_dict())
        return
    people = out.human
    table = Table("", "*", header=False)
    table.add(("archive", "dim"), found.path)
    table.add(("size", "dim"), size(found.size) if people else str(found.size))
    table.add(("store id", "dim"), found.store_id)
    table.add(("runs", "dim"), f"{found.runs:,}" if people else str(found.runs))
    if found.first is not None and found.last is not None:
        if people:
            table.add(("span", "dim"), f"{found.first:%Y-%m-%d} to {found.last:%Y-%m-%d}")
        else:
            table.add("first", found.first.isoformat())
            table.add("last", found.last.isoformat())
    for name in ("deleted", "attachments"):
        count = getattr(found, name)
        if count or not people:
            table.add((name, "dim"), f"{count:,}" if people else str(count))
    for part in found.partial:
        table.add(("a part", "dim"), describe(part))
    for branch in found.branches:
        counted = plural(branch.runs, "run") if people else str(branch.runs)
        table.add((f"branch {branch.branch}" if branch.branch else "no branch", "dim"), counted)
    for space, names in (("baselines", found.baselines), ("tags", found.tags)):
        for name, run in names.items():
            table.add((f"{space}/{name}", "ref"), (short_id(run) if people else run, "id"))
    out.table(table)


for _command in (_create, _verify, _list):
    command.add_command(_command)
