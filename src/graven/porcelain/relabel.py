"""Change what a run is filed under; its numbers stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graven.errors import InvalidInput
from graven.model import Origin
from graven.store import Store

LABELS = ("branch", "commit", "experiment", "group", "status", "origin")
_NEVER_EMPTY = ("status", "origin")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelReport:
    """What changed: label to (before, after)."""

    run_id: str
    object_id: str
    changes: dict[str, tuple[str | None, str | None]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.run_id,
            "object": self.object_id,
            "changes": {
                name: {"before": before, "after": after}
                for name, (before, after) in self.changes.items()
            },
        }


def relabel(
    store: Store, rev: str, changes: Mapping[str, str], *, clear: Sequence[str] = ()
) -> RelabelReport:
    """Save the run again under its id with some labels changed.

    Args:
        store: where it is.
        rev: which run.
        changes: label to its new value.
        clear: labels to take away.

    Raises:
        NotFound: no such run.
        InvalidInput: no such label, an empty value, or nothing to do.
    """
    wanted: dict[str, Any] = {**changes, **dict.fromkeys(clear)}
    _check(wanted, set(changes) & set(clear))
    if "origin" in wanted:
        wanted["origin"] = Origin(wanted["origin"])
    run_id = store.resolve(rev).run_id
    before = store.load(run_id)
    differing = {name: value for name, value in wanted.items() if getattr(before, name) != value}
    if differing:
        # What the user says is no longer a guess.
        guessed = tuple(name for name in before.guessed if name not in differing)
        store.relabel(run_id, **differing, guessed=guessed)
    return RelabelReport(
        run_id=run_id,
        object_id=store.resolve(run_id).object_id,
        changes={
            name: (_text(getattr(before, name)), _text(value)) for name, value in differing.items()
        },
    )


def _check(wanted: Mapping[str, str | None], both: set[str]) -> None:
    if not wanted:
        raise InvalidInput(
            "nothing to change", kind="bad-label", hint=f"labels are {', '.join(LABELS)}"
        )
    if both:
        raise InvalidInput(
            f"label {min(both)!r} is both set and cleared", kind="bad-label", field=min(both)
        )
    for name, value in wanted.items():
        if name not in LABELS:
            raise InvalidInput(
                f"no label {name!r}", kind="bad-label", hint=f"labels are {', '.join(LABELS)}"
            )
        if value == "" or (value is None and name in _NEVER_EMPTY):
            raise InvalidInput(f"label {name!r} cannot be empty", kind="bad-label", field=name)
        if name == "origin" and value not in tuple(Origin):
            raise InvalidInput(
                f"origin {value!r} is none of {', '.join(Origin)}", kind="bad-label", field=name
            )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
