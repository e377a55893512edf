"""What is kept beside a run, by name; of a folder the files in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.porcelain.attach import run_of
from graven.store import Store
from graven.store.attachment_names import check_attachment_name
from graven.store.attachments import FOLDER, Attachment
from graven.store.folders import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What `list_kept` answers.

    Attributes:
        attachments: of the run, by name.
        folder: the one attachment that was asked for, where that is a folder.
        entries: what it holds, by path; None where no folder was asked for.
    """

    run_id: str
    attachments: tuple[Attachment, ...]
    folder: str | None = None
    entries: tuple[Entry, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        if self.entries is None:
            return {"run": self.run_id, "attachments": [one.to_dict() for one in self.attachments]}
        rows = [
            {
                "path": entry.name,
                "kind": kind_of(entry),
                "size": entry.size,
                "executable": entry.executable,
                "target": entry.target,
            }
            for entry in self.entries
        ]
        return {"run": self.run_id, "name": self.folder, "entries": rows}


def list_kept(store: Store, rev: str = "latest", name: str | None = None) -> Kept:
    """What is kept beside the run that ``rev`` means.

    Args:
        store: where to look.
        rev: any revision.
        name: an attachment (what a folder holds is listed), or what names begin with, up to
            a ``/``. None: all.

    Raises:
        NotFound: no such run, or nothing of that name.
    """
    run_id = run_of(store, rev)
    if name is None:
        return Kept(run_id=run_id, attachments=tuple(store.attachments(run_id)))
    prefix = name.rstrip("/") + "/"
    below = [one for one in store.attachments(run_id) if one.name.startswith(prefix)]
    if below:
        return Kept(run_id=run_id, attachments=tuple(below))
    found = store.attachment(run_id, check_attachment_name(name.rstrip("/")))
    if found.kind != FOLDER:
        return Kept(run_id=run_id, attachments=(found,))
    entries = tuple(store.list_folder(run_id, found.name))
    return Kept(run_id=run_id, attachments=(found,), folder=found.name, entries=entries)


def kind_of(entry: Entry) -> str:
    """``file``, ``link`` or ``folder`` (an empty one: others follow from the paths)."""
    if entry.target is not None:
        return "link"
    return "file" if entry.object_id is not None else "folder"
