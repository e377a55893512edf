"""``graven tag`` and its subcommands."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command, graven_group
from graven.cli.render.pointers import show_pointer, show_pointers
from graven.cli.session import Session


@graven_group(
    "tag",
    examples=("graven tag", "graven tag set v1.0 latest -m 'as released'", "graven tag rm v1.0"),
    exits=(4, 6),
)
def command(ctx: click.Context) -> None:
    """List tags, or make, show and remove them.

    A tag is a name for a run that is meant to stay: making one that exists needs --force.
    """
    if ctx.invoked_subcommand is None:
        from graven.porcelain.tag import list_tags

        session: Session = ctx.find_root().obj
        show_pointers(session, "tag", list_tags(session.open_store()))


@graven_command("set", within="tag", examples=("graven tag set v1.0 latest",), exits=(4, 6))
@click.argument("name")
@click.argument("rev", default="latest", shell_complete=complete_revision)
@click.option("-m", "--message", default="", help="Why; kept in the history.")
@click.option("-f", "--force", is_flag=True, help="Move a tag that is set already.")
def _set(session: Session, name: str, rev: str, message: str, force: bool) -> None:
    """Tag the run of REV (latest) as NAME."""
    from graven.porcelain.tag import set_tag

    pointer = set_tag(session.open_store(), rev, name, message=message, force=force)
    show_pointer(session, "tag", pointer)


@graven_command("show", within="tag", examples=("graven tag show v1.0",))
@click.argument("name")
def _show(session: Session, name: str) -> None:
    """Show what the tag NAME stands for."""
    from graven.porcelain.tag import get_tag

    show_pointer(session, "tag", get_tag(session.open_store(), name))


@graven_command("history", within="tag", examples=("graven tag history v1.0",))
@click.argument("name")
def _history(session: Session, name: str) -> None:
    """List the values NAME has had, newest first."""
    from graven.porcelain.tag import tag_history

    show_pointers(session, "tag", tag_history(session.open_store(), name), history=True)


@graven_command("rm", within="tag", examples=("graven tag rm v1.0",), exits=(4, 6))
@click.argument("name")
def _rm(session: Session, name: str) -> None:
    """Unset the tag NAME.

    Its history stays, and so does the run.
    """
    from graven.porcelain.tag import remove_tag

    show_pointer(session, "tag", remove_tag(session.open_store(), name))


for _command in (_set, _show, _history, _rm):
    command.add_command(_command)
