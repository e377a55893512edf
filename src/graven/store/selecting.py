"""Questions in the query language (docs/query.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from graven.store.reading import ReadingStore

if TYPE_CHECKING:
    from graven.catalog.questions import Header
    from graven.query import Query
    from graven.store.rows import Matrix, Rows, Top


class SelectingStore(ReadingStore):
    """A store's questions in the query language.

    In all of them ``where`` is text such as ``branch = main and metric.time > 1`` (empty: every
    run) or a `graven.query.Query`, ``sort`` such as ``metric.time:desc,branch`` (None: newest
    first, as always among equals; runs without the field come last), and all raise

        InvalidInput: kind ``bad-query``: not the language; kind ``name-unknown``: a field, or
            a key that no run has. The hint offers the nearest; the fields ``query``,
            ``column`` (from 1) and ``width`` say where.
    """

    def select(
        self,
        where: str | Query = "",
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> list[Header]:
        """Headers of the runs that fit, in order, all of one moment; no run is read."""
        from graven.store.choosing import read_selection
        from graven.store.rows import headers

        return headers(self, read_selection(where, sort, limit, skip))

    def iter_select(
        self,
        where: str | Query = "",
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Iterator[Header]:
        """As `select`, fetched in pages while they are taken; 8 bytes a run are in memory."""
        from graven.store.choosing import read_selection
        from graven.store.rows import iter_chosen

        return iter_chosen(self, read_selection(where, sort, limit, skip))

    def select_ids(
        self,
        where: str | Query = "",
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> list[str]:
        """As `select`, the ids alone."""
        from graven.store.choosing import read_selection
        from graven.store.rows import run_ids

        return run_ids(self, read_selection(where, sort, limit, skip))

    def select_rows(
        self,
        columns: str | Sequence[str],
        where: str | Query = "",
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        skip: int = 0,
    ) -> Rows:
        """Some fields of the runs that fit: ``select_rows("run,param.lr,metric.time")``."""
        from graven.store.choosing import read_selection
        from graven.store.rows import select_rows

        return select_rows(self, columns, read_selection(where, sort, limit, skip))

    def top(
        self, metric: str, n: int = 10, *, where: str | Query = "", ascending: bool = False
    ) -> list[Top]:
        """The ``n`` runs with the largest value of a metric, or the smallest.

        A run's value is the median over its points; of equal ones the newer run comes first,
        and runs without a number of the metric are left out.
        """
        from graven.store.rows import top

        return top(self, metric, n, where=where, ascending=ascending)

    def select_matrix(
        self,
        metrics: Sequence[str],
        where: str | Query = "",
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Matrix:
        """Values of many metrics of the runs that fit: ids, and an array (runs, metrics).

        float64, in the metrics' own units; a run's value is the median over its points, NaN
        where it has none. ``scenario/name/metric`` means the points of that name alone.
        """
        from graven.store.choosing import read_selection
        from graven.store.rows import select_matrix

        return select_matrix(self, metrics, read_selection(where, sort, limit))

    def explain_empty(self, where: str | Query) -> str | None:
        """Why nothing fits, where a branch, experiment or status is named that no run has."""
        from graven.store.choosing import read_selection, remark

        return remark(self, read_selection(where))
