"""Every name in a store, and the kind of thing a name belongs to.

No other module puts a path together. ``classify`` is the inverse, so that fsck can
tell strangers from our own.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from graven.clock import STAMP_HEX, format_stamp
from graven.errors import InvalidInput
from graven.ids import (
    OBJECT_ID_BYTES,
    ObjectId,
    check_name,
    normal,
    percent_decode,
    percent_encode,
)

STORE_FILE = "store.json"
CONFIG_FILE = "config.json"
LOCAL_FILE = "local.json"
PACKS = "packs/"
OBJECTS = "objects/"
RUNS = "runs/"
REFS = "refs/"
CACHE = "cache/"
PROBE = "probe/"
CATALOG_FILE = "catalog.sqlite"
TEMPORARY_PREFIX = ".tmp-"

_OWN = frozenset((STORE_FILE, CONFIG_FILE, LOCAL_FILE)) | {
    folder.rstrip("/") for folder in (PACKS, OBJECTS, RUNS, REFS, CACHE, PROBE)
}

GUARDED_SPACES = ("baselines", "tags")

_PACK = re.compile(rf"([0-9a-f]{{{STAMP_HEX}}})-([0-9a-f]{{{2 * OBJECT_ID_BYTES}}})\.pack")
# Sorts behind all packs, whose names begin with a digit or a to f: who lists the names above
# a stamp sees the plans too.
_PLAN = re.compile(r"plan-([0-9a-f]{32})\.(condemned|done)")
_PROBE = re.compile(r"probe/[0-9a-f]{32}/[a-z]+")
_LOOSE = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{62})-([0-9a-f]{32})")


class FileKind(StrEnum):
    """What a file in a store is."""

    STORE = "store file"
    CONFIG = "config"
    LOCAL = "local settings"
    PACK = "pack"
    PLAN = "deletion plan"
    LOOSE = "loose object"
    GUARDED_REF = "guarded ref"
    VIEW = "view"
    CACHE = "cache"
    PROBE = "remains of a probe"
    TEMPORARY = "temporary file"
    STRANGER = "stranger"


class PackName(NamedTuple):
    """A pack's file name, taken apart."""

    stamp: int
    digest: bytes


def pack_name(stamp: int, digest: bytes) -> str:
    """File name (not key) of the pack with this highest stamp and BLAKE3."""
    return f"{format_stamp(stamp)}-{digest.hex()}.pack"


def parse_pack_name(name: str) -> PackName | None:
    """The inverse of `pack_name`; None for other names."""
    match = _PACK.fullmatch(name)
    return PackName(int(match[1], 16), bytes.fromhex(match[2])) if match else None


def plan_name(nonce: str, *, done: bool = False) -> str:
    """File name (not key) of a plan to delete, or of the word that it was carried out."""
    return f"plan-{nonce}.{'done' if done else 'condemned'}"


class PlanName(NamedTuple):
    """A plan's file name, taken apart."""

    nonce: str
    done: bool


def parse_plan_name(name: str) -> PlanName | None:
    """The inverse of `plan_name`; None for other names."""
    match = _PLAN.fullmatch(name)
    return PlanName(match[1], match[2] == "done") if match else None


def pack_key(name: str) -> str:
    """Key of a pack by its file name."""
    return PACKS + name


def view_key(run_id: str) -> str:
    """Key of a run's readable view."""
    return f"{RUNS}{percent_encode(normal(run_id))}.json"


def guarded_key(space: str, name: str) -> str:
    """Key of a baseline or tag.

    Raises:
        InvalidInput: the name cannot be a file name.
    """
    if space not in GUARDED_SPACES:
        raise InvalidInput(f"no such kind of ref: {space!r}", kind="bad-ref-space")
    return f"{REFS}{space}/{percent_encode(check_name(name, f'{space[:-1]} name'))}.json"


def parse_guarded_file(file_name: str) -> str | None:
    """The ref name of a file in ``refs/<space>/``; None for a stranger."""
    if not file_name.endswith(".json"):
        return None
    try:
        name = percent_decode(file_name.removesuffix(".json"))
        return name if check_name(name, "name") == name else None
    except InvalidInput:
        return None


def loose_key(object_id: ObjectId, nonce: str) -> str:
    """Key of a loose object: `b3sum` of the file prints the name up to the dash."""
    text = object_id.hex()
    return f"{OBJECTS}{text[:2]}/{text[2:]}-{nonce}"


def parse_loose_key(key: str) -> ObjectId | None:
    """The object that a loose file holds, by its key; None for other keys."""
    match = _LOOSE.fullmatch(key)
    return ObjectId(bytes.fromhex(match[1] + match[2])) if match else None


def run_ref(run_id: str) -> str:
    """Name of the journaled ref of a run."""
    return f"runs/{run_id}"


def attachment_ref(run_id: str, name: str) -> str:
    """Name of the journaled ref of an attachment (``artifacts/raw/results.json``)."""
    return f"runs/{run_id}/{name}"


def experiment_ref(experiment: str, name: str) -> str:
    """Name of a journaled ref under an experiment (``manifests/<nonce>``)."""
    return f"experiments/{percent_encode(normal(experiment))}/{name}"


class RefName(NamedTuple):
    """A journaled ref's name, taken apart: ``attachment`` is empty for the run itself."""

    run_id: str
    attachment: str


def parse_ref_name(name: str) -> RefName | None:
    """Run and attachment of a journaled ref under ``runs/``; None for other refs."""
    if not name.startswith("runs/"):
        return None
    run_id, _, attachment = name[5:].partition("/")
    return RefName(run_id, attachment)


def is_own(name: str) -> bool:
    """True for a name at the top of a store that is graven's: whatever stands below it."""
    return name in _OWN


def classify(key: str) -> FileKind:
    """The kind of file that ``key`` names in a store."""
    folder, _, name = key.rpartition("/")
    if any(part in ("", ".", "..") for part in key.split("/")):
        return FileKind.STRANGER
    if name.startswith(TEMPORARY_PREFIX):
        return FileKind.TEMPORARY
    if folder == "":
        top = {STORE_FILE: FileKind.STORE, CONFIG_FILE: FileKind.CONFIG, LOCAL_FILE: FileKind.LOCAL}
        return top.get(name, FileKind.STRANGER)
    if key.startswith(CACHE):
        return FileKind.CACHE
    if folder == "packs":
        if _PACK.fullmatch(name):
            return FileKind.PACK
        return FileKind.PLAN if _PLAN.fullmatch(name) else FileKind.STRANGER
    if _PROBE.fullmatch(key):
        return FileKind.PROBE
    if _LOOSE.fullmatch(key):
        return FileKind.LOOSE
    if folder in {f"refs/{space}" for space in GUARDED_SPACES} and parse_guarded_file(name):
        return FileKind.GUARDED_REF
    if folder == "runs" and parse_guarded_file(name):
        return FileKind.VIEW
    return FileKind.STRANGER
