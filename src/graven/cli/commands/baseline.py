"""``graven baseline`` and its subcommands."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command, graven_group
from graven.cli.render.pointers import show_pointer, show_pointers
from graven.cli.session import Session


@graven_group(
    "baseline",
    examples=(
        "graven baseline",
        "graven baseline set latest -m 'release 1.2'",
        "graven baseline history main",
    ),
    exits=(4, 6),
)
def command(ctx: click.Context) -> None:
    """List baselines, or set, show and remove them.

    A baseline is a name for a run that others are judged by; 'main' where none is said.
    It keeps the run as it was when the name was set, and its history.
    """
    if ctx.invoked_subcommand is None:
        from graven.porcelain.baseline import list_baselines

        session: Session = ctx.find_root().obj
        show_pointers(session, "baseline", list_baselines(session.open_store()))


@graven_command(
    "set",
    within="baseline",
    examples=("graven baseline set latest", "graven baseline set nightly latest@main"),
    exits=(4, 6),
)
@click.argument("words", nargs=-1, metavar="[NAME] REV", shell_complete=complete_revision)
@click.option("-m", "--message", default="", help="Why; kept in the history.")
def _set(session: Session, words: tuple[str, ...], message: str) -> None:
    """Make the run of REV the baseline NAME (main)."""
    from graven.porcelain.baseline import DEFAULT_NAME, set_baseline

    if len(words) not in (1, 2):
        raise click.UsageError("expected [NAME] REV", click.get_current_context())
    name, rev = words if len(words) == 2 else (DEFAULT_NAME, words[0])
    pointer = set_baseline(session.open_store(), rev, name, message=message)
    show_pointer(session, "baseline", pointer)


@graven_command(
    "show", within="baseline", examples=("graven baseline show", "graven baseline show nightly")
)
@click.argument("name", default="main")
def _show(session: Session, name: str) -> None:
    """Show what the baseline NAME (main) stands for."""
    from graven.porcelain.baseline import get_baseline

    show_pointer(session, "baseline", get_baseline(session.open_store(), name))


@graven_command(
    "history",
    within="baseline",
    examples=("graven baseline history", "graven baseline history nightly"),
)
@click.argument("name", default="main")
def _history(session: Session, name: str) -> None:
    """List the values NAME (main) has had, newest first."""
    from graven.porcelain.baseline import baseline_history

    show_pointers(session, "baseline", baseline_history(session.open_store(), name), history=True)


@graven_command("rm", within="baseline", examples=("graven baseline rm nightly",), exits=(4, 6))
@click.argument("name")
def _rm(session: Session, name: str) -> None:
    """Unset the baseline NAME.

    Its history stays, and so does the run.
    """
    from graven.porcelain.baseline import remove_baseline

    show_pointer(session, "baseline", remove_baseline(session.open_store(), name))


for _command in (_set, _show, _history, _rm):
    command.add_command(_command)
