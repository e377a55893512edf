"""What may have been meant by a name that means nothing.

Asked for when a person is told of the error, and not where it is raised: programs ask for
what may not be there all the time, and that has to stay cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any

from graven.ids import MIN_PREFIX_HEX, is_hex
from graven.store import Store
from graven.store.attachments import FOLDER

LABELS = ("branch", "experiment", "status")
NEWEST = 500  # runs and attachments that are looked through; a hint is not worth more


def better_hint(store: Store, error: Mapping[str, Any]) -> str | None:
    """A hint for an error of ``store`` (its record), None where there is no better one."""
    if error["kind"] == "run-missing" and isinstance(error.get("rev"), str):
        return _for_run(store, error["rev"])
    if error["kind"] == "attachment-missing" and {"run", "name"} <= error.keys():
        return _for_attachment(store, error["run"], error["name"])
    return None


def unknown_label(store: Store, labels: Mapping[str, Any]) -> str | None:
    """What to say where a question by labels has no answer since no run has one of them."""
    for label in LABELS:
        wanted = labels.get(label)
        if wanted is None:
            continue
        known = {getattr(header, label) for header in store.headers(limit=NEWEST)} - {None}
        if wanted not in known:
            article = "an" if label == "experiment" else "a"
            meant = near(wanted, sorted(known))
            return f"no run has {article} {label} {wanted!r}" + (f"; {meant}" if meant else "")
    return None


def near(name: str, known: Iterable[str]) -> str | None:
    """``did you mean 'x'?``, None if nothing is near."""
    close = get_close_matches(name, list(islice(known, NEWEST)), n=1)
    return f"did you mean {close[0]!r}?" if close else None


def _for_run(store: Store, rev: str) -> str | None:
    if rev.partition("@")[0] == "latest":
        return None  # the message says what there is none of
    spaces = {"baseline": store.baselines.names(), "tag": store.tags.names()}
    for what, names in spaces.items():
        name = rev.removeprefix(f"{what}s/")
        if name != rev:
            unset = f"no {what} {name!r} is set: 'graven {what} set {name} REV' does that"
            return near(name, names) or unset
    if is_hex(rev) and len(rev) < MIN_PREFIX_HEX:
        return f"{MIN_PREFIX_HEX} digits of an id are needed at least; 'graven log' has them"
    runs = (header.run_id for header in store.headers(limit=NEWEST))
    return near(rev, ["latest", *(name for names in spaces.values() for name in names), *runs])


def _for_attachment(store: Store, run_id: str, name: str) -> str | None:
    known = store.attachments(run_id)
    if not known:
        return "nothing is attached to it; 'graven attach' does that"
    for one in known:
        if one.kind == FOLDER and name.startswith(f"{one.name}/"):
            inside = name.removeprefix(f"{one.name}/")
            return f"{one.name!r} is a folder: 'graven cat {run_id} {one.name} --path {inside}'"
    return near(name, (one.name for one in known))
