"""``graven rev-parse``."""

from __future__ import annotations

import click

from graven.cli.command import complete_revision, graven_command
from graven.cli.session import Session


@graven_command("rev-parse", examples=("graven rev-parse latest baselines/main~1",))
@click.argument("revs", nargs=-1, required=True, shell_complete=complete_revision)
@click.option("--object", "objects", is_flag=True, help="Print object ids only.")
@click.option("--run", "runs", is_flag=True, help="Print run ids only.")
def command(session: Session, revs: tuple[str, ...], objects: bool, runs: bool) -> None:
    """Resolve REVS: run id, object id, and how it was found, tab-separated, one a line."""
    store, out = session.open_store(), session.out
    for rev in revs:
        found = store.resolve(rev)
        if out.json:
            record = {"rev": rev, "run": found.run_id, "object": found.object_id}
            out.record("rev-parse", {**record, "kind": found.kind})
        elif objects or runs:
            out.line(found.object_id if objects else found.run_id)
        else:
            out.fields(found.run_id, found.object_id, found.kind)
