"""Turns, medians, rows and the table. Nothing here knows graven or a peer."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

Timing = dict[str, Any]


@dataclass
class Row:
    """One line of the table.

    Attributes:
        work: what was done.
        graven, peer: the figures with their units, as text.
        ratio: how many times better graven is (``at_least``), or how many times the
            peer's cost graven's is (``at_most``); None for figures that are only reported.
        bar: what the ratio (or the figure) has to reach, as text.
        met: whether it did; None where there is no bar or nothing to compare with.
        cpu_ratio: the same ratio by CPU time, where that makes sense.
        note: what a reader must know.
    """

    work: str
    graven: str
    peer: str = ""
    ratio: float | None = None
    bar: str = ""
    met: bool | None = None
    cpu_ratio: float | None = None
    note: str = ""


def in_turn(repeats: int, *actions: Callable[[int], Timing]) -> list[Timing]:
    """Do the actions A B A B ..., and give each one's median answer (by wall time).

    Each action gets the number of the turn, so that it can write to a fresh place.
    Turns rather than blocks: a busy moment of the machine then hits all of them.
    """
    answers: list[list[Timing]] = [[] for _ in actions]
    for turn in range(repeats):
        for action, kept in zip(actions, answers, strict=True):
            kept.append(action(turn))
    return [_middle(kept) for kept in answers]


def _middle(answers: list[Timing]) -> Timing:
    middle = dict(sorted(answers, key=lambda answer: answer["wall"])[len(answers) // 2])
    middle["wall"] = statistics.median(answer["wall"] for answer in answers)
    if all("cpu" in answer for answer in answers):
        middle["cpu"] = statistics.median(answer["cpu"] for answer in answers)
    return middle


def faster(work: str, ours: Timing, theirs: Timing, at_least: float, **more: Any) -> Row:
    """A row where both did ``done`` units of work and the rates are compared."""
    ratio = (ours["done"] / ours["wall"]) / (theirs["done"] / theirs["wall"])
    cpu = None
    if ours.get("cpu") and theirs.get("cpu"):
        cpu = (ours["done"] / ours["cpu"]) / (theirs["done"] / theirs["cpu"])
    return Row(
        work,
        f"{ours['done'] / ours['wall']:,.0f}/s",
        f"{theirs['done'] / theirs['wall']:,.0f}/s",
        ratio,
        f">= {at_least:g} x",
        ratio >= at_least,
        cpu,
        **more,
    )


def quicker(work: str, ours: Timing, theirs: Timing, at_least: float, **more: Any) -> Row:
    """A row where both answered the same question once."""
    ratio = theirs["wall"] / ours["wall"]
    cpu = theirs["cpu"] / ours["cpu"] if ours.get("cpu") and theirs.get("cpu") else None
    return Row(
        work,
        seconds(ours["wall"]),
        seconds(theirs["wall"]),
        ratio,
        f">= {at_least:g} x",
        ratio >= at_least,
        cpu,
        **more,
    )


def at_most(work: str, ours: str, theirs: str, ratio: float, bar: float, **more: Any) -> Row:
    """A row where a cost, ours over theirs, must stay below a bar."""
    return Row(work, ours, theirs, ratio, f"<= {bar:.3g} x", ratio <= bar, **more)


def rate(work: str, ours: Timing, at_least: float, unit: str, **more: Any) -> Row:
    """A row with a rate of our own and an absolute bar."""
    value = ours["done"] / ours["wall"]
    return Row(
        work, f"{value:,.0f} {unit}/s", bar=f">= {at_least:,.0f}/s", met=value >= at_least, **more
    )


def seconds(value: float) -> str:
    """A duration with a unit that suits it."""
    if value >= 1:
        return f"{value:.2f} s"
    return f"{value * 1e3:.2f} ms" if value >= 1e-3 else f"{value * 1e6:.0f} us"


def size(value: float) -> str:
    """Bytes with a unit that suits them (1 MB = 10^6 B)."""
    for unit, scale in (("MB", 1e6), ("KB", 1e3)):
        if value >= scale:
            return f"{value / scale:.2f} {unit}"
    return f"{value:.0f} B"


def markdown(rows: Iterable[Row]) -> str:
    """The table."""
    lines = [
        "| work | graven | peer | ratio (CPU) | bar | met | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        if row.cpu_ratio is not None:
            ratio += f" ({row.cpu_ratio:.3g})"
        met = {None: "", True: "yes", False: "**no**"}[row.met]
        lines.append(
            f"| {row.work} | {row.graven} | {row.peer} | {ratio} | {row.bar} | {met} | {row.note} |"
        )
    return "\n".join(lines)


def as_records(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows for ``--json``."""
    return [asdict(row) for row in rows]
