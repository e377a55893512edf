"""How certain the values of runs are: their bounds, or else the middle of their samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from graven.catalog.questions import keys_of_runs
from graven.errors import Corrupt
from graven.formats.columns import Column, column_length, to_planes
from graven.formats.run_object import RunBody
from graven.store.loading import load_with_bodies
from graven.store.matrices import unpack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.formats.run_decode import RunDecoder
    from graven.store.index import Index

    Floats = NDArray[np.float64]

QUARTILES = (25, 75)


class Spread(NamedTuple):
    """Bounds of a run's values, in the order of its columns; NaN where nothing is known.

    They are the run's own where it has them, else the quartiles of the value's samples.
    """

    run_id: str
    lower: Floats
    upper: Floats


def spreads(index: Index, decoder: RunDecoder, run_ids: Sequence[str]) -> Iterator[Spread]:
    """See `graven.store.reading.ReadingStore.spreads`."""
    keys = sorted(index.ask(partial(keys_of_runs, run_ids=run_ids)))
    for key, _, body in load_with_bodies(index, decoder, keys):
        if body is not None and (body.samples or body.lower is not None or body.upper is not None):
            try:
                yield Spread(key.run_id, *_bounds(body))
            except (Corrupt, ValueError, IndexError):  # columns that do not fit each other
                continue  # whoever reads the run hears of it


def _bounds(body: RunBody) -> tuple[Floats, Floats]:
    import numpy as np

    width = column_length(body.value)
    lower, upper = np.full(width, np.nan), np.full(width, np.nan)
    if body.samples is not None and body.sample_counts is not None:
        _fill_quartiles(lower, upper, body.sample_counts, _floats(body.samples))
    for bounds, column, at in (
        (lower, body.lower, body.lower_at),
        (upper, body.upper, body.upper_at),
    ):
        if column is not None:
            bounds[slice(None) if at is None else at] = _floats(column)
    return lower, upper


def _fill_quartiles(lower: Floats, upper: Floats, counts: Sequence[int], samples: Floats) -> None:
    """Quartiles of each value's samples; values with equally many are done together."""
    import numpy as np

    sizes = np.maximum(np.array(counts, np.intp), 0)
    if len(sizes) != len(lower) or sizes.sum() != len(samples):
        raise Corrupt("run's samples do not add up", kind="bad-object")
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes[sizes > 1]).tolist():
        picked = np.flatnonzero(sizes == size)
        block = samples[starts[picked][:, None] + np.arange(size)]
        low, high = np.percentile(block, QUARTILES, axis=1)
        lower[picked], upper[picked] = low, high


def _floats(column: Column) -> Floats:
    import numpy as np

    planes = to_planes(column)
    return unpack([planes])[0] if planes else np.empty(0)
