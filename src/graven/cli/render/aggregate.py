"""Sums of comparisons and of runs as tables."""

from __future__ import annotations

from collections.abc import Mapping

from graven.analysis.aggregate import BUCKETS, Share
from graven.cli.output import Output
from graven.cli.render.blocks import Span, Table
from graven.cli.render.text import plural, short_id
from graven.cli.render.units import format_number, scale_for
from graven.porcelain.aggregate import Compared, Grouped

_SURE = 0.0005  # what is shown as 1.000 is neither better nor worse


def show_compared(out: Output, answer: Compared) -> None:
    """The whole, then its groups."""
    for text in answer.warnings:
        out.warn(text)
    if not out.human:
        out.table(_shares_for_pipes(answer))
        return
    whole, *groups = answer.shares
    out.line(
        ("current ", "dim"), (short_id(answer.current.id), "id"),
        (" against ", "dim"), (short_id(answer.baseline.id), "id"),
        (f", {plural(whole.rows, 'row')}", "dim"),
    )  # fmt: skip
    out.table(_shares(answer, [whole, *groups]))
    out.line("")
    out.line(f"verdicts  {_counts(whole.verdicts) or 'none'}")
    for word, counts, style in (("better", whole.better, "good"), ("worse", whole.worse, "bad")):
        if any(counts):
            out.line((f"{word:<8}", style), f"  {_sizes(counts)}")
    if whole.excluded:
        out.line((f"without a ratio: {_counts(whole.excluded)}", "warn"))


def _shares(answer: Compared, shares: list[Share]) -> Table:
    table = Table(f"*{answer.by or ''}", ">rows", ">ratio", ">gain", ">rated", "*excluded")
    for share in shares:
        table.add(
            ("all", "strong") if share is shares[0] else share.group,
            f"{share.rows:,}",
            "" if share.ratio is None else f"{share.ratio:.3f}",
            _gain(share),
            f"{share.rated:,}",
            (_counts(share.excluded), "dim"),
        )
    return table.drop_empty()


def _gain(share: Share) -> Span:
    if share.gain is None:
        return ("", "")
    style = "dim" if abs(share.gain - 1) < _SURE else "good" if share.gain > 1 else "bad"
    return (f"{share.gain:.3f}", style)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in counts.items())


def _sizes(counts: tuple[int, ...]) -> str:
    names = [f"up to {end:.0%}" for end in BUCKETS] + [f"over {BUCKETS[-1]:.0%}"]
    return ", ".join(
        f"{count:,} {name}" for name, count in zip(names, counts, strict=True) if count
    )


def _shares_for_pipes(answer: Compared) -> Table:
    table = Table("group", "rows", "ratio", "gain", "rated", "directed", "excluded", "verdicts")
    for share in answer.shares:
        table.add(
            share.group, str(share.rows), _number(share.ratio), _number(share.gain),
            str(share.rated), str(share.directed), _pairs(share.excluded), _pairs(share.verdicts),
        )  # fmt: skip
    return table


def show_grouped(out: Output, answer: Grouped) -> None:
    """A row a group."""
    for text in answer.warnings:
        out.warn(text)
    if not out.human:
        table = Table("group", "count", "median", "geometric_mean", "least", "most", "unit",
                      "excluded")  # fmt: skip
        unit = answer.definition.unit if answer.definition else ""
        for one in answer.summaries:
            table.add(
                one.group, str(one.count), _number(one.median), _number(one.geometric_mean),
                _number(one.least), _number(one.most), unit, _pairs(one.excluded),
            )  # fmt: skip
        out.table(table)
        return
    out.line((f"{answer.metric} of {plural(answer.runs, 'run')} by {answer.by}", "dim"))
    known = [one.median for one in answer.summaries if one.median is not None]
    scale = scale_for(known, answer.definition.unit if answer.definition else None)
    table = Table(f"*{answer.by}", ">count", ">median", ">geometric mean", ">least", ">most",
                  "*excluded")  # fmt: skip
    for one in answer.summaries:
        numbers = (one.median, one.geometric_mean, one.least, one.most)
        table.add(
            one.group,
            f"{one.count:,}",
            *("" if number is None else format_number(number, scale) for number in numbers),
            (_counts(one.excluded), "dim"),
        )
    out.table(table.drop_empty())


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _pairs(counts: Mapping[str, int]) -> str:
    return ",".join(f"{word}={count}" for word, count in counts.items())
