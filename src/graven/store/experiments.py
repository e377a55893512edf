"""Experiments: the ids that runs carry, and the manifests that were put under them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from graven import clock
from graven.catalog.database import Catalog
from graven.errors import InvalidInput
from graven.formats import layout
from graven.formats.manifest import decode_manifest, encode_manifest
from graven.ids import ObjectId, new_nonce, normal, percent_decode
from graven.store.attachment_writes import record_item
from graven.store.base import StoreBase
from graven.store.records import EXPERIMENT, record_value, value_manifest
from graven.store.session import Intent

MAX_EXPERIMENT = 512
_MANIFESTS = "manifests/"
_ROOT = "experiments/"


class ExperimentManifest(NamedTuple):
    """One version of what describes an experiment.

    Attributes:
        experiment: its id.
        version: 32 hex digits, of this version alone.
        written: when, by the stamp of the write.
        object_id: 64 hex digits; versions of equal content share an object.
        record: the content.
        stamp: of the write; the latest version has the highest.
    """

    experiment: str
    version: str
    written: datetime
    object_id: str
    record: Any
    stamp: int


class ExperimentSummary(NamedTuple):
    """An experiment, and how many living runs and manifests it has."""

    experiment: str
    runs: int
    manifests: int


def check_experiment(experiment: object) -> str:
    """Accept the id of an experiment: any text without control characters.

    Raises:
        InvalidInput: empty, too long, not text, or with control characters.
    """
    problem = None
    if not isinstance(experiment, str):
        problem = "must be text"
    elif not experiment:
        problem = "is empty"
    elif len(experiment) > MAX_EXPERIMENT:
        problem = f"is longer than {MAX_EXPERIMENT} characters"
    elif any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in experiment):
        problem = "holds a control character"
    if problem:
        raise InvalidInput(
            f"experiment id {str(experiment)[:60]!r} {problem}",
            kind="bad-name",
            field="experiment",
        )
    return normal(str(experiment))


def put_manifest(store: StoreBase, experiment: str, record: object) -> ExperimentManifest:
    """See `graven.store.recording.RecordingStore.put_manifest`."""
    experiment = check_experiment(experiment)
    if not isinstance(record, Mapping):
        raise InvalidInput("the manifest is no mapping", kind="bad-type", field="record")
    made = value_manifest(EXPERIMENT, record)
    item = record_item(encode_manifest(made.type, made.data))
    versions = store.parts.index.ask(partial(_rows, experiment=experiment))
    session = store.parts.session
    writer = session.writer()
    session.observe(max((stamp for _, _, stamp in versions), default=0))
    writer.add(item)
    version = new_nonce()
    ref = layout.experiment_ref(experiment, _MANIFESTS + version)
    writer.extend([Intent(ref, item.id, None, {"size": len(item.data), "type": EXPERIMENT})])
    (update,) = writer.finish()
    return _manifest(experiment, version, item.id, update.stamp, record_value(made))


def list_manifests(
    store: StoreBase, experiment: str, limit: int | None = None
) -> list[ExperimentManifest]:
    """All versions, newest first."""
    experiment = check_experiment(experiment)
    found = []
    rows = store.parts.index.ask(partial(_rows, experiment=experiment))
    for version, target, stamp in rows[:limit]:
        record = decode_manifest(store.parts.index.get(ObjectId(target)))
        found.append(_manifest(experiment, version, target, stamp, record_value(record)))
    return found


def _manifest(
    experiment: str, version: str, target: bytes, stamp: int, record: Any
) -> ExperimentManifest:
    written = clock.stamp_to_datetime(stamp)
    return ExperimentManifest(experiment, version, written, target.hex(), record, stamp)


def _rows(catalog: Catalog, experiment: str) -> list[tuple[str, bytes, int]]:
    prefix = layout.experiment_ref(experiment, _MANIFESTS)
    rows = catalog.rows(
        "SELECT name, target, stamp FROM ref WHERE name >= ? AND name < ? AND target IS NOT NULL"
        " ORDER BY stamp DESC, name",
        (prefix, prefix + "\U0010ffff"),
    )
    return [(name[len(prefix) :], target, stamp) for name, target, stamp in rows]


def list_experiments(catalog: Catalog) -> list[ExperimentSummary]:
    """All experiments that have a run or a manifest, by id."""
    counted = catalog.rows(
        "SELECT experiment, count(*) FROM run"
        " WHERE object IS NOT NULL AND experiment IS NOT NULL GROUP BY experiment"
    )
    runs: dict[str, int] = {experiment: int(count) for experiment, count in counted}
    manifests: dict[str, int] = {}
    rows = catalog.rows(
        "SELECT name FROM ref WHERE name >= ? AND name < ? AND target IS NOT NULL",
        (_ROOT, _ROOT + "\U0010ffff"),
    )
    for (name,) in rows:
        encoded, slash, rest = name[len(_ROOT) :].partition("/")
        if not slash or not rest.startswith(_MANIFESTS):
            continue
        try:
            experiment = percent_decode(encoded)
        except InvalidInput:  # a name that no graven makes
            continue
        manifests[experiment] = manifests.get(experiment, 0) + 1
    return [
        ExperimentSummary(name, runs.get(name, 0), manifests.get(name, 0))
        for name in sorted({*runs, *manifests})
    ]
