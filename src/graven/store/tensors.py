"""Tensors of runs, by batch, layer and key."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from graven import clock
from graven.errors import InvalidInput
from graven.store.tables import TableStore

if TYPE_CHECKING:
    from graven.catalog.database import Catalog
    from graven.store.tensor_entries import AppendedTensors
    from graven.store.tensor_listing import Group
    from graven.store.tensor_writing import TensorWriter

T = TypeVar("T")

LOOK_SECONDS = 5.0  # for so long a run that was there is taken to be there by who appends to it
MANY_UPDATES = 500  # of one transaction: from here on the catalog's part of them takes time


class TensorStore(TableStore):
    """A store's tensors."""

    @cached_property
    def tensors(self) -> Tensors:
        """Tensors of runs: put, listed and read by batch, layer and key."""
        return Tensors(self)

    def delete(self, run_id: str, *, force: bool = False) -> None:
        """See `WritingStore.delete`."""
        super().delete(run_id, force=force)
        self.tensors.forget()


class Tensors:
    """Tensors of runs; `Store.tensors` gives it.

    A batch holds ``{layer: {key: array}}``, ``{layer: array}`` or ``[array, ...]``, and is read
    back in the form in which it was given. Layers and keys are any text (integers are taken
    as text). Each tensor is an attachment ``tensors/<batch>/<layer>/<key>`` of its own in
    safetensors form, and stored once however many batches and runs hold it.

    Arrays are numpy's, torch's, or whatever has ``__array__``; what is read are numpy arrays,
    or with ``framework="torch"`` torch tensors, where the program has imported torch. bfloat16
    and float8 come in the dtypes of ml_dtypes; where that is not installed as unsigned integers
    whose ``dtype.metadata["safetensors"]`` says what they are.

    Every method raises `NotFound` for a run that is not there.
    """

    def __init__(self, store: TensorStore) -> None:
        self._store = store
        self._seen: dict[str, float] = {}  # runs that are there, and when that was looked up

    def forget(self) -> None:
        """Look again before the next append: a run that was there may not be any more."""
        self._seen.clear()

    # --- writing ---

    def put_batch(
        self,
        run_id: str,
        batch: int,
        tensors: Any,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Store a batch, durably; all of it becomes visible at once.

        A batch that was there is replaced whole, its metadata too.

        Args:
            run_id: the run (an exact id).
            batch: from 0 on, in any order and with holes.
            tensors: see the class.
            metadata: JSON-like facts of the batch.

        Raises:
            InvalidInput: names batch, layer and key; nothing was changed.
            BackendUnavailable: not stored (no room, not allowed, gone).
        """
        with self.writer(run_id) as writer:
            writer.put_batch(batch, tensors, metadata)

    def append(self, run_id: str, metadata: Mapping[str, Any] | None, tensors: Any) -> str:
        """Add an entry to those of the whole run, behind all that are there; returns its name.

        It costs the same however many there are. Entries of several writers at once all
        stay; their order is that of their stamps. What is appended within seconds of a
        deletion of the run by another program goes with the run.

        Raises:
            InvalidInput: names layer and key; nothing was changed.
        """
        # The look costs what the store's listing does, which grows with every append.
        longest = min(LOOK_SECONDS, self._store.grace_seconds / 4)
        now = clock.uptime()
        seen = self._seen.get(run_id, -math.inf) if isinstance(run_id, str) else -math.inf
        if now - seen > longest:
            run_id = self._check_run(run_id)
            self._seen[run_id] = now
        with self._writing(self._run(run_id)) as writer:
            return writer.append(metadata, tensors)

    def delete_batch(self, run_id: str, batch: int) -> None:
        """Take a batch away; a tombstone keeps it away in copies of the store too.

        Raises:
            NotFound: no such batch.
        """
        with self.writer(run_id) as writer:
            writer.delete_batch(batch)

    @contextmanager
    def writer(self, run_id: str) -> Iterator[TensorWriter]:
        """Many batches in one transaction: all become visible at its end, or none."""
        with self._writing(self._check_run(run_id)) as writer:
            yield writer

    def _check_run(self, run_id: str) -> str:
        header = self._store._header(run_id)
        self._store.parts.session.observe(header.stamp)
        return header.run_id

    @contextmanager
    def _writing(self, run_id: str) -> Iterator[TensorWriter]:
        from graven.store.tensor_writing import TensorWriter

        writer = TensorWriter(self._store, run_id, self._store.parts.session.writer())
        try:
            yield writer
        finally:
            writer.ended = True
        updates = writer.finish()
        if updates >= MANY_UPDATES and not self._store.parts.backend.remote:
            # Here, since whoever asks next would wait for it. (Of a bucket it is done already.)
            what = "the catalog was not brought up to date"
            self._store._best_effort(what, self._store.parts.index.refresh)

    # --- reading ---

    def batches(self, run_id: str) -> list[int]:
        """The batches of a run, in their order."""
        from graven.store.tensor_listing import list_batches

        return self._of_run(run_id, list_batches)

    def layers(self, run_id: str, batch: int) -> dict[str, list[str]]:
        """Layers of a batch with their keys; no tensor is read.

        Raises:
            NotFound: no such batch.
        """
        from graven.store.tensor_reading import keys_by_layer, where_of

        return keys_by_layer(self._store, self._batch(run_id, batch), where_of(run_id, batch))

    def metadata(self, run_id: str, batch: int) -> dict[str, Any]:
        """The metadata of a batch, empty if it was given none.

        Raises:
            NotFound: no such batch.
        """
        from graven.store.tensor_reading import read_content, where_of

        group = self._batch(run_id, batch)
        return read_content(self._store, group, where_of(run_id, batch)).metadata

    def get(
        self, run_id: str, batch: int, layer: object, key: object, *, framework: str = "numpy"
    ) -> Any:
        """One tensor; the others of its batch are not read.

        Raises:
            NotFound: no such batch, layer or key. Corrupt: it is damaged.
            InvalidInput: an argument that cannot be, or ``framework`` is not loaded.
        """
        from graven.store.tensor_arrays import check_framework
        from graven.store.tensor_reading import read_one

        check_framework(framework)
        group = self._batch(run_id, batch)
        return read_one(self._store, group, f"run {run_id}, batch {batch}", (layer, key), framework)

    def get_batch(self, run_id: str, batch: int, *, framework: str = "numpy") -> Any:
        """The tensors of a batch, in the form in which they were given.

        Raises:
            NotFound: no such batch. Corrupt: a tensor is damaged; names it.
        """
        from graven.store.tensor_arrays import check_framework
        from graven.store.tensor_reading import read_group

        check_framework(framework)
        group = self._batch(run_id, batch)
        return read_group(self._store, group, f"run {run_id}, batch {batch}", framework)

    def iter_batches(self, run_id: str, *, framework: str = "numpy") -> Iterator[tuple[int, Any]]:
        """All batches with their tensors, in their order, a few megabytes in memory."""
        return self.iter_range(run_id, framework=framework)

    def iter_range(
        self,
        run_id: str,
        start: int = 0,
        stop: int | None = None,
        step: int = 1,
        *,
        framework: str = "numpy",
    ) -> Iterator[tuple[int, Any]]:
        """The batches of ``range(start, stop, step)`` that are there; ``stop`` None is no end.

        Arguments are checked, and the batches listed, when it is called.

        Raises:
            InvalidInput: ``start`` or ``stop`` below 0, ``step`` below 1.
        """
        from graven.store.tensor_arrays import check_framework
        from graven.store.tensor_reading import iter_batches

        check_framework(framework)
        wanted = _range(start, stop, step)
        batches = [batch for batch in self.batches(run_id) if batch in wanted]
        return iter_batches(self._store, self._run(run_id), batches, framework)

    def appended(self, run_id: str) -> Iterator[AppendedTensors]:
        """What was appended to a run, in its order; each reads its tensors when asked."""
        from graven.store.tensor_entries import AppendedTensors
        from graven.store.tensor_listing import list_entries

        names = self._of_run(run_id, list_entries)
        run_id = self._run(run_id)
        return (AppendedTensors(self._store, run_id, n, name) for n, name in enumerate(names))

    # --- parts ---

    def _run(self, run_id: str) -> str:
        from graven.store.reading import _searched

        return _searched(run_id)

    def _of_run(self, run_id: str, question: Callable[[Catalog, str], T]) -> T:
        header = self._store._header(run_id)
        return self._store.parts.index.look(lambda catalog: question(catalog, header.run_id))

    def _batch(self, run_id: str, batch: int) -> Group:
        from graven.store.tensor_listing import batch_missing, find_batch
        from graven.store.tensor_names import check_batch

        number = check_batch(batch)
        group = self._of_run(run_id, partial(find_batch, batch=number))
        if not group.exists:
            raise batch_missing(run_id, number)
        return group


def _range(start: int, stop: int | None, step: int) -> range:
    from graven.store.tensor_names import MAX_BATCH

    for name, value, least in (("start", start, 0), ("stop", stop, 0), ("step", step, 1)):
        if value is None and name == "stop":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidInput(
                f"{name} must be an integer from {least} on, not {str(value)[:60]!r}",
                kind="bad-range",
                field=name,
            )
    return range(start, MAX_BATCH + 1 if stop is None else stop, step)
