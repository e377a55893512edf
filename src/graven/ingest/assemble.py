"""From what a reader made to the run that is stored: user's words, git's facts, no secrets."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC
from pathlib import Path
from typing import Any

from graven import clock
from graven.errors import InvalidInput
from graven.ids import GENERATED_RUN_ID_HEX, check_run_id
from graven.ingest.base import Format, Ingested, Overrides
from graven.ingest.fields import MAX_SAMPLES, tidy
from graven.ingest.gitfacts import GitFacts
from graven.ingest.registry import read_run
from graven.ingest.secrets import scrub
from graven.ingest.source import Source, naming
from graven.model import MetricDef, MetricDirection, Run
from graven.model.reading import read_text

_MAPS = ("environment", "metadata", "params", "provenance")


def check_overrides(overrides: Overrides) -> None:
    """Raise `InvalidInput` for words that no run could carry."""
    if overrides.run_id is not None:
        check_run_id(overrides.run_id)
    if overrides.time is not None and overrides.time.tzinfo is None:
        raise InvalidInput("the time has no offset", kind="bad-time", field="time")
    for name in ("branch", "commit", "machine", "experiment", "group"):
        value = getattr(overrides, name)
        if value is not None and not read_text(value, name):
            raise InvalidInput(f"{name}: is empty", kind="bad-field", field=name)
    for key, value in overrides.tags.items():
        read_text(key, "tag")
        read_text(value, f"tag {key}")
    for metric, direction in overrides.direction.items():
        if direction not in tuple(MetricDirection):
            raise InvalidInput(
                f"direction of {metric!r}: {direction!r} is none of {', '.join(MetricDirection)}",
                kind="bad-direction",
                field="direction",
            )


def run_id_of(data: bytes, overrides: Overrides) -> str:
    """The id of a run whose file has none: 20 hex digits of the content and the user's words.

    The path, the file's time and what git says are left out, so that the same file
    given twice is the same run.
    """
    import blake3

    words = {name: value for name, value in asdict(overrides).items() if value}
    words.pop("run_id", None)
    if overrides.time is not None:
        words["time"] = clock.micros(overrides.time.astimezone(UTC))
    spoken = json.dumps(words, sort_keys=True, separators=(",", ":")).encode()
    hasher = blake3.blake3(b"graven ingest 1\0" + len(spoken).to_bytes(8, "big") + spoken)
    hasher.update(data)
    return hasher.hexdigest()[:GENERATED_RUN_ID_HEX]


def assemble(source: Source, known: Format, overrides: Overrides, git: GitFacts | None) -> Ingested:
    """Read one source and put the user's words and git's facts to it.

    Raises:
        InvalidInput: names the file and the field.
    """
    with naming(source.path):
        return _assemble(source, known, overrides, git)


def _assemble(
    source: Source, known: Format, overrides: Overrides, git: GitFacts | None
) -> Ingested:
    source.run_id = overrides.run_id or run_id_of(source.data, overrides)
    run = read_run(known, source)
    secret = False
    cleaned: dict[str, Any] = {}
    for name in _MAPS:
        value, removed = scrub(tidy(getattr(run, name), name, source.notes), name)
        cleaned[name] = value
        secret = secret or bool(removed)
        for where in removed:
            source.note(f"{where}: looks like a secret and was removed")
    run = _apply_words(replace(run, **cleaned), overrides, source)
    if git is not None:
        run = _apply_git(run, git, overrides, source)
    _note_twins(run, source)
    if source.thinned:
        source.note(
            f"{len(source.thinned)} of the metrics have up to {max(source.thinned)} samples;"
            f" {MAX_SAMPLES} of each are kept"
        )
    if secret and not known.lossless:
        source.note("the file itself is not kept, since it holds secrets")
    if not known.lossless:
        run = replace(run, metadata={**run.metadata, "ingest": _trace(known, source)})
    keep = not (known.lossless or secret or source.holds_secrets)
    return Ingested(
        run=run,
        source=str(source.path),
        format=known.name,
        raw=source.raw if keep else None,
        raw_name=raw_name(source.path),
        notes=tuple(source.notes),
    )


def raw_name(path: Path) -> str:
    """A name for the kept file; what is read from a pipe has none of its own."""
    return path.name if path.name and not path.name.isdigit() else "results"


def _trace(known: Format, source: Source) -> dict[str, Any]:
    trace: dict[str, Any] = {"format": known.name}
    if source.notes:
        trace["notes"] = list(source.notes)
    return trace


def _apply_words(run: Run, overrides: Overrides, source: Source) -> Run:
    changes: dict[str, Any] = {"id": overrides.run_id or str(check_run_id(run.id))}
    said: set[str] = set()
    for name in ("branch", "commit", "experiment", "group"):
        value = getattr(overrides, name)
        if value is not None:
            changes[name] = value
            said.add(name)
    if overrides.time is not None:
        changes["timestamp"] = overrides.time
        said.add("timestamp")
    if overrides.commit is not None and overrides.commit != run.commit:
        # What the file says of its own commit is not true of another.
        changes |= {"commit_time": None, "dirty": None}
        said |= {"commit_time", "dirty"}
    if overrides.machine is not None:
        changes["environment"] = {**run.environment, "machine": overrides.machine}
    if overrides.tags:
        changes["points"] = tuple(
            replace(point, tags={**point.tags, **overrides.tags}) for point in run.points
        )
    if overrides.direction:
        changes["metric_defs"] = _directed(run.metric_defs, overrides.direction, source)
    changes["guessed"] = tuple(name for name in run.guessed if name not in said)
    return replace(run, **changes)


def _directed(
    defs: dict[str, MetricDef], directions: dict[str, str], source: Source
) -> dict[str, MetricDef]:
    changed = dict(defs)
    for name, direction in directions.items():
        if name not in defs:
            source.note(f"no metric is called {name!r}, so its direction says nothing")
            continue
        changed[name] = replace(
            defs[name], direction=MetricDirection(direction), direction_source="declared"
        )
    return changed


def _apply_git(run: Run, git: GitFacts, overrides: Overrides, source: Source) -> Run:
    """Fill what is still open; each filled field is listed as guessed."""
    if run.commit is None and git.commit_time is not None and run.timestamp < git.commit_time:
        source.note("the run is older than the checked-out commit, so git was not asked")
        return run
    if run.commit not in (None, git.commit):
        return run  # it measured another commit, of which this work tree says nothing
    changes: dict[str, Any] = {}
    for name in ("commit", "branch", "commit_time", "dirty"):
        if getattr(run, name) is None and getattr(git, name) is not None:
            changes[name] = getattr(git, name)
    if run.commit is not None and overrides.commit is None:
        # The file names its commit: whether the tree was dirty then, git cannot tell now.
        changes.pop("dirty", None)
    guessed = (*run.guessed, *(name for name in changes if name not in run.guessed))
    return replace(run, **changes, guessed=guessed)


def _note_twins(run: Run, source: Source) -> None:
    seen = Counter((p.scenario, p.name, tuple(sorted(p.tags.items()))) for p in run.points)
    for (_, name, _), count in seen.most_common(3):
        if count > 1:
            source.note(f"{count} results have the name {name!r} and equal tags")
