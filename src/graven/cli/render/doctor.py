"""What the doctor found: the way to the place, each question with its answer, what follows."""

from __future__ import annotations

from graven.backends.findings import Outcome
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.porcelain.doctor import Diagnosis

_MARKS: dict[Outcome, tuple[str, str, str]] = {  # in Unicode, in ASCII, style
    Outcome.OK: ("✓", "+", "good"),
    Outcome.CANNOT: ("–", "-", "dim"),
    Outcome.WRONG: ("✗", "x", "bad"),
    Outcome.NOTED: ("!", "!", "warn"),
}


def show_diagnosis(out: Output, found: Diagnosis) -> None:
    """All of it; under a pipe one line each, the kind of line first."""
    out.table(_place(found))
    findings = Table("", "", "*", header=False)
    for finding in found.findings:
        if out.human:
            name = finding.name.replace("-", " ")
            findings.add(_mark(out, finding.outcome), name, finding.words)
        else:
            findings.add(str(finding.outcome), finding.name, finding.words)
    _block(out, "", findings)
    _sentences(out, "What follows", "follows", found.follows)
    _sentences(out, "What it may cost", "costs", found.costs)
    if found.policy is not None:
        _policy(out, found)


def _place(found: Diagnosis) -> Table:
    table = Table("", "*", header=False)
    about = found.about
    answer: Span = ("yes", "good")
    if found.trouble is not None:
        hint = f" ({found.trouble.hint})" if found.trouble.hint else ""
        answer = (f"no: {found.trouble.message}{hint}", "bad")
    rows: list[tuple[str, Span]] = [
        ("place", (found.url, "strong")),
        ("service", (about.service, "")),
        ("library", (about.library, "")),
        ("endpoint", (about.endpoint, "")),
        ("region", (about.region, "")),
        ("credentials", (about.credentials, "")),
        ("reached", answer),
    ]
    if found.reached:
        rows.append(("store", (found.store_id or "none yet", "id" if found.store_id else "dim")))
    for title, span in rows:
        if span[0]:
            table.add((title, "dim"), span)
    return table


def _mark(out: Output, outcome: Outcome) -> Span:
    unicode, ascii_, style = _MARKS[outcome]
    return (unicode if out.unicode else ascii_, style)


def _block(out: Output, title: str, table: Table) -> None:
    if not table.rows:
        return
    if out.human:
        out.line("")
        if title:
            out.line((title, "strong"))
    out.table(table)


def _sentences(out: Output, title: str, word: str, sentences: list[str]) -> None:
    table = Table("*", header=False) if out.human else Table("", "", header=False)
    for sentence in sentences:
        if out.human:
            own = sentence.startswith("graven")  # a name keeps its letters
            table.add((sentence if own else sentence[:1].upper() + sentence[1:]) + ".")
        else:
            table.add(word, sentence)
    _block(out, title, table)


def _policy(out: Output, found: Diagnosis) -> None:
    if found.policy is None:
        return
    lines = found.policy.text.splitlines()
    if not out.human:
        for line in lines:
            out.fields("policy", line)
        return
    out.line("")
    out.line(("The smallest access that suffices", "strong"), (f": {found.policy.title}", "dim"))
    for line in lines:
        out.verbatim(line)
