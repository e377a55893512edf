"""``graven remote`` and its subcommands."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, graven_group, not_empty, storage_options
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.sync.remotes import Remote


@graven_group(
    "remote",
    examples=(
        "graven remote",
        "graven remote add origin s3://team-bench/project",
        "graven remote remove origin",
    ),
    exits=(4,),
)
def command(ctx: click.Context) -> None:
    """List the names of other stores, or add and remove them.

    A remote is a name for a store elsewhere, for push and pull; it stands in local.json
    of this store and is not shared. 'origin' is meant where none is said.
    """
    if ctx.invoked_subcommand is None:
        _show_all(ctx.find_root().obj)


@graven_command("list", within="remote", examples=("graven remote list", "graven remote --json"))
def _list(session: Session) -> None:
    """List the names of other stores."""
    _show_all(session)


@graven_command(
    "add",
    within="remote",
    examples=(
        "graven remote add origin s3://team-bench/project",
        "graven remote add lab ../lab --force",
        "graven remote add mini s3://bench --option endpoint_url=http://localhost:9000",
    ),
    exits=(4,),
)
@click.argument("name")
@click.argument("url", callback=not_empty)
@click.option(
    "-o", "--option", multiple=True, metavar="KEY=VALUE", help="For its library; repeatable."
)
@click.option("-f", "--force", is_flag=True, help="Replace a remote of that name.")
def _add(session: Session, name: str, url: str, option: tuple[str, ...], force: bool) -> None:
    """Let NAME stand for the store at URL.

    URL is a bucket, a folder or an archive.

    An option is what the fsspec library of the URL takes (s3fs, gcsfs, adlfs), its value
    JSON where it is JSON, its key with dots for a map in a map
    (client_kwargs.region_name=eu-west-1). Secrets are refused: they come from the
    environment, from the library's own settings, or from GRAVEN_STORAGE_OPTIONS, a JSON
    object that is not kept.
    """
    from graven.porcelain.remote import add_remote

    options = storage_options(option)
    store = session.open_store()
    remote = add_remote(store, name, url, storage_options=options, force=force)
    out = session.out
    if out.json:
        out.document("remote", _record(remote))
    else:
        out.note(f"{remote.name} is {remote.url}")


@graven_command("remove", within="remote", examples=("graven remote remove origin",))
@click.argument("name")
def _remove(session: Session, name: str) -> None:
    """Forget the remote NAME.

    What came from it stays here, and what is there stays there.
    """
    from graven.porcelain.remote import remove_remote

    remote = remove_remote(session.open_store(), name)
    out = session.out
    if out.json:
        out.document("remote", _record(remote))
    else:
        out.note(f"{remote.name} was {remote.url}")


def _show_all(session: Session) -> None:
    from graven.cli.render.blocks import Table
    from graven.cli.render.sync import describe
    from graven.porcelain.remote import list_remotes

    remotes, out = list_remotes(session.open_store()), session.out
    if out.json:
        for remote in remotes:
            out.record("remote", _record(remote))
        return
    table = Table("name", "*url", "*partial", header=False)
    for remote in remotes:
        table.add((remote.name, "ref"), remote.url, (describe(remote.selection), "dim"))
    out.table(table)
    if not remotes:
        out.note("no remotes; 'graven remote add NAME URL' makes one")


def _record(remote: Remote) -> dict[str, Any]:
    return {"name": remote.name, **remote.to_dict()}


_rm = copy(_remove)  # as in 'graven baseline rm'
_rm.name, _rm.hidden = "rm", True
for _command in (_list, _add, _remove, _rm):
    command.add_command(_command)
