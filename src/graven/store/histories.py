"""What a gate leans on: the runs that compare with one, and their values by series.

Two questions to the catalog, however many series there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from graven import clock
from graven.catalog import histories
from graven.catalog.database import Catalog
from graven.catalog.histories import Alike, ComparableRun
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.header import grow_commit
from graven.ids import ObjectId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.formats.definitions import Definitions
    from graven.store.base import StoreBase
    from graven.store.index import Index

    Floats = NDArray[np.float64]

SeriesKey = tuple[str, str, tuple[tuple[str, str], ...], str]
"""(scenario, name, sorted tags, metric)."""

FIRST, LAST = -(2**62), 2**62


class Comparable(NamedTuple):
    """A run that compares with another."""

    run_id: str
    timestamp: datetime
    commit: str | None
    number: int
    definitions: int


class Kin(NamedTuple):
    """What runs must share to be compared: None is a value too, of runs that do not say.

    ``machine`` is the fingerprint of the environment.
    """

    machine: str | None
    experiment: str | None = None
    origin: str = "measured"


def comparable_runs(
    store: StoreBase,
    kin: Kin,
    *,
    branch: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int,
    oldest: bool = False,
) -> list[Comparable]:
    """The runs of a branch with status ok that share what `Kin` says, newest first.

    Args:
        store: where to look.
        kin: what they share.
        branch: theirs; None for runs without one.
        since, until: both included.
        limit: at most so many.
        oldest: begin with the oldest.
    """
    span = (
        FIRST if since is None else clock.micros(since),
        LAST if until is None else clock.micros(until),
    )
    ask = partial(
        histories.runs_on_branch,
        branch=branch, alike=Alike(*kin), span=span, limit=limit, oldest=oldest,
    )  # fmt: skip
    return _ask(store.parts.index, ask)


def runs_of_commits(store: StoreBase, kin: Kin, commits: Sequence[str]) -> list[Comparable]:
    """As `comparable_runs`, on any branch: those that measured one of these full hashes."""
    ask = partial(histories.runs_of_commits, commits=commits, alike=Alike(*kin))
    return _ask(store.parts.index, ask)


def _ask(index: Index, question: partial[list[ComparableRun]]) -> list[Comparable]:
    from graven.store.choosing import read_machines

    def ask(catalog: Catalog) -> list[ComparableRun]:
        read_machines(index, catalog)
        return question(catalog)

    return [
        Comparable(
            run.run_id,
            clock.micros_to_datetime(run.ts),
            grow_commit(run.commit),
            run.number,
            run.d,
        )
        for run in index.ask(ask, measured=True)
    ]


def series_values(
    store: StoreBase, runs: Sequence[Comparable], units: Mapping[SeriesKey, str | None]
) -> Floats:
    """Values of many series in many runs, of shape (runs, series).

    Args:
        store: that the runs came from.
        runs: as `comparable_runs` gave them.
        units: the series, and the unit that their values must have (None: any).

    Returns:
        NaN where a run has no value of a series, or has it in another unit.
    """
    import numpy as np

    from graven.store.matrices import unpack

    out = np.full((len(runs), len(units)), np.nan)
    if not runs or not units:
        return out
    index = store.parts.index
    numbers = [run.number for run in runs]
    planes = index.look(partial(histories.values_of_runs, numbers=numbers))
    by_definitions: dict[int, list[int]] = {}
    for row, run in enumerate(runs):
        if run.number in planes:
            by_definitions.setdefault(run.definitions, []).append(row)
    known = index.look(partial(histories.definition_objects, numbers=list(by_definitions)))
    for d, rows in by_definitions.items():
        definitions = _definitions(index, known.get(d))
        if definitions is None:
            continue
        # A run that was indexed anew meanwhile may have other definitions by now.
        fitting = [row for row in rows if len(planes[numbers[row]]) == 8 * definitions.width]
        if fitting:
            columns, places = _places(definitions, units)
            block = unpack([planes[numbers[row]] for row in fitting])
            out[np.ix_(fitting, columns)] = block[:, places]
    return out


def _definitions(index: Index, object_id: bytes | None) -> Definitions | None:
    from graven.formats.definitions import decode_definitions

    if object_id is None:
        return None
    try:
        return decode_definitions(index.get(ObjectId(object_id)))
    except (Corrupt, FormatTooNew, NotFound):
        return None  # fsck names it; the values are left out


def _places(
    definitions: Definitions, units: Mapping[SeriesKey, str | None]
) -> tuple[list[int], list[int]]:
    """Columns of the answer, and where their values stand in runs of these definitions."""
    found: dict[SeriesKey, int] = {}
    start = 0
    for shape in definitions.shapes:
        tags = tuple(sorted(shape.tags.items()))
        for offset, metric in enumerate(shape.metrics):
            # Of two points with one name the first counts, as in a trend.
            found.setdefault((shape.scenario, shape.name, tags, metric), start + offset)
        start += len(shape.metrics)
    columns, places = [], []
    for column, (key, unit) in enumerate(units.items()):
        known = definitions.metric_defs.get(key[3])
        if key in found and (known is None or unit is None or known.unit == unit):
            columns.append(column)
            places.append(found[key])
    return columns, places
