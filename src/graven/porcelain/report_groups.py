"""Compare groups of runs: hardware with hardware, model with model, branch with branch."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from graven import clock
from graven.analysis.grouping import ALL, NEWEST, Part, group_matrices
from graven.errors import InvalidInput, NotFound
from graven.porcelain.report import store_name
from graven.porcelain.trend import fits, nothing_fits
from graven.query.spelling import nearest
from graven.report.group_model import Group, GroupComparison
from graven.report.model import tags_text
from graven.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graven.catalog.questions import Header
    from graven.catalog.trends import SeriesName
    from graven.model import MetricDef
    from graven.store.matrices import Series, SeriesTable

    Codes = NDArray[np.intp]

MAX_GROUPS = 50
MAX_ROWS = 1_000
_OF_RUNS = ("branch", "commit", "experiment", "machine")
_MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRequest:
    """What is asked for.

    Attributes:
        field: what tells the groups apart: ``tag.K``, ``param.K``, ``branch``, ``commit``,
            ``experiment``, ``machine``.
        by: the same for the rows; None for a row a series.
        where: a query that chooses the runs; model: only what is of this model, by the tag
            ``model`` of a point, and where it has none by the parameter ``model`` of its run.
        metric, point, scenario: names, or patterns with the wildcards ``* ? []``.
        over: ``newest``: of each series the newest number in the group; ``all``: the median of
            all its numbers there.
        max_groups: those with the newest runs; max_rows: of each matrix, the first.
    """

    field: str
    by: str | None = None
    where: str = ""
    model: str | None = None
    metric: str = "*"
    point: str = "*"
    scenario: str = "*"
    over: str = NEWEST
    max_groups: int = MAX_GROUPS
    max_rows: int = MAX_ROWS


def compare_groups(store: Store, request: GroupRequest) -> GroupComparison:
    """Matrices of the groups, for each metric.

    Raises:
        InvalidInput: the query is wrong, or groups by what no run has.
        NotFound: no series fits; no run is of that model.
    """
    for field in filter(None, (request.field, request.by)):
        _check_field(field)
    headers = store.select(request.where)
    since = min((header.timestamp for header in headers), default=None)
    table = store.series_table(since=since)
    names = [name for name in table.names() if _fits(name, request)]
    if not names:
        raise nothing_fits(store, request.metric, request.point, request.scenario)
    # What other runs measured, and in which unit, is no matter of these.
    chosen = {header.run_id for header in headers}
    table = table.among(at for at, run in enumerate(table.runs) if run.run_id in chosen)
    gathering = _Gathering(store, request, headers, table, names)
    parts = list(gathering.parts())
    # A label that none of the chosen values has is no group of them.
    there = sorted({part.group for part in parts})
    place = {group: at for at, group in enumerate(there)}
    parts = [replace(part, group=place[part.group]) for part in parts]
    matrices = group_matrices(parts, len(there), unsure=gathering.unsure)
    more = sum(max(0, len(one.rows) - request.max_rows) for one in matrices)
    if more:
        gathering.left_out[f"rows beyond the first {request.max_rows:,} of a metric"] = more
    return GroupComparison(
        store=store_name(store),
        made=clock.now(),
        field=request.field,
        by=request.by,
        over=request.over,
        where=request.where,
        model=request.model,
        runs=len(headers),
        groups=tuple(
            Group(
                label=gathering.across.labels[group],
                runs=gathering.runs_of[group],
                newest=max(part.timestamp for part in parts if part.group == place[group]),
            )
            for group in there
        ),
        row_titles=(request.by,) if request.by else ("scenario", "point", "tags"),
        matrices=tuple(replace(one, rows=one.rows[: request.max_rows]) for one in matrices),
        left_out=tuple(f"{count:,} {what}" for what, count in gathering.left_out.items() if count),
    )


def _check_field(field: str) -> None:
    head, _, key = field.partition(".")
    if field in _OF_RUNS or (head in ("tag", "param") and key):
        return
    raise InvalidInput(
        f"groups cannot be told apart by {field!r}",
        kind="bad-group",
        hint=f"one of {', '.join(_OF_RUNS)}, tag.KEY, param.KEY",
        field="compare",
    )


def _fits(name: SeriesName, asked: GroupRequest) -> bool:
    return (
        fits(name.metric, asked.metric)
        and (fits(name.name, asked.point) or fits(f"{name.scenario}/{name.name}", asked.point))
        and fits(name.scenario, asked.scenario)
    )


class _Labels:
    """What a field says of each value: a position in ``labels``, -1 for nothing.

    A tag is a matter of the series, everything else of the run.
    """

    def __init__(
        self, field: str, store: Store, where: str, table: SeriesTable, names: list[SeriesName]
    ) -> None:
        head, _, key = field.partition(".")
        self.key = key if head == "tag" else None
        if self.key is not None:
            with_key = [name for name in names if key in name.tags]
            found = {name.tags[key] for name in with_key if name in table}
            if not with_key:
                near = nearest(key, sorted({tag for name in names for tag in name.tags}))
                raise InvalidInput(
                    f"no point has a tag {key!r}", kind="name-unknown", hint=near, field="compare"
                )
            self.labels = sorted(found, key=_order(found))
            self._at = {label: at for at, label in enumerate(self.labels)}
            return
        by_run = _column(store, field, where)
        said = [by_run.get(run.run_id) for run in table.runs]  # oldest first
        if field == "commit":  # in the order in which they were last measured
            self.labels = list(dict.fromkeys(text for text in reversed(said) if text))[::-1]
        else:
            known = {text for text in said if text is not None}
            self.labels = sorted(known, key=_order(known))
        self._said = said
        self._number()

    def _number(self) -> None:
        import numpy as np

        self._at = {label: at for at, label in enumerate(self.labels)}
        codes = [-1 if text is None else self._at.get(text, -1) for text in self._said]
        self.codes = np.array(codes, np.intp)

    def limit(self, most: int) -> int:
        """Keep so many labels, those of the newest runs where it is a matter of runs."""
        more = max(0, len(self.labels) - most)
        if more and self.key is not None:
            self.labels = self.labels[:most]
            self._at = {label: at for at, label in enumerate(self.labels)}
        elif more:
            newest = dict.fromkeys(text for text in reversed(self._said) if text is not None)
            keep = set(list(newest)[:most])
            self.labels = [label for label in self.labels if label in keep]
            self._number()
        return more

    def of(self, name: SeriesName, rows: Codes) -> Codes:
        """Positions of the values that a series has at ``rows`` of the table."""
        import numpy as np

        if self.key is None:
            return self.codes[rows]
        return np.full(len(rows), self._at.get(name.tags.get(self.key, ""), -1), np.intp)


def _order(labels: set[str]) -> Any:
    """Numbers as numbers where all are."""
    try:
        numbers = {label: float(label) for label in labels}
    except ValueError:
        return None
    return lambda label: (numbers[label], label)


def _column(store: Store, field: str, where: str) -> dict[str, str | None]:
    found = store.select_rows([field], where)
    return {
        header.run_id: _text(row[0]) for header, row in zip(found.headers, found.rows, strict=True)
    }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


class _Place(NamedTuple):
    """A group, the name of a row, and where a series has the values of both."""

    group: int
    row: tuple[str, ...]
    at: Codes


class _Gathering:
    """Takes the series of the table apart."""

    def __init__(
        self,
        store: Store,
        asked: GroupRequest,
        headers: Sequence[Header],
        table: SeriesTable,
        names: list[SeriesName],
    ) -> None:
        import numpy as np

        self._store, self._asked, self._table, self._names = store, asked, table, names
        self.across = _Labels(asked.field, store, asked.where, table, names)
        self.down = asked.by and _Labels(asked.by, store, asked.where, table, names)
        self.left_out: Counter[str] = Counter()
        self.left_out[f"groups beyond {asked.max_groups:,}"] = self.across.limit(asked.max_groups)
        origins = {header.run_id: str(header.origin) for header in headers}
        self._origins = [origins.get(run.run_id) for run in table.runs]
        self._chosen = np.array([origin is not None for origin in self._origins], bool)
        self._of_model = None if asked.model is None else self._runs_of_model(asked.model)
        self.unsure: set[str] = set()
        self.runs_of: dict[int, int] = {}

    def _runs_of_model(self, model: str) -> Any:
        import numpy as np

        try:
            said = _column(self._store, f"param.{_MODEL}", self._asked.where)
        except InvalidInput as error:
            if error.kind != "name-unknown":
                raise
            said = {}
        tags = {name.tags[_MODEL] for name in self._names if _MODEL in name.tags}
        known = tags | {text for text in said.values() if text is not None}
        if model not in known:
            raise NotFound(
                f"no run has a tag or parameter 'model' that is {model!r}",
                kind="model-missing",
                hint=nearest(model, sorted(known)),
                field="model",
            )
        return np.array([said.get(run.run_id) == model for run in self._table.runs], bool)

    def parts(self) -> Iterator[Part]:
        """All values that were asked for, by series and group."""
        runs: dict[int, set[int]] = {}
        for name in self._names:
            if name not in self._table:
                continue
            series = self._table.series(name)
            if self._of_model is not None and name.tags.get(_MODEL, self._asked.model) != (
                self._asked.model
            ):
                continue
            definition = self._store.metric_defs.get(name.metric)
            if len(series.directions) > 1 and definition is None:
                self.unsure.add(name.metric)
                self.left_out[f"of the series state both directions of {name.metric!r}"] += 1
            for place in self._places(name, series):
                runs.setdefault(place.group, set()).update(series.rows[place.at].tolist())
                yield self._part(name, series, definition, place)
        self.runs_of = {group: len(found) for group, found in runs.items()}

    def _places(self, name: SeriesName, series: Series) -> Iterator[_Place]:
        import numpy as np

        rows = series.rows
        keep = self._chosen[rows]
        if self._of_model is not None and _MODEL not in name.tags:
            keep = keep & self._of_model[rows]
        for unit, count in series.other_units.items():
            self.left_out[f"older values in {unit or 'no unit'!r}"] += count
        finite = np.isfinite(series.values)
        self.left_out["values that are no number"] += int((keep & ~finite).sum())
        across = self.across.of(name, rows)
        down = self.down.of(name, rows) if self.down else np.zeros(len(rows), np.intp)
        keep = keep & finite
        self.left_out[f"values without {self._asked.field}"] += int((keep & (across < 0)).sum())
        if self.down:
            self.left_out[f"values without {self._asked.by}"] += int((keep & (down < 0)).sum())
        kept = np.flatnonzero(keep & (across >= 0) & (down >= 0))
        width = len(self.down.labels) if self.down else 1
        codes = across[kept] * width + down[kept]
        for code in np.unique(codes).tolist():
            group, label = divmod(code, width)
            row = (self.down.labels[label],) if self.down else self._series(name)
            yield _Place(group, row, kept[codes == code])

    def _series(self, name: SeriesName) -> tuple[str, ...]:
        apart = {self.across.key, self.down.key if self.down else None}
        tags = {key: value for key, value in name.tags.items() if key not in apart}
        return (name.scenario, name.name, tags_text(tags))

    def _part(self, name: SeriesName, series: Series, known: Any, place: _Place) -> Part:
        at = place.at if self._asked.over == ALL else place.at[-1:]
        newest = self._table.runs[series.rows[at[-1]]]
        return Part(
            group=place.group,
            row=place.row,
            series=self._series(name),
            metric=name.metric,
            definition=_defined(series.definition, known),
            values=series.values[at].tolist(),
            origins=Counter(self._origins[row] or "" for row in series.rows[at].tolist()),
            run_id=newest.run_id,
            timestamp=newest.timestamp,
        )


def _defined(stored: MetricDef | None, known: MetricDef | None) -> MetricDef | None:
    """What the settings say of the direction, and what the runs say of the unit."""
    if stored is None or known is None:
        return stored or known
    return replace(known, unit=stored.unit)
