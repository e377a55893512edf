"""``graven bisect``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from graven.cli.command import graven_command, pairs
from graven.cli.session import Session

if TYPE_CHECKING:
    from graven.porcelain.bisect import BisectReport
    from graven.porcelain.worktree import Commit


@graven_command(
    "bisect",
    examples=(
        "graven bisect v1.2 HEAD --time -- python examples/big.py",
        "graven bisect v1.2 main --file out.json --metric mean -- pytest --benchmark-json out.json",
    ),
    exits=(1, 6),
)
@click.argument("good")
@click.argument("bad")
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...")
@click.option("--time", is_flag=True, help="Measure the seconds the command takes.")
@click.option("--file", "files", multiple=True, metavar="PATTERN",
              help="Result files the command writes; repeatable.")  # fmt: skip
@click.option("-m", "--metric", default="*", help="The metric, if there are several.")
@click.option("--point", default="*", metavar="NAME", help="The point, if there are several.")
@click.option("--scenario", default="*", metavar="NAME", help="Only points of this scenario.")
@click.option("-t", "--tag", multiple=True, metavar="K=V", help="Only points with this tag.")
@click.option("--repo", default=".", type=click.Path(), help="A git checkout (this folder).")
@click.option("--threshold", default="5%", metavar="5%", help="A change beyond counts as moved.")
@click.option("-r", "--repeat", type=click.IntRange(min=1), metavar="N",
              help="Measure each commit N times (3 with --time, else once).")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
              help="A command that takes longer has failed.")  # fmt: skip
def command(session: Session, good: str, bad: str, words: tuple[str, ...], **asked: Any) -> int:
    """Find the commit after GOOD, up to BAD, that moved a metric.

    The commits on the first-parent line between them are checked out in a folder of their
    own, where COMMAND runs as often as a binary search asks for it. Without --time and
    --file it saves a run of its commit to the store itself: GRAVEN_STORE, GRAVEN_COMMIT and
    GRAVEN_EXPERIMENT tell it where and as what. A commit at which it fails is gone round.

    Every run is kept, under the experiment 'bisect GOOD..BAD MARK' and without a branch, MARK
    standing for COMMAND, --file and the machine; the same command goes on where one was broken
    off. Exit code 1: the metric did not move.
    """
    from graven.analysis.thresholds import parse_threshold
    from graven.porcelain.bisect import Wanted, bisect_commits

    out = session.out
    wanted = Wanted(
        command=words,
        files=asked["files"],
        time=asked["time"],
        metric=asked["metric"],
        point=asked["point"],
        scenario=asked["scenario"],
        tags=pairs(asked["tag"], "tag"),
    )

    def on_tried(commit: Commit, value: float | None, unit: str) -> None:
        from graven.cli.render.units import human

        shown = "failed" if value is None else human(value, unit)
        out.note(f"{commit.sha[:8]}  {shown}  {commit.subject}")

    store = session.open_store()
    with _tidy_end():
        report = bisect_commits(
            store,
            good,
            bad,
            wanted,
            repo=asked["repo"],
            threshold=parse_threshold(asked["threshold"], "--threshold"),
            repeat=asked["repeat"],
            timeout=asked["timeout"],
            on_tried=on_tried,
        )
    if out.json:
        out.document("bisect", report.to_dict())
    else:
        _show(session, report)
    return 0 if report.moved else 1


@contextmanager
def _tidy_end() -> Iterator[None]:
    """Being told to end, or losing the terminal, is as Ctrl-C: worktree and command go too."""

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough: what tidies up is let finish
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    # What the caller made deaf, as nohup does, stays so.
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        taken = []  # only there may handlers be set
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


_ENDS = ("SIGTERM", "SIGHUP")


def _show(session: Session, report: BisectReport) -> None:
    from graven.cli.render.bisect import show_bisect

    show_bisect(session.out, report)
