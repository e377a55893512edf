"""``graven log``: the click side; `graven.cli.log` does the work."""

from __future__ import annotations

from typing import Any

from graven.cli.command import click_option, graven_command
from graven.cli.log import run_log
from graven.cli.options import LOG_OPTIONS
from graven.cli.session import Session


@graven_command("log", examples=("graven log -n 5", "graven log --branch main --since 7d --json"))
def command(session: Session, **asked: Any) -> None:
    """List runs, newest first.

    For people: run, age, branch, commit, points, then the baselines and tags that point
    to the run and whatever is not as usual. Under a pipe: tab-separated run id, time,
    branch, commit, points, experiment, status, origin and refs, all in full.
    """
    run_log(session, {name: value for name, value in asked.items() if value is not False})


command.params[:0] = [click_option(row) for row in LOG_OPTIONS]
