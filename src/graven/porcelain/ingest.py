"""Read result files into the store: many at once, the bad ones named, the good ones in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from graven.catalog.questions import find_header
from graven.errors import BackendUnavailable, Conflict, GravenError, InvalidInput, NotFound
from graven.ingest import (
    AUTO,
    Failure,
    GitFacts,
    Ingested,
    Overrides,
    Place,
    Skipped,
    expand,
    formats,
    is_result,
    iter_path,
)
from graven.model import Run
from graven.store import Store

QUEUED = "queued"
RAW = "artifacts/raw/"  # where a run's source file is attached
BATCH_RUNS = 500
BATCH_BYTES = 32 * 2**20  # of source files: what a batch holds in memory at most, beside one file


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedRun:
    """One run that is in the store now, or ``queued``.

    ``outcome``: saved, replaced, unchanged; or queued, where the store could not be
    reached and the run waits on this machine.
    """

    run_id: str
    source: str
    format: str
    outcome: str
    points: int
    branch: str | None
    commit: str | None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record = {name: getattr(self, name) for name in self.__slots__}
        return {**record, "queued": self.queued, "notes": list(self.notes)}

    @property
    def queued(self) -> bool:
        """Whether it waits on this machine."""
        return self.outcome == QUEUED


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFile:
    """One file that is not in, and why."""

    source: str
    error: GravenError

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"source": self.source, **self.error.to_dict()}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of every file.

    Attributes:
        runs: those that are in the store now, or queued, in the order read.
        failed: files that could not be read or saved.
        skipped: (path, reason) of files in folders that no format knows.
        bytes_read: of the source files.
        bytes_new: of the source files whose run was not in the store.
    """

    runs: tuple[IngestedRun, ...]
    failed: tuple[FailedFile, ...]
    skipped: tuple[tuple[str, str], ...]
    bytes_read: int
    bytes_new: int

    def with_outcome(self, outcome: str) -> tuple[IngestedRun, ...]:
        """The runs that were ``saved``, ``replaced``, ``queued`` or found ``unchanged``."""
        return tuple(run for run in self.runs if run.outcome == outcome)

    @property
    def queued(self) -> bool:
        """Whether any run waits on this machine to be sent."""
        return any(run.queued for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "runs": [run.to_dict() for run in self.runs],
            "failed": [failed.to_dict() for failed in self.failed],
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
            "bytes_read": self.bytes_read,
            "bytes_new": self.bytes_new,
            "queued": self.queued,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it is: bytes of the files looked at, of those all, and of those new."""

    done: int
    total: int
    new: int
    source: str


@dataclass(slots=True)
class _Work:
    """What has been collected so far, and the batch that is not written yet."""

    store: Store
    replace: bool
    keep_raw: bool
    lossless: frozenset[str]
    explicit_id: bool
    runs: list[IngestedRun] = field(default_factory=list)
    failed: list[FailedFile] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    pending: list[tuple[Ingested, str]] = field(default_factory=list)
    pending_bytes: int = 0
    bytes_read: int = 0
    bytes_new: int = 0
    cut_off: bool = False  # the store could not be reached: it is not asked again


def ingest(
    store: Store,
    paths: Iterable[str | Path],
    *,
    format: str = AUTO,
    overrides: Overrides | None = None,
    git: GitFacts | None = None,
    replace: bool = False,
    keep_raw: bool | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Read files and folders and save their runs, a batch at a time.

    A run whose id is in the store already is left as it is, unless ``replace``. Nothing
    that goes wrong with one file stops the others. Where a remote store cannot be reached
    the runs are queued on this machine, and what it has last seen of the store says which
    are there already.

    Args:
        store: where to.
        paths: result files, folders of them, results folders of asv.
        format: name of a format, or ``auto``.
        overrides: what the user said; wins over the files.
        git: what git says of the working folder; for what files and user leave open.
        replace: write a new value under an id that is there.
        keep_raw: attach the source file to its run as ``artifacts/raw/<name>``; None means the
            store's setting ``ingest.keep_raw``, which is true where it is not set.
        on_progress: called before each file and at the end, with bytes.

    Raises:
        InvalidInput: ``format`` or ``overrides`` themselves are wrong; nothing was read.
        BackendUnavailable: the store failed; the batches before are in.
    """
    if keep_raw is None:
        keep_raw = _wants_raw(store)
    overrides = overrides or Overrides()
    work = _Work(
        store=store,
        replace=replace,
        keep_raw=keep_raw,
        lossless=frozenset(name for name, known in formats().items() if known.lossless),
        explicit_id=overrides.run_id is not None,
    )
    places = list(_places(paths, work))
    if overrides.run_id is not None:
        _refuse_a_shared_id(overrides.run_id, places)
    total = sum(_size(place.path) for place in places) if on_progress else 0
    for place in places:
        if on_progress:
            name = str(place.path)
            on_progress(
                Progress(done=work.bytes_read, total=total, new=work.bytes_new, source=name)
            )
        for item in iter_path(place, format=format, overrides=overrides, git=git):
            _take(work, item)
        work.bytes_read += _size(place.path)
    _flush(work)
    if on_progress:
        on_progress(Progress(done=work.bytes_read, total=total, new=work.bytes_new, source=""))
    return IngestReport(
        runs=tuple(work.runs),
        failed=tuple(work.failed),
        skipped=tuple(work.skipped),
        bytes_read=work.bytes_read,
        bytes_new=work.bytes_new,
    )


def _wants_raw(store: Store) -> bool:
    try:
        return bool(store.settings_for_writing().get("ingest.keep_raw", True))
    except BackendUnavailable as error:
        if not store.can_queue(error):
            raise
        return True  # never seen, so never set as far as this machine knows


def _refuse_a_shared_id(run_id: str, places: list[Place]) -> None:
    results = [place for place in places if is_result(place)] if len(places) > 1 else places
    if len(results) > 1:
        raise InvalidInput(
            f"{len(results)} files cannot share the run id {run_id!r}",
            kind="bad-field",
            hint="leave the id out, or name one file",
            field="run_id",
        )


def _places(paths: Iterable[str | Path], work: _Work) -> Iterator[Place]:
    for path in paths:
        try:
            for place in expand([path]):
                if isinstance(place, Skipped):
                    work.skipped.append((str(place.path), place.reason))
                else:
                    yield place
        except GravenError as error:
            work.failed.append(FailedFile(source=str(path), error=error))


def _size(path: Path) -> int:
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except (OSError, ValueError):
        return 0  # only for the progress bar; reading it says what is wrong


def _take(work: _Work, item: Ingested | Failure | Skipped) -> None:
    if isinstance(item, Skipped):
        work.skipped.append((str(item.path), item.reason))
        return
    if isinstance(item, Failure):
        work.failed.append(FailedFile(source=item.source, error=item.error))
        return
    try:
        outcome = _outcome(work, item)
    except GravenError as error:
        work.failed.append(FailedFile(source=item.source, error=error))
        return
    if outcome == "unchanged":
        work.runs.append(_ingested(item, outcome))
        return
    work.pending.append((item, outcome))
    work.pending_bytes += len(item.raw or b"")
    if len(work.pending) >= BATCH_RUNS or work.pending_bytes >= BATCH_BYTES:
        _flush(work)


def _outcome(work: _Work, item: Ingested) -> str:
    """What saving this run will be: ``saved``, ``replaced`` or ``unchanged``."""
    run = item.run
    # Where the id stands for the file's bytes, equal ids mean equal files. An id that
    # the file or the user chose may stand for something else: that must not pass unseen.
    chosen = work.explicit_id or item.format in work.lossless
    stored = next((other.run for other, _ in work.pending if other.run.id == run.id), None)
    if stored is None and not work.cut_off:
        try:
            stored = find_run(work.store, run.id)
        except BackendUnavailable as error:
            if not work.store.can_queue(error):
                raise
            work.cut_off = True
    if stored is None and work.cut_off:
        return _outcome_unseen(work, item, chosen)
    if stored is None:
        return "saved"
    if work.replace:
        return "unchanged" if stored == run else "replaced"
    if chosen and not _same_points(stored, run):
        raise Conflict(
            f"{item.source}: run {run.id!r} is in the store with other results",
            kind="run-exists",
            hint="--replace writes a new value under that id, --id gives it another",
            file=item.source,
            run=run.id,
        )
    return "unchanged"


def _outcome_unseen(work: _Work, item: Ingested, chosen: bool) -> str:
    """As `_outcome`, by what this machine has last seen of the store."""
    known = work.store.parts.index.look(partial(find_header, run_id=item.run.id))
    if known is None or known.deleted:
        return "saved"
    if work.replace:
        return "replaced"
    if not chosen:
        return "unchanged"
    raise BackendUnavailable(
        f"{item.source}: run {item.run.id!r} is in the store already, which cannot be"
        " reached to compare the two",
        kind="unreachable",
        hint="--replace queues it all the same, --id gives it another id",
        file=item.source,
        run=item.run.id,
    )


def _same_points(stored: Run, run: Run) -> bool:
    return [p.to_dict() for p in stored.points] == [p.to_dict() for p in run.points]


def find_run(store: Store, run_id: str) -> Run | None:
    """The run of exactly this id; None if there is none or it was removed."""
    try:
        return store.load(run_id)
    except NotFound:
        return None


def _flush(work: _Work) -> None:
    """Write the pending runs: one pack, one commit."""
    pending, work.pending, work.pending_bytes = work.pending, [], 0
    if not pending:
        return
    done = []
    with work.store.batch() as batch:
        for item, outcome in pending:
            keep = work.keep_raw and item.raw is not None
            try:
                batch.save(
                    item.run,
                    note={"source": item.source, "format": item.format},
                    attachments={f"{RAW}{item.raw_name}": item.raw} if keep and item.raw else None,
                )
            except InvalidInput as error:
                work.failed.append(FailedFile(source=item.source, error=error))
                continue
            done.append((item, outcome))
    for item, outcome in done:  # only now are they durable
        work.runs.append(_ingested(item, QUEUED if batch.queued else outcome))
        work.bytes_new += _size(Path(item.source))


def _ingested(item: Ingested, outcome: str) -> IngestedRun:
    return IngestedRun(
        run_id=item.run.id,
        source=item.source,
        format=item.format,
        outcome=outcome,
        points=len(item.run.points),
        branch=item.run.branch,
        commit=item.run.commit,
        notes=item.notes,
    )
