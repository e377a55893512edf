"""``graven report``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from graven.cli.command import complete_revision, graven_command, not_empty, where_option
from graven.cli.render.text import plural
from graven.cli.session import Session, is_terminal
from graven.errors import InvalidInput

if TYPE_CHECKING:
    from graven.porcelain.report_groups import GroupRequest
    from graven.report.group_model import GroupComparison

_FORMS = ("html", "md", "csv", "json", "xlsx")


@graven_command(
    "report",
    examples=(
        "graven report -o report.html",
        "graven report -o report.html --open",
        "graven report -o runs.xlsx -w 'branch = main and since 30d' --metric 'time*'",
        "graven report --compare tag.hardware --model bert",
        "graven report --compare branch --by param.batch --over all --format md",
    ),
)
@click.option("-o", "--output", metavar="FILE", callback=not_empty, type=click.Path(),
              help="Write there; - or nothing is standard output.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(_FORMS),
              help="Form of the report; else by FILE's ending, else md.")  # fmt: skip
@where_option
@click.option("-b", "--branch", metavar="NAME", help="Only runs of this branch.")
@click.option("--metric", default="*", metavar="NAME", help="Only such metrics (* ? [] fit more).")
@click.option("--point", default="*", metavar="NAME", help="Only such points.")
@click.option("--scenario", default="*", metavar="NAME", help="Only points of such scenarios.")
@click.option("--baseline", default="main", metavar="NAME",
              help="What the newest run is compared with (main), as 'check' takes it.")  # fmt: skip
@click.option("--run", metavar="REV", shell_complete=complete_revision,
              help="Compare this run, not the newest.")  # fmt: skip
@click.option("--title", default="", metavar="TEXT", help="Title, not the name of the store.")
@click.option("--open", "opened", is_flag=True, help="Then show the page in the browser.")
@click.option("-n", "--runs", "max_runs", type=click.IntRange(min=1), metavar="N",
              help="The newest N runs (10000).")  # fmt: skip
@click.option("--max-series", type=click.IntRange(min=1), default=1000, metavar="N",
              help="At most N series, those with a verdict first (1000).")  # fmt: skip
@click.option("--compare", "field", metavar="FIELD",
              help="Groups side by side instead: tag.K, param.K, branch, commit, ...")  # fmt: skip
@click.option("--by", metavar="FIELD", help="With --compare: a row for each of this.")
@click.option("--model", metavar="NAME", help="With --compare: only what is of this model.")
@click.option("--over", type=click.Choice(("newest", "all")), default="newest",
              help="With --compare: each series' newest number, or the median of all.")  # fmt: skip
@click.option("--max-groups", type=click.IntRange(min=1), default=50, metavar="N",
              help="With --compare: at most N groups (50).")  # fmt: skip
def command(
    session: Session, output: str | None, form: str | None, opened: bool, **asked: Any
) -> None:
    """Write a report of the store: what changed, all values, steps, environments.

    As html it is one page that asks no other host for anything; md is an overview, csv has a
    row for each value, json all there is, xlsx a workbook. A file is replaced in one step.

    With --compare the groups of FIELD stand side by side: for each metric a table with a row
    for each series (or for each --by), where a number that is not measured says so, and what
    nobody measured is empty. FIELD is tag.K, param.K, branch, commit, experiment or machine.
    Without -o and --format it is a table for people; under a pipe a line for each number.

    --model NAME means the tag 'model' of a point, and for points without one the parameter
    'model' of their run. docs/report.md shows all forms.
    """
    target = None if output in (None, "-") else output
    if asked["field"] is None:
        for name in ("by", "model"):
            if asked[name] is not None:
                raise InvalidInput(f"--{name} goes with --compare", kind="usage")
        form = _form(session, target, form, "md")
        if opened and (target is None or form != "html"):
            raise InvalidInput(
                "--open goes with a page", kind="usage", hint="-o report.html --open"
            )
        _report(session, target, form, asked)
        if opened and target is not None:
            _open(session, target)
    else:
        if opened:
            raise InvalidInput("--compare and --open do not go together", kind="usage",
                               hint="groups are not compared as a page")  # fmt: skip
        if asked["max_runs"] is not None:
            raise InvalidInput("--compare and -n do not go together", kind="usage",
                               hint="--where 'since 30d' chooses runs")  # fmt: skip
        _groups(session, target, _form(session, target, form, "table"), asked)


def _form(session: Session, target: str | None, form: str | None, usual: str) -> str:
    from graven.porcelain.report_files import NOT_FOR_TERMINALS, form_of

    if target is not None:
        return form or form_of(target)
    if session.json and form not in (None, "json"):
        raise InvalidInput(
            f"--json and --format {form} exclude each other on standard output",
            kind="usage",
            hint="-o FILE writes the report, and --json says what was written",
        )
    if form in NOT_FOR_TERMINALS and is_terminal(session.stdout):
        raise InvalidInput(
            f"a report in {form} is not for a terminal", kind="usage",
            hint=f"-o report.{form} writes a file",
        )  # fmt: skip
    return "json" if session.json else form or usual


def _report(session: Session, target: str | None, form: str, asked: dict[str, Any]) -> None:
    from graven.porcelain.report import MAX_RUNS, ReportRequest, gather_report
    from graven.porcelain.report_files import write_report

    store = session.open_store()
    names = ("metric", "point", "scenario", "baseline", "run", "title", "max_series", "branch")
    request = ReportRequest(
        where=asked["where"] or "",
        max_runs=asked["max_runs"] or MAX_RUNS,
        **{name: asked[name] for name in names},
    )
    report = gather_report(store, request)
    facts = {"runs": len(report.runs), "series": len(report.series)}
    left_out = report.left_out()
    if form == "xlsx":
        from graven.report.workbook import left_out as without_room

        left_out += without_room(report)
    said = f"{plural(facts['runs'], 'run')}, {plural(facts['series'], 'series', 'series')}"
    if not report.runs:
        session.out.note(store.explain_empty(request.where) or "no run fits")
    elif not report.series:
        session.out.note("no series of these runs fits; 'graven trend' alone lists the series")
    _write(session, target, form, lambda file: write_report(report, form, file),
           said=said, facts=facts, left_out=left_out)  # fmt: skip


def _groups(session: Session, target: str | None, form: str, asked: dict[str, Any]) -> None:
    from graven.porcelain.report_files import write_groups
    from graven.porcelain.report_groups import compare_groups

    if asked["branch"] is not None:
        raise InvalidInput("--compare and --branch do not go together", kind="usage",
                           hint="--where 'branch = NAME' chooses runs")  # fmt: skip
    found = compare_groups(session.open_store(), _group_request(asked))
    if form == "table":
        from graven.cli.render.report import show_groups

        show_groups(session.out, found)
        return
    _write(session, target, form, lambda file: write_groups(found, form, file),
           said=plural(len(found.groups), "group"), facts=_group_facts(found),
           left_out=list(found.left_out))  # fmt: skip


def _group_request(asked: dict[str, Any]) -> GroupRequest:
    from graven.porcelain.report_groups import GroupRequest

    names = ("field", "by", "model", "metric", "point", "scenario", "over", "max_groups")
    return GroupRequest(
        where=asked["where"] or "",
        max_rows=asked["max_series"],
        **{name: asked[name] for name in names},
    )


def _group_facts(found: GroupComparison) -> dict[str, int]:
    return {"runs": found.runs, "groups": len(found.groups), "metrics": len(found.matrices)}


def _write(
    session: Session,
    target: str | None,
    form: str,
    write: Callable[[BinaryIO], None],
    *,
    said: str,
    facts: dict[str, int],
    left_out: list[str],
) -> None:
    """To the file or standard output; then what it is, and what is not in it."""
    from graven.cli.render.units import size
    from graven.porcelain.report_files import write_file

    if target is None:
        session.stdout.flush()
        write(_bytes_of(session))
    else:
        count = write_file(target, write)
        if session.json:
            session.out.document("report-written", {
                "path": target, "format": form, "bytes": count, **facts, "left_out": left_out,
            })  # fmt: skip
        session.out.note(f"{target}: {said}, {size(count)}")
    if left_out:
        session.out.note(f"left out: {'; '.join(left_out)}")


def _open(session: Session, path: str) -> None:
    """Show a page in the browser that the person has chosen; BROWSER names another."""
    import webbrowser
    from pathlib import Path

    if not webbrowser.open(Path(path).resolve().as_uri()):
        session.out.note(f"no browser opens {path}; the environment variable BROWSER may name one")


class _Text:
    """A stream of text that bytes are written to."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        self._stream.write(data.decode("utf-8", "backslashreplace"))


def _bytes_of(session: Session) -> Any:
    return getattr(session.stdout, "buffer", None) or _Text(session.stdout)
