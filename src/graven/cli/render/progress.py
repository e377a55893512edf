"""Progress on a terminal; nothing under a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from graven.cli.render.text import clean
from graven.cli.render.units import size
from graven.cli.session import Session
from graven.porcelain.ingest import Progress

OnProgress = Callable[[Progress], None]


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
