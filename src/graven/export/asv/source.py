"""Where the runs of an export come from: read twice, the second time perhaps in part."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from graven.model import Run


class RunSource(NamedTuple):
    """Runs that can be read again, and asked for by id.

    Attributes:
        every: a fresh iterable of all runs at each call.
        some: the runs of these ids that are there, in any order.
        versions: run id to a text that is another when the run is; a run that is not in it
            is written anew each time.
    """

    every: Callable[[], Iterable[Run]]
    some: Callable[[Collection[str]], Iterable[Run]]
    versions: Mapping[str, str]


Runs: TypeAlias = Iterable[Run] | Callable[[], Iterable[Run]] | RunSource


def as_source(runs: Runs) -> RunSource:
    """Any form in which runs may be given; a one-shot iterator is kept in memory whole."""
    if isinstance(runs, RunSource):
        return runs
    if callable(runs):
        every: Callable[[], Iterable[Run]] = runs
    else:
        held = list(runs) if isinstance(runs, Iterator) else runs

        def every() -> Iterable[Run]:
            return held

    def some(ids: Collection[str]) -> Iterator[Run]:
        return (run for run in every() if run.id in ids)

    return RunSource(every, some, {})
