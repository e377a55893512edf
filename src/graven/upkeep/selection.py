"""Which runs a pruning chooses: filters say which it looks at, rules which of those it keeps."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from graven import clock
from graven.catalog.candidates import (
    Candidate,
    known_labels,
    known_metrics,
    known_tag_keys,
    metric_positions,
    metric_values,
    page_of_candidates,
)
from graven.catalog.questions import Filter, HeaderKey
from graven.catalog.trends import definitions_with_point
from graven.errors import InvalidInput
from graven.ids import normal
from graven.query.spelling import nearest
from graven.store.index import Index


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is to go. Filters choose the runs looked at; of those a run goes if no rule keeps it.

    Attributes:
        branch, experiment, status: filters: only runs that have exactly this.
        tags: filter: only runs with a point that holds all pairs.
        where: filter: only runs that fit this query (docs/query.md); an empty one is refused.
        older_than: rule: what is not older is kept.
        keep_last: rule: the newest so many of each branch are kept.
        rank, keep_top: rule: the best so many by a metric are kept. The value of a run is
            the median over its points; a run without a value is kept.
        ascending: the smallest value is the best, not the largest.
        keep_baselines: a run that a baseline or tag stands for is kept, and one at which a
            step was accepted or rejected.
    """

    branch: str | None = None
    experiment: str | None = None
    status: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    older_than: datetime | None = None
    keep_last: int | None = None
    rank: str | None = None
    keep_top: int | None = None
    ascending: bool = False
    keep_baselines: bool = True

    @property
    def filter(self) -> Filter:
        """The filters that headers answer."""
        return Filter(branch=self.branch, experiment=self.experiment, status=self.status)

    @property
    def measured(self) -> bool:
        """True if metric values or points must be known."""
        return bool(self.tags) or self.rank is not None


class Chosen(NamedTuple):
    """A run that no rule but those of `Criteria.keep_baselines` keeps, or one without a value."""

    run: Candidate
    lacks: str | None


def check_criteria(criteria: Criteria) -> None:
    """Refuse what says nothing, or contradicts itself.

    Raises:
        InvalidInput: names the option.
    """
    said = (criteria.branch, criteria.experiment, criteria.status, criteria.older_than,
            criteria.keep_last, criteria.rank, criteria.where, criteria.tags or None)  # fmt: skip
    if all(value is None for value in (*said, criteria.keep_top)):
        raise _bad("nothing says which runs are to go", "older_than", "such as --older-than 90d")
    if criteria.where is not None and not criteria.where.strip():  # a script's unset variable
        raise _bad("the query is empty, so every run would fit it", "where", "leave out --where")
    if (criteria.rank is None) != (criteria.keep_top is None):
        raise _bad("'rank' and 'keep_top' go together", "keep_top", "--rank METRIC --keep-top N")
    for name, count in (("keep_last", criteria.keep_last), ("keep_top", criteria.keep_top)):
        if count is not None and count < 1:
            raise _bad(f"{name!r} must be 1 or more, not {count}", name, None)
    moment = criteria.older_than
    if moment is not None and clock.make_aware(moment) > clock.now():
        raise _bad(f"{moment.isoformat()} lies in the future", "older_than", None)


def _bad(message: str, name: str, hint: str | None) -> InvalidInput:
    return InvalidInput(message, kind="bad-selection", hint=hint, field=name)


def check_names(index: Index, criteria: Criteria) -> None:
    """Refuse names that no run has: a misspelt one would choose other runs than were meant.

    Raises:
        InvalidInput: names the nearest that is known.
    """
    for column in ("branch", "experiment", "status"):
        name = getattr(criteria, column)
        if name is not None:
            _check_known(column, name, index.look(partial(known_labels, column=column)))
    if criteria.rank is not None:
        _check_known("metric", normal(criteria.rank), index.look(known_metrics))
    for key in criteria.tags:
        _check_known("tag", normal(key), index.look(known_tag_keys))


def _check_known(what: str, name: str, known: set[str]) -> None:
    if name in known or (what == "status" and name in ("ok", "failed", "running")):
        return
    raise InvalidInput(
        f"no run has {'an' if what == 'experiment' else 'a'} {what} {name!r}",
        kind="name-unknown",
        hint=nearest(name, known),
        field=what,
        value=name,
    )


def choose(
    index: Index, criteria: Criteria, among: Mapping[str, int] | None = None
) -> Iterator[Chosen]:
    """The runs that are to go and those kept for lack of a value, newest first.

    ``among``: those that fit `Criteria.where`, with the stamps at which they did.
    """
    top, lacking = _rank(index, criteria, among)
    moment = criteria.older_than
    limit = None if moment is None else clock.micros(clock.make_aware(moment))
    seen: dict[str | None, int] = {}
    for page in _pages(index, criteria, among):
        for run in page:
            seen[run.branch] = seen.get(run.branch, 0) + 1
            if limit is not None and run.ts >= limit:
                continue
            if criteria.keep_last is not None and seen[run.branch] <= criteria.keep_last:
                continue
            if run.run_id in lacking:
                yield Chosen(run, criteria.rank)
            elif run.run_id not in top:
                yield Chosen(run, None)


def _pages(
    index: Index, criteria: Criteria, among: Mapping[str, int] | None
) -> Iterator[list[Candidate]]:
    fitting = _fitting(index, criteria)
    after: HeaderKey | None = None
    while True:
        question = partial(page_of_candidates, wanted=criteria.filter, after=after)
        page, after = index.look(question)
        yield [
            run
            for run in page
            if (fitting is None or run.d in fitting)
            and (among is None or among.get(run.run_id) == run.stamp)
        ]
        if after is None:
            return


def _fitting(index: Index, criteria: Criteria) -> set[int] | None:
    if not criteria.tags:
        return None
    tags: dict[str, str | None] = dict(criteria.tags)
    return set(index.look(partial(definitions_with_point, tags=tags)))


def _rank(
    index: Index, criteria: Criteria, among: Mapping[str, int] | None
) -> tuple[set[str], set[str]]:
    """Ids of the best runs (of equal ones the newer), and of those without a value."""
    if criteria.rank is None or criteria.keep_top is None:
        return set(), set()
    positions = index.look(partial(metric_positions, metric=criteria.rank))
    sign = -1.0 if criteria.ascending else 1.0
    lacking: set[str] = set()

    def ranked() -> Iterator[tuple[float, int, int, str]]:
        for page in _pages(index, criteria, among):
            values = index.look(partial(metric_values, page=page, positions=positions))
            for run in page:
                if run.run_id in values:
                    yield sign * values[run.run_id], run.ts, run.stamp, run.run_id
                else:
                    lacking.add(run.run_id)

    top = {run_id for *_, run_id in heapq.nlargest(criteria.keep_top, ranked())}
    return top, lacking
