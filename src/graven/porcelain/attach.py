"""Keep files beside a run, take them away, write them out again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from graven.errors import InvalidInput
from graven.store import Store
from graven.store.attachment_names import check_attachment_name, folders_among
from graven.store.attachments import Attachment
from graven.store.extracting import place_below

STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One that was attached: ``new_bytes`` of its content were not in the store before."""

    attachment: Attachment
    new_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**self.attachment.to_dict(), "new_bytes": self.new_bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachReport:
    """What was attached to a run."""

    run_id: str
    attached: tuple[Attached, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"run": self.run_id, "attached": [one.to_dict() for one in self.attached]}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachProgress:
    """How far it is: bytes read so far, of how many (None: unknown), and how many were new."""

    source: str
    done: int
    total: int | None
    new: int


def attach(
    store: Store,
    rev: str,
    name: str,
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    media_type: str | None = None,
    metadata: dict[str, str] | None = None,
    progress: Callable[[AttachProgress], None] | None = None,
) -> AttachReport:
    """Keep files and folders beside the run that ``rev`` means, one after the other.

    Args:
        store: where the run is.
        rev: any revision.
        name: of the attachment; of several paths, or where it ends with ``/``, what the
            names of the files follow.
        paths: files and folders; ``-`` is ``stdin``.
        stdin: what is read for ``-``.
        media_type: of all of them; else guessed.
        metadata: facts kept with each.
        progress: told now and then.

    Raises:
        NotFound: no such run or file. InvalidInput: a name that no attachment may have; two
            files of one name. Those before it were attached.
    """
    run_id = run_of(store, rev)
    names = _names(name, paths)
    attached = []
    for full, path in names.items():
        source: Any = path
        if path == STDIN and stdin is not None:
            source = stdin
        new = 0
        total = os.path.getsize(path) if path != STDIN and os.path.isfile(path) else None

        def tell(done: int, written: int, path: str = path, total: int | None = total) -> None:
            nonlocal new
            new = written
            if progress is not None:
                progress(AttachProgress(source=path, done=done, total=total, new=written))

        made = store.attach(
            run_id, full, source, media_type=media_type, metadata=metadata, progress=tell
        )
        attached.append(Attached(attachment=made, new_bytes=new))
    return AttachReport(run_id=run_id, attached=tuple(attached))


def run_of(store: Store, rev: str) -> str:
    """The run that a revision means.

    Raises:
        NotFound: nothing. InvalidInput: an object that no run has.
    """
    run_id = store.resolve(rev).run_id
    if not run_id:
        raise InvalidInput(
            f"{rev!r} is an object that no run has", kind="no-run", hint="name a run", rev=rev
        )
    return run_id


def _names(name: str, paths: Sequence[str]) -> dict[str, str]:
    """Attachment names to paths; all are looked at before the first is read."""
    if len(paths) == 1 and not name.endswith("/"):
        return {check_attachment_name(name): paths[0]}
    found: dict[str, str] = {}
    for path in paths:
        last = os.path.basename(os.path.abspath(path))
        if path == STDIN or not last:
            raise InvalidInput(
                f"{path!r} gives no name to go behind {name!r}",
                kind="bad-name",
                hint="attach it alone, under its whole name",
                field="name",
            )
        full = check_attachment_name(f"{name.rstrip('/')}/{last}")
        if full in found:
            raise InvalidInput(
                f"{found[full]!r} and {path!r} would both be {full!r}",
                kind="bad-name",
                field="name",
            )
        found[full] = path
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An attachment and the path that it was written to."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written where."""

    run_id: str
    exported: tuple[Exported, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        rows = [{"name": one.name, "path": one.path} for one in self.exported]
        return {"run": self.run_id, "exported": rows}


def export(
    store: Store, rev: str, names: Sequence[str], folder: str, *, force: bool = False
) -> ExportReport:
    """Write attachments below a folder, each under its name.

    Where ``artifacts/x`` and ``artifacts/x/y`` are kept beside one run, the former becomes
    ``artifacts/x%``, whichever of them are written.

    Args:
        store: where the run is.
        rev: any revision.
        names: which; all of the run's if there are none.
        folder: made if it is not there. Nothing is ever written outside of it.
        force: replace files that are there.

    Raises:
        NotFound: no such run or attachment; nothing was written.
        Conflict: a file is there already; those before it were written.
    """
    run_id = run_of(store, rev)
    chosen = [store.attachment(run_id, n).name for n in dict.fromkeys(names)]
    standing = [attachment.name for attachment in store.attachments(run_id)]
    folders = folders_among(standing)
    exported = []
    for name in chosen or standing:
        path = place_below(folder, name, beside_folder=name in folders)
        store.export_attachment(run_id, name, path, force=force)
        exported.append(Exported(name=name, path=path))
    return ExportReport(run_id=run_id, exported=tuple(exported))
