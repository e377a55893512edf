"""What baselines and tags have in common: names that stand for runs, with a history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graven.errors import Corrupt
from graven.store import Store

BASELINES = "baselines"
TAGS = "tags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """One value of a name.

    Attributes:
        run: id of the run, None for a value that is a deletion.
        object_id: the value of the run that is meant, hex.
        seq: how many values there have been.
        damaged: what is wrong with it, where it cannot be read.
    """

    space: str
    name: str
    run: str | None = None
    object_id: str | None = None
    seq: int = 0
    by: str = ""
    at: str = ""
    message: str = ""
    damaged: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        record: dict[str, Any] = {
            "ref": f"{self.space}/{self.name}",
            "run": self.run,
            "object": self.object_id,
            "seq": self.seq,
            "by": self.by,
            "at": self.at,
            "message": self.message,
        }
        return record if self.damaged is None else {**record, "damaged": self.damaged}


def list_pointers(store: Store, space: str) -> list[Pointer]:
    """All names that are set, sorted; a damaged one is named with its fault."""
    refs = _refs(store, space)
    found = []
    for name, value in refs.entries().items():
        if isinstance(value, Corrupt):
            found.append(Pointer(space=space, name=name, damaged=value.message))
        else:
            found.append(_pointer(space, name, value))
    return found


def get_pointer(store: Store, space: str, name: str) -> Pointer:
    """The current value of a name.

    Raises:
        NotFound: it is not set.
    """
    refs = _refs(store, space)
    value = refs.entry(name)
    if value is None:
        _ = refs[name]  # raises, and says which names there are
    return _pointer(space, name, value)


def set_pointer(
    store: Store,
    space: str,
    name: str,
    rev: str,
    *,
    message: str = "",
    force: bool = False,
    expect: str | None = None,
) -> Pointer:
    """Let a name stand for the run that ``rev`` means now.

    Raises:
        NotFound: no such run.
        Conflict: a tag that is set (unless ``force``), or not what ``expect`` says.
    """
    value = _refs(store, space).set(name, rev, message=message, force=force, expect=expect)
    return _pointer(space, name, value)


def remove_pointer(store: Store, space: str, name: str) -> Pointer:
    """Unset a name; its history stays. The value that says so is returned.

    Raises:
        NotFound: it is not set.
    """
    return _pointer(space, name, _refs(store, space).delete(name))


def pointer_history(store: Store, space: str, name: str) -> list[Pointer]:
    """All values of a name, newest first, deletions too.

    Raises:
        NotFound: it was never set.
    """
    return [_pointer(space, name, value) for value in _refs(store, space).history(name)]


def _refs(store: Store, space: str) -> Any:
    return store.baselines if space == BASELINES else store.tags


def _pointer(space: str, name: str, value: Any) -> Pointer:
    return Pointer(
        space=space,
        name=name,
        run=value.run,
        object_id=value.object,
        seq=value.seq,
        by=value.by or "",
        at=value.at or "",
        message=value.message or "",
    )
