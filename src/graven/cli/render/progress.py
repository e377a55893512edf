"""Progress on a terminal; nothing under a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from graven.cli.render.text import clean, plural
from graven.cli.render.units import size
from graven.cli.session import Session
from graven.porcelain.attach import AttachProgress
from graven.porcelain.ingest import Progress

OnProgress = Callable[[Progress], None]
OnSent = Callable[[int, int], None]


@contextmanager
def ingest_progress(session: Session) -> Iterator[OnProgress | None]:
    """A bar of the bytes looked at, and apart from them those that were new."""
    if not session.shows_progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(file=session.stderr, no_color=not session.colored, highlight=False)
    columns = (
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%", markup=False),
        TextColumn("{task.fields[sizes]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, sizes="")

        def on_progress(now: Progress) -> None:
            # Bytes looked at and bytes new apart: what is unchanged is quick and adds nothing.
            sizes = f"{size(now.done)} of {size(now.total)}, {size(now.new)} new"
            name = clean(Path(now.source).name)
            bar.update(task, total=now.total, completed=now.done, description=name, sizes=sizes)

        yield on_progress


@contextmanager
def attach_progress(session: Session) -> Iterator[Callable[[AttachProgress], None] | None]:
    """A bar of the bytes read of each file, and apart from them those that were new."""
    if not session.shows_progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(file=session.stderr, no_color=not session.colored, highlight=False)
    columns = (
        BarColumn(bar_width=30),
        TextColumn("{task.fields[sizes]}", markup=False),
        TextColumn("{task.fields[speed]}", markup=False),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, sizes="", speed="")

        def on_progress(now: AttachProgress) -> None:
            of = f" of {size(now.total)}" if now.total is not None else ""
            sizes = f"{size(now.done)}{of}, {size(now.new)} new"
            name = clean(Path(now.source).name)
            rate = bar.tasks[task].speed
            speed = f"{size(int(rate))}/s" if rate else ""
            bar.update(task, total=now.total, completed=now.done, description=name, sizes=sizes,
                       speed=speed)  # fmt: skip

        yield on_progress


@contextmanager
def transfer_progress(session: Session, verb: str) -> Iterator[OnSent | None]:
    """What has gone so far, in refs and bytes as stored.

    No bar: what is still to come is found out on the way.
    """
    if not session.shows_progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(file=session.stderr, no_color=not session.colored, highlight=False)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("comparing", total=None)

        def on_sent(refs: int, sent: int) -> None:
            bar.update(task, description=f"{verb} {plural(refs, 'update')}, {size(sent)}")

        yield on_sent
