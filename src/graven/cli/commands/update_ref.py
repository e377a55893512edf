"""``graven update-ref``."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session
from graven.errors import InvalidInput


@graven_command(
    "update-ref",
    examples=(
        "graven update-ref baselines/main latest",
        "graven update-ref baselines/main latest --expect baselines/main~0",
        "graven update-ref --delete tags/v1",
    ),
    exits=(4, 6),
)
@click.argument("ref")
@click.argument("rev", required=False, shell_complete=complete_revision)
@click.option("--expect", metavar="OBJECT", help="Object id it must stand for now.")
@click.option("-m", "--message", default="", help="Why; kept in the history.")
@click.option("--delete", is_flag=True, help="Unset the ref; its history stays.")
@click.option("-f", "--force", is_flag=True, help="Move a tag that is set already.")
def command(session: Session, ref: str, rev: str | None, delete: bool, **asked: str) -> None:
    """Let REF (baselines/NAME or tags/NAME) stand for the run of REV.

    With --expect it is a compare-and-swap: exit code 4 if REF stands for something else.
    Prints the object id and the ref.
    """
    from graven.porcelain.pointers import BASELINES, TAGS, remove_pointer, set_pointer

    space, slash, name = ref.partition("/")
    if space not in (BASELINES, TAGS) or not slash or not name:
        raise InvalidInput(
            f"ref {ref!r} cannot be set",
            kind="bad-ref-name",
            hint="write baselines/NAME or tags/NAME; runs are saved with 'graven write-run'",
            field="ref",
        )
    if delete is (rev is not None):
        raise click.UsageError("expected REV, or --delete", click.get_current_context())
    store, out = session.open_store(), session.out
    if rev is None:
        pointer = remove_pointer(store, space, name)
    else:
        pointer = set_pointer(store, space, name, rev, **asked)  # type: ignore[arg-type]  # click gives text and a flag
    if out.json:
        out.document("update-ref", pointer.to_dict())
    else:
        out.fields(pointer.object_id or "-", ref)
