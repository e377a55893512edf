"""The questions a store answers about runs: calibrax's calls, headers, trends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from graven import clock
from graven.catalog import questions
from graven.catalog.collector import collector_paused
from graven.catalog.database import Catalog
from graven.catalog.questions import Header, RunKey
from graven.errors import Corrupt, FormatTooNew, GravenError, InvalidInput, NotFound
from graven.ids import ObjectId, normal
from graven.store.base import StoreBase, warn

if TYPE_CHECKING:
    from graven.catalog.trends import Facts, Sample, SeriesName
    from graven.model.run import Run
    from graven.model.trend import TrendPoint, TrendSeries
    from graven.objects.reader import Place, Unreadable
    from graven.store.matrices import Meaning, SeriesTable
    from graven.store.spreads import Spread

_PAGE = 500
_FIRST_PAGE = 50  # what fits on a screen comes at once


def _readable(found: Iterable[tuple[RunKey, Run | Unreadable]]) -> Iterator[Run]:
    """The runs that could be read; each other one is told."""
    for key, run in found:
        if isinstance(run, GravenError):
            warn(f"run {key.run_id} is left out: {run.message}")
        else:
            yield run


def _newest_first(header: Header) -> tuple[float, int, str]:
    return -clock.micros(header.timestamp), -header.stamp, header.run_id


def _searched(run_id: object) -> str:
    """A run id in the form in which ids are stored."""
    if not isinstance(run_id, str):
        raise InvalidInput(
            f"run id must be text, not {type(run_id).__name__}", kind="bad-name", field="run id"
        )
    return normal(run_id)


class ReadingStore(StoreBase):
    """A store's reading half."""

    def load(self, run_id: str) -> Run:
        """The run of that id.

        Raises:
            NotFound: no such run (a `FileNotFoundError` too, as calibrax raises).
            Corrupt: its object is damaged.
        """
        return self._load(*self._header(run_id)[:2])

    def load_rev(self, rev: str) -> Run:
        """The run that a revision means."""
        found = self.resolve(rev)
        return self._load(found.run_id, found.object_id)

    def _load(self, run_id: str, object_id: str) -> Run:
        try:
            return self.load_object(object_id)
        except (Corrupt, FormatTooNew, NotFound) as error:
            raise error.inside(f"run {run_id}", run=run_id) from error

    def _header(self, run_id: str) -> Header:
        wanted = _searched(run_id)
        header = self._index.ask(lambda catalog: questions.find_header(catalog, wanted))
        if header is None or header.deleted:
            raise NotFound(
                f"Run not found: {run_id}",
                kind="run-deleted" if header else "run-missing",
                hint=f"'graven restore {run_id}' brings it back" if header else None,
                run=run_id,
            )
        return header

    def headers(
        self,
        *,
        branch: str | None = None,
        commit: str | None = None,
        experiment: str | None = None,
        status: str | None = None,
        origin: str | None = None,
        group: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
    ) -> list[Header]:
        """Rows of the catalog, newest timestamp first; no run is read.

        ``commit`` may be a prefix; ``since`` is included, ``until`` is not. All rows are
        of one moment; `iter_headers` answers in little memory instead.
        """
        wanted = questions.Filter(
            branch, commit, experiment, status, origin, group, since, until, include_deleted
        )
        return self._index.ask(lambda catalog: questions.select_headers(catalog, wanted, limit))

    def headers_of(self, run_ids: Sequence[str]) -> list[Header]:
        """The headers of those of these runs that are there, in any order."""
        return self._index.ask(partial(questions.headers_by_id, run_ids=run_ids))

    def iter_headers(self, *, limit: int | None = None, **wanted: Any) -> Iterator[Header]:
        """As `headers`, fetched in pages while they are taken.

        A run that stays as it is meanwhile comes exactly once; one that is saved or
        deleted meanwhile may be seen or not, and twice only if its time was changed.
        """
        asked = questions.Filter(**wanted)
        found = self._iter_living(asked._replace(include_deleted=False), limit)
        if asked.include_deleted:
            gone = self._index.ask(lambda catalog: questions.deleted_headers(catalog, asked))
            found = islice(merge(found, gone, key=_newest_first), limit)
        return found

    def _iter_living(self, asked: questions.Filter, limit: int | None) -> Iterator[Header]:
        after: questions.HeaderKey | None = None
        size = _FIRST_PAGE
        while limit is None or limit > 0:
            size = size if limit is None else min(size, limit)
            page = partial(questions.page_of_headers, wanted=asked, size=size, after=after)
            headers, after = self._index.ask(page)
            yield from headers
            if after is None:
                return
            if limit is not None:
                limit -= len(headers)
            size = _PAGE

    def count(self) -> int:
        """How many runs there are."""
        return self._index.ask(questions.count_runs)

    def list_runs(self, branch: str | None = None, *, experiment: str | None = None) -> list[Run]:
        """All runs, newest timestamp first; ties by the later write.

        A damaged run is left out with a warning; `load` and fsck tell more.
        """
        with collector_paused():
            return list(self.iter_runs(branch, experiment=experiment))

    def iter_runs(
        self, branch: str | None = None, *, experiment: str | None = None
    ) -> Iterator[Run]:
        """As `list_runs`, one at a time."""
        wanted = questions.Filter(branch=branch, experiment=experiment)
        keys = self._index.ask(lambda catalog: questions.run_keys(catalog, wanted))
        yield from self._load_many(keys)

    def load_some(self, run_ids: Collection[str]) -> Iterator[Run]:
        """Those of these runs that are there, in the order in which they lie in the store.

        A damaged run is left out with a warning, as `list_runs` does.
        """
        wanted = [_searched(run_id) for run_id in run_ids]
        keys = self._index.ask(partial(questions.keys_of_runs, run_ids=wanted))
        yield from self._load_many(sorted(keys))

    def _load_many(self, keys: Sequence[RunKey]) -> Iterator[Run]:
        from graven.store.loading import load_runs

        yield from _readable(load_runs(self._index, self._decoder, keys))

    def latest(self, branch: str | None = None) -> Run:
        """The run with the newest timestamp.

        Raises:
            NotFound: there is none.
        """
        return self.load_rev(f"latest@{branch}" if branch else "latest")

    def query(self, /, **tags: str | None) -> list[Run]:
        """Runs with at least one point that holds all pairs, newest first.

        None for a value asks for points that lack the tag. Without pairs: every run that
        has a point.
        """
        return self.query_in(None, tags)

    def query_in(self, experiment: str | None, tags: Mapping[str, str | None]) -> list[Run]:
        """As `query`, among the runs of one experiment (None: of all)."""
        from graven.catalog.places import runs_of_definitions
        from graven.catalog.trends import definitions_with_point
        from graven.store.loading import load_found

        def question(catalog: Catalog) -> list[tuple[RunKey, Place | None]]:
            fitting = definitions_with_point(catalog, dict(tags))
            return runs_of_definitions(catalog, fitting, experiment)

        with collector_paused():
            found = self._index.ask(question, measured=True)
            return list(_readable(load_found(self._index, self._decoder, found)))

    def extract_trend(
        self,
        metric: str,
        point_name: str,
        tags: dict[str, str],
        *,
        n_runs: int | None = None,
        branch: str | None = None,
        scenario: str | None = None,
        experiment: str | None = None,
    ) -> TrendSeries:
        """One metric of one benchmark over time, oldest first.

        Each run gives at most one value: that of its first point with this name, all
        these tags and the metric.

        Args:
            metric: name of the metric.
            point_name: name of the points.
            tags: pairs they must hold; an empty dict fits any.
            n_runs: the newest so many values only; None or 0 for all, ``-k`` for all but
                the oldest ``k`` (a slice from the end, as calibrax takes it).
            branch: only runs of this branch.
            scenario: only points of this scenario.
            experiment: only runs of this experiment.
        """
        from graven.catalog import trends
        from graven.model.trend import TrendSeries

        limit = n_runs if n_runs and n_runs > 0 else None
        first = -n_runs if n_runs and n_runs < 0 else 0

        def question(catalog: Catalog) -> tuple[list[Sample], dict[int, Facts]]:
            with catalog.snapshot():
                columns = trends.find_columns(catalog, metric, point_name, tags, scenario)
                samples = trends.newest_samples(catalog, columns, limit, branch, experiment)
                return samples, trends.run_facts(catalog, [s.number for s in samples])

        samples, facts = self._index.ask(question, measured=True)
        samples.reverse()
        return TrendSeries(
            metric=metric,
            point_name=point_name,
            tags=dict(tags),
            points=tuple(self._trend_points(samples[first:], facts)),
        )

    def _trend_points(self, samples: list[Sample], facts: dict[int, Facts]) -> Iterator[TrendPoint]:
        from graven.formats.header import grow_commit
        from graven.model.trend import TrendPoint

        bounds = self._bounds(samples, facts)
        for sample in samples:
            run_id, _, commit = facts[sample.number]
            lower, upper = bounds.get(sample.number, (None, None))
            yield TrendPoint(
                run_id=run_id,
                timestamp=clock.micros_to_datetime(sample.ts),
                value=sample.value,
                commit=grow_commit(commit),
                lower=lower,
                upper=upper,
            )

    def _bounds(
        self, samples: list[Sample], facts: dict[int, Facts]
    ) -> dict[int, tuple[float | None, float | None]]:
        """Intervals stand in the run objects only: read them where there are any."""
        from graven.catalog.places import locate_many
        from graven.formats.run_object import bounds_at, decode_body

        out = {}
        wanted = [s for s in samples if s.bounds]
        for start in range(0, len(wanted), _PAGE):
            page = wanted[start : start + _PAGE]
            ids = [ObjectId(facts[s.number][1]) for s in page]
            places = self._index.ask(partial(locate_many, ids=ids))
            for sample, object_id in zip(page, ids, strict=True):
                try:
                    try:
                        data = self._index.reader.get_at(object_id, places.get(object_id, ()))
                    except NotFound:  # its pack vanished
                        data = self._index.get(object_id)
                    out[sample.number] = bounds_at(decode_body(data), sample.position)
                except (Corrupt, FormatTooNew, NotFound) as error:
                    run_id = facts[sample.number][0]
                    warn(f"the interval of run {run_id} is left out: {error.message}")
        return out

    def series(self) -> list[SeriesName]:
        """Every series of the store: (scenario, name, tags, metric), sorted."""
        from graven.catalog.trends import series_names

        return self._index.ask(series_names, measured=True)

    def series_table(
        self,
        *,
        branch: str | None = None,
        experiment: str | None = None,
        origin: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> SeriesTable:
        """Every series over all runs that fit, as numpy arrays: one question to the catalog."""
        from graven.store.matrices import series_table

        wanted = questions.Filter(
            branch=branch, experiment=experiment, origin=origin, since=since, until=until
        )
        return series_table(self, wanted)

    def spreads(self, run_ids: Sequence[str]) -> Iterator[Spread]:
        """Bounds of the values of those of these runs that have bounds or samples."""
        from graven.store.spreads import spreads

        return spreads(self._index, self._decoder, run_ids)

    def metric_meanings(self, metrics: Sequence[str]) -> dict[str, Meaning]:
        """What runs say of metrics: definition, units and directions; of those that any has."""
        from graven.store.matrices import metric_meanings

        return metric_meanings(self, metrics)

    def get_baseline(self, name: str = "main") -> Run | None:
        """The run that a baseline stands for, None if it is not set."""
        entry = self.baselines.entry(name)
        return None if entry is None or entry.object is None else self.load_object(entry.object)
