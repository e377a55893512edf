"""Structured records: results and derived metrics of runs, manifests of experiments, scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from graven.errors import InvalidInput, NotFound
from graven.ids import parse_object_id
from graven.store.attaching import AttachingStore
from graven.store.attachment_names import under

if TYPE_CHECKING:
    from graven.store.annotations import SeriesLike, StepAnnotation
    from graven.store.attachments import Attachment
    from graven.store.care import Store
    from graven.store.experiments import ExperimentManifest, ExperimentSummary
    from graven.store.records import Result
    from graven.store.scopes import ScopedStore
    from graven.store.series import MetricWriter


class RecordingStore(AttachingStore):
    """A store's structured records."""

    # --- results ---

    def put_result(
        self,
        run_id: str,
        name: str,
        data: Any,
        *,
        dtype: str | None = None,
        shape: Sequence[int] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Attachment:
        """Keep data that a run gave; what had the name is replaced.

        Args:
            run_id: the run.
            name: ``results/`` may be left out.
            data: JSON-like, a numpy array of numbers or booleans, or the bytes of one
                (little-endian, in C order) with its dtype.
            dtype: ``float64``, ``<f8`` ...; what the data is to be read back as.
            shape: of the array.
            metadata: JSON-like facts, kept with it.

        Raises:
            NotFound: no such run. InvalidInput: data that has no JSON form, an array of
                objects, bytes that do not fit their shape.
        """
        from graven.store.attachment_writes import put_array, put_record
        from graven.store.attachments import check_metadata
        from graven.store.records import RESULT, as_array, value_manifest

        name = under("results", name)
        facts = check_metadata(metadata or {})
        header = self._header(run_id)
        raw = as_array(data, dtype, shape)
        if raw is not None:
            return put_array(self, header, name, raw, facts)
        return put_record(self, header, name, value_manifest(RESULT, data, facts, dtype, shape))

    def get_result(self, run_id: str, name: str) -> Result:
        """Data that a run gave; of a metric over steps ``data`` is ``[[step, value], ...]``.

        Raises:
            NotFound: no such run or result. Corrupt: damaged.
        """
        from graven.store.contents import read_result

        found = self.attachment(run_id, under("results", name))
        return read_result(self, found)

    def list_results(self, run_id: str) -> list[str]:
        """Names of a run's results, without ``results/``, sorted.

        Raises:
            NotFound: no such run.
        """
        found = self.attachments(run_id, "results/")
        return [attachment.name.removeprefix("results/") for attachment in found]

    def metrics(self, run_id: str) -> MetricWriter:
        """A writer of metrics over steps, kept as results; use it as a context manager.

        Raises:
            NotFound: no such run.
        """
        from graven.store.series import MetricWriter

        return MetricWriter(self, self._header(run_id))

    def log_metric(self, run_id: str, name: str, value: float, step: float | None = None) -> None:
        """Append one value to a metric over steps, durable on return; for many: `metrics`.

        Raises:
            NotFound: no such run. InvalidInput: not a number.
        """
        with self.metrics(run_id) as writer:
            writer.log(name, value, step)

    # --- annotations ---

    def annotate_step(
        self, series: SeriesLike, run_id: str, state: str | None, *, message: str = ""
    ) -> None:
        """Say of a step in a series that it is meant, or that it is none; durable on return.

        It stands beside the run at which the new level begins, goes with it to other stores,
        and has a history. A gate looks at no run before an accepted step.

        Args:
            series: scenario, name, tags and metric, such as `series` gives.
            run_id: the run (an exact id).
            state: ``accepted``, ``rejected``, or None to take back what was said.
            message: why, up to 4,096 characters.

        Raises:
            NotFound: no such run. InvalidInput: another state, a longer message.
        """
        self.annotate_steps([(series, run_id)], state, message=message)

    def annotate_steps(
        self, steps: Iterable[tuple[SeriesLike, str]], state: str | None, *, message: str = ""
    ) -> int:
        """As `annotate_step`, of several (series, run id) in one transaction.

        Returns:
            How many said something else before.
        """
        from graven.store.annotations import annotate_steps

        return annotate_steps(self, steps, state, message)

    def step_annotations(self, series: SeriesLike | None = None) -> list[StepAnnotation]:
        """The steps that are accepted or rejected now, of one series or of all, oldest first.

        One question to the catalog, however many runs there are.
        """
        from graven.store.annotations import step_annotations

        return step_annotations(self, series)

    def step_history(self, series: SeriesLike) -> list[StepAnnotation]:
        """All that was ever said of the steps of a series, the latest first.

        What was taken back has the state ``withdrawn``.
        """
        from graven.store.annotations import step_history

        return step_history(self, series)

    # --- derived ---

    def put_derived(
        self, run_id: str, mapping: Mapping[str, Any], name: str = "metrics"
    ) -> Attachment:
        """Keep what was computed from a run, and may be computed again; it is no part of it.

        Raises:
            NotFound: no such run. InvalidInput: what has no JSON form.
        """
        from graven.store.attachment_writes import put_record
        from graven.store.records import DERIVED, value_manifest

        if not isinstance(mapping, Mapping):
            raise InvalidInput("derived metrics are no mapping", kind="bad-type", field="mapping")
        name = under("derived", name)
        return put_record(self, self._header(run_id), name, value_manifest(DERIVED, mapping))

    def get_derived(self, run_id: str, name: str = "metrics") -> dict[str, Any] | None:
        """What was computed from a run; None if nothing was kept under this name.

        Raises:
            NotFound: no such run. Corrupt: damaged.
        """
        from graven.store.contents import read_record
        from graven.store.records import record_value

        try:
            found = self.attachment(run_id, under("derived", name))
        except NotFound as error:
            if error.kind == "attachment-missing":
                return None
            raise
        record = read_record(self, parse_object_id(found.object_id))
        value = None if record is None else record_value(record)
        return value if isinstance(value, dict) else None

    # --- experiments ---

    def put_manifest(self, experiment: str, record: Mapping[str, Any]) -> ExperimentManifest:
        """Keep what describes an experiment; earlier versions stay.

        Args:
            experiment: its id, any text: ``name:version``.
            record: JSON-like.

        Raises:
            InvalidInput: no such id can be, or what has no JSON form.
        """
        from graven.store.experiments import put_manifest

        return put_manifest(self, experiment, record)

    def get_manifest(self, experiment: str) -> dict[str, Any] | None:
        """The latest version by stamp, of just this experiment; None if there is none.

        Raises:
            Corrupt: damaged.
        """
        from graven.store.experiments import list_manifests

        found = list_manifests(self, experiment, limit=1)
        return found[0].record if found else None

    def manifests(self, experiment: str) -> list[ExperimentManifest]:
        """Every version, newest first.

        Raises:
            Corrupt: one is damaged.
        """
        from graven.store.experiments import list_manifests

        return list_manifests(self, experiment)

    def list_experiments(self) -> list[ExperimentSummary]:
        """Experiments that have a run or a manifest, by id."""
        from graven.store.experiments import list_experiments

        return self._index.ask(list_experiments)

    def scoped(self, experiment: str) -> ScopedStore:
        """A view of the store in which there is one experiment and no other.

        Raises:
            InvalidInput: no such id can be.
        """
        from graven.store.scopes import ScopedStore

        return ScopedStore(cast("Store", self), experiment)

    # --- locators ---

    def locator(
        self, run_id: str | None = None, name: str | None = None, path: str | None = None
    ) -> str:
        """Text that names the store, a run, an attachment or a file in it, wherever they lie.

        It holds no path and no address: it is true for every copy of the store. Nothing is
        looked up.
        """
        from graven.store.locators import Locator

        return str(Locator(self.store_id, run_id, name, path))

    def open_locator(self, text: str) -> BinaryIO:
        """The attachment that a locator names, as `open_attachment` opens it.

        Raises:
            InvalidInput: no locator, or none of an attachment. NotFound: it is of another
                store, or what it names is not here.
        """
        from graven.store.locators import parse_locator

        found = parse_locator(text).of_attachment(self.store_id)
        return self.open_attachment(*found)
