"""Baselines that are found instead of set: ``latest@BRANCH``, ``merge-base``, any revision."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from graven.errors import Corrupt, FormatTooNew, InvalidInput, NotFound
from graven.formats.guarded import RefValue
from graven.ingest import ancestors, merge_base
from graven.model import Run
from graven.porcelain.histories import kin_of
from graven.store import Store
from graven.store.histories import comparable_runs, runs_of_commits

LATEST = "latest"
MERGE_BASE = "merge-base"
MOST_COMMITS = 1000
"""Ancestors that are searched for one that was measured."""


class Picked(NamedTuple):
    """A run that was chosen, the id of its object, and what it was called.

    ``moving`` is a baseline that was found by where it stands, not chosen by anybody.
    """

    run: Run
    object_id: str
    name: str
    moving: bool = False


def pick(store: Store, rev: str) -> Picked:
    """The run that a revision means.

    Raises:
        NotFound: it means nothing.
    """
    found = store.resolve(rev)
    return _load(store, found.run_id, found.object_id, rev)


def _load(store: Store, run_id: str, object_id: str, name: str) -> Picked:
    try:
        return Picked(store.load_object(object_id), object_id, name)
    except (Corrupt, FormatTooNew, NotFound) as error:
        raise error.inside(f"run {run_id}", run=run_id) from error


def is_merge_base(word: str) -> bool:
    """Whether a baseline is one that git finds."""
    return word == MERGE_BASE or word.startswith(f"{MERGE_BASE}:")


def find_baseline(store: Store, word: str, current: Run, folder: Path | None = None) -> Picked:
    """The run that a baseline's name means for ``current``; names that were set come first.

    Args:
        store: where to look.
        word: a baseline's name; ``latest`` or ``latest@BRANCH``, the newest run before the
            current one, of its machine; ``merge-base`` or ``merge-base:BRANCH``, the run of
            the nearest commit that the current one has in common with a branch; a revision.
        current: the run that is judged.
        folder: within the checkout that git is asked in, for merge bases.

    Raises:
        NotFound: kind ``baseline-missing``. InvalidInput: git knows no such merge base.
    """
    value = _value(store, word)
    if value is not None and value.run is not None and value.object is not None:
        return _load(store, value.run, value.object, word)  # a bucket is not asked for it twice
    if word == LATEST or word.startswith(f"{LATEST}@"):
        return _latest(store, word, current)
    if is_merge_base(word):
        return _merge_base(store, word, current, folder or Path.cwd())
    try:
        return pick(store, word)
    except NotFound as error:
        if error.kind != "run-missing":
            raise
        raise _missing(
            f"no baseline {word!r} is set",
            f"set one with 'graven baseline set {word} REV', or pass --allow-missing",
            word,
        ) from None


def is_set(store: Store, word: str) -> bool:
    """Whether somebody has set a baseline of this name."""
    return _value(store, word) is not None


def _value(store: Store, word: str) -> RefValue | None:
    try:
        return store.baselines.entry(word)
    except InvalidInput:
        return None  # cannot be a name, so it is none


def _latest(store: Store, word: str, current: Run) -> Picked:
    branch = word.partition("@")[2] or current.branch
    runs = comparable_runs(store, kin_of(current), branch=branch, until=current.timestamp, limit=2)
    for run in runs:
        if run.run_id != current.id:
            name = f"{LATEST}@{branch}" if branch else LATEST
            return pick(store, run.run_id)._replace(name=name, moving=True)
    where = f"on branch {branch!r}" if branch else "without a branch"
    raise _missing(
        f"no run {where} before {current.id} was measured on its machine",
        "pass --allow-missing where that may be: the first run on a machine",
        word,
    )


def _merge_base(store: Store, word: str, current: Run, folder: Path) -> Picked:
    branch = word.partition(":")[2] or None
    base = merge_base(folder, branch, current.commit)
    if base is None:
        side = f"branch {branch!r}" if branch else "origin's default branch, main or master"
        raise InvalidInput(
            f"git knows no merge base with {side} here",
            kind="no-merge-base",
            hint="run it in a checkout with all of the history (git fetch --unshallow)",
            field="baseline",
        )
    commits = [c for c in ancestors(folder, base, MOST_COMMITS) if c != current.commit]
    runs = runs_of_commits(store, kin_of(current), commits)
    place = {commit: index for index, commit in enumerate(commits)}
    nearest = min(runs, key=lambda run: place[run.commit or ""], default=None)
    if nearest is None:
        raise _missing(
            f"no run of the merge base {base[:12]}, or of a commit before it, on this machine",
            "measure the branch it comes from too, or pass --allow-missing",
            word,
        )
    name = f"{word} ({(nearest.commit or '')[:12]})"
    return pick(store, nearest.run_id)._replace(name=name, moving=True)


def _missing(message: str, hint: str, word: str) -> NotFound:
    return NotFound(message, kind="baseline-missing", hint=hint, baseline=word)
