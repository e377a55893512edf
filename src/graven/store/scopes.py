"""One experiment of a store as if it were all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graven.catalog.questions import Header, find_header
from graven.errors import Conflict, InvalidInput, NotFound
from graven.store.experiments import ExperimentManifest, check_experiment, list_manifests

if TYPE_CHECKING:
    import pyarrow.dataset

    from graven.model.run import Run
    from graven.model.trend import TrendSeries
    from graven.query import Query
    from graven.store.care import Store
    from graven.store.revisions import Resolved
    from graven.store.rows import Matrix, Rows, Top
    from graven.store.tensors import Tensors
    from graven.store.writing import Batch

# Methods of a store whose first argument is the id of a run: asked of this experiment's runs
# alone, and then just what they are of the store.
_OF_A_RUN = frozenset(
    {
        "attach", "attachment", "attachments", "delete", "detach", "export_attachment",
        "follow_log", "get_derived", "get_result", "get_table", "list_folder", "list_results",
        "live_log", "load", "locator", "log_metric", "metrics", "open_attachment",
        "put_derived", "put_log", "put_result", "put_table", "read_attachment", "set_baseline",
        "tables",
    }
)  # fmt: skip


class ScopedStore:
    """A view of a store in which there is one experiment; made by `Store.scoped`.

    What is saved through it belongs to the experiment, and every question is answered from
    its runs alone: a run of another experiment is not found. Beside the methods written out
    here it has those of the store that take a run's id (``attach``, ``put_result`` ...).
    Baselines and tags belong to the whole store: they are at ``view.store``.

    Attributes:
        store: the store.
        experiment: the id of the experiment.
    """

    def __init__(self, store: Store, experiment: str) -> None:
        self.store = store
        self.experiment = check_experiment(experiment)

    def __repr__(self) -> str:
        return f"{self.store!r}.scoped({self.experiment!r})"

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_A_RUN:
            raise AttributeError(f"a scoped store has no {name!r}; its .store may have it")
        return _guarded(getattr(self.store, name), self._own)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_OF_A_RUN})

    # --- writing ---

    def save(self, run: Run) -> Path:
        """As `Store.save`; the run belongs to the experiment.

        Raises:
            InvalidInput: it says that it belongs to another. Conflict: its id is taken by a
                run of another.
        """
        return self.store.save(self._claim(run))

    @contextmanager
    def batch(self) -> Iterator[ScopedBatch]:
        """As `Store.batch`."""
        with self.store.batch() as batch:
            yield ScopedBatch(batch, self._claim)

    def relabel(self, run_id: str, **changes: Any) -> Run:
        """As `Store.relabel`; the experiment stays."""
        if changes.get("experiment", self.experiment) != self.experiment:
            raise InvalidInput(
                "a scoped store moves no run to another experiment",
                kind="other-experiment",
                field="experiment",
            )
        return self.store.relabel(self._own(run_id), **changes)

    def _claim(self, run: Run) -> Run:
        if run.experiment not in (None, self.experiment):
            raise InvalidInput(
                f"run {run.id} says that it is of experiment {run.experiment!r},"
                f" not {self.experiment!r}",
                kind="other-experiment",
                field="experiment",
            )
        header = self._find(run.id)
        if header is not None and not header.deleted and header.experiment != self.experiment:
            raise Conflict(
                f"run {run.id} is there already, of experiment {header.experiment!r}",
                kind="run-elsewhere",
                hint="give the run another id",
                run=run.id,
            )
        return dataclasses.replace(run, experiment=self.experiment)

    # --- questions ---

    def load_rev(self, rev: str) -> Run:
        """The run that a revision means, among the experiment's."""
        return self.store.load_object(self.resolve(rev).object_id)

    def resolve(self, rev: str) -> Resolved:
        """What a revision means; ``latest`` is the experiment's.

        Raises:
            NotFound: nothing, or a run of another experiment.
        """
        found = self.store.resolve(rev, experiment=self.experiment)
        self._own(found.run_id)
        return found

    def headers(self, **wanted: Any) -> list[Header]:
        """As `Store.headers`."""
        return self.store.headers(**{**wanted, "experiment": self.experiment})

    def iter_headers(self, **wanted: Any) -> Iterator[Header]:
        """As `Store.iter_headers`."""
        return self.store.iter_headers(**{**wanted, "experiment": self.experiment})

    def count(self) -> int:
        """How many runs there are."""
        return len(self.headers())

    def select(self, where: str | Query = "", **options: Any) -> list[Header]:
        """As `Store.select`."""
        return self.store.select(self._narrow(where), **options)

    def iter_select(self, where: str | Query = "", **options: Any) -> Iterator[Header]:
        """As `Store.iter_select`."""
        return self.store.iter_select(self._narrow(where), **options)

    def select_ids(self, where: str | Query = "", **options: Any) -> list[str]:
        """As `Store.select_ids`."""
        return self.store.select_ids(self._narrow(where), **options)

    def select_rows(
        self, columns: str | Sequence[str], where: str | Query = "", **options: Any
    ) -> Rows:
        """As `Store.select_rows`."""
        return self.store.select_rows(columns, self._narrow(where), **options)

    def select_matrix(
        self, metrics: Sequence[str], where: str | Query = "", **options: Any
    ) -> Matrix:
        """As `Store.select_matrix`."""
        return self.store.select_matrix(metrics, self._narrow(where), **options)

    def top(
        self, metric: str, n: int = 10, *, where: str | Query = "", ascending: bool = False
    ) -> list[Top]:
        """As `Store.top`."""
        return self.store.top(metric, n, where=self._narrow(where), ascending=ascending)

    def _narrow(self, where: str | Query) -> Query:
        from graven.query import narrow

        return narrow(where, experiment=self.experiment)

    def list_runs(self, branch: str | None = None) -> list[Run]:
        """As `Store.list_runs`."""
        return self.store.list_runs(branch, experiment=self.experiment)

    def iter_runs(self, branch: str | None = None) -> Iterator[Run]:
        """As `Store.iter_runs`."""
        return self.store.iter_runs(branch, experiment=self.experiment)

    def latest(self, branch: str | None = None) -> Run:
        """As `Store.latest`."""
        return self.load_rev(f"latest@{branch}" if branch else "latest")

    def query(self, /, **tags: str | None) -> list[Run]:
        """As `Store.query`."""
        return self.store.query_in(self.experiment, tags)

    def extract_trend(
        self, metric: str, point_name: str, tags: dict[str, str], **options: Any
    ) -> TrendSeries:
        """As `Store.extract_trend`."""
        options["experiment"] = self.experiment
        return self.store.extract_trend(metric, point_name, tags, **options)

    @property
    def tensors(self) -> ScopedTensors:
        """As `Store.tensors`, of the experiment's runs."""
        return ScopedTensors(self.store.tensors, self._own)

    def scan(
        self, name: str, where: Mapping[str, Any] | None = None, **options: Any
    ) -> pyarrow.dataset.Dataset:
        """As `Store.scan`; ``where`` is a mapping here, if anything."""
        if where is not None and not isinstance(where, Mapping):
            raise InvalidInput(
                "a scoped scan takes its conditions as a mapping",
                kind="bad-filter",
                hint="filter the dataset by an expression",
                field="where",
            )
        own = {**(where or {}), "experiment": self.experiment}
        return self.store.scan(name, own, **options)

    # --- the experiment's own manifests ---

    def put_manifest(self, record: Mapping[str, Any]) -> ExperimentManifest:
        """As `Store.put_manifest`, of this experiment."""
        return self.store.put_manifest(self.experiment, record)

    def get_manifest(self) -> dict[str, Any] | None:
        """As `Store.get_manifest`, of this experiment."""
        return self.store.get_manifest(self.experiment)

    def manifests(self) -> list[ExperimentManifest]:
        """As `Store.manifests`, of this experiment."""
        return list_manifests(self.store, self.experiment)

    # --- whose a run is ---

    def _find(self, run_id: object) -> Header | None:
        if not isinstance(run_id, str):
            raise InvalidInput("run id must be text", kind="bad-name", field="run id")
        return self.store.parts.index.ask(partial(find_header, run_id=run_id))

    def _own(self, run_id: str) -> str:
        header = self._find(run_id)
        if header is None or header.deleted or header.experiment != self.experiment:
            raise NotFound(
                f"Run not found: {run_id} (in experiment {self.experiment!r})",
                kind="run-missing",
                run=run_id,
            )
        return header.run_id


def _guarded(method: Callable[..., Any], own: Callable[[str], str]) -> Callable[..., Any]:
    """A method that takes a run's id first, for runs of one experiment."""

    @wraps(method)
    def of_own_run(run_id: str, *args: Any, **options: Any) -> Any:
        return method(own(run_id), *args, **options)

    return of_own_run


class ScopedTensors:
    """As `graven.store.tensors.Tensors`, for one experiment."""

    def __init__(self, tensors: Tensors, own: Callable[[str], str]) -> None:
        self._tensors = tensors
        self._own = own

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in dir(self._tensors):
            raise AttributeError(f"tensors have no {name!r}")
        return _guarded(getattr(self._tensors, name), self._own)


class ScopedBatch:
    """As `graven.store.writing.Batch`, for one experiment."""

    def __init__(self, batch: Batch, claim: Callable[[Run], Run]) -> None:
        self._batch = batch
        self._claim = claim

    @property
    def run_ids(self) -> list[str]:
        """The runs so far."""
        return self._batch.run_ids

    def save(
        self,
        run: Run,
        *,
        note: Mapping[str, Any] | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> None:
        """Add a run; it belongs to the experiment."""
        self._batch.save(self._claim(run), note=note, attachments=attachments)
