"""A plan to delete: ``packs/plan-<nonce>.condemned`` (docs/design/0012-garbage.md).

It says nothing of hosts or times: its age is what the storage shows for the file itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from graven.errors import Corrupt, FormatTooNew
from graven.formats import layout

VERSION = 1
UNKNOWN = "unknown"
"""The reason of what stands in for a plan that could not be read: it may have named any of this."""
REASONS = ("gc", "repack", "repair", UNKNOWN)
MAX_PLAN_BYTES = 16 * 1024 * 1024
MAX_PLACES = 100_000
"""In one plan; who condemns more writes several."""
MAX_GRACE_SECONDS = 10 * 366 * 86_400


class Plan(NamedTuple):
    """What is condemned, why, and for how long it stays at least (seconds).

    ``packs`` are file names, ``loose`` whole keys.
    """

    reason: str
    grace_seconds: int
    packs: tuple[str, ...]
    loose: tuple[str, ...] = ()


def encode_plan(plan: Plan) -> bytes:
    """Readable JSON."""
    record = {
        "version": VERSION,
        "reason": plan.reason,
        "grace_seconds": plan.grace_seconds,
        "packs": list(plan.packs),
        "loose": list(plan.loose),
    }
    return (json.dumps(record, indent=1) + "\n").encode()


def decode_plan(data: bytes, where: str) -> Plan:
    """The inverse of `encode_plan`; ``where`` names the file.

    Raises:
        Corrupt: no plan. FormatTooNew: of a version not known here.
    """
    if len(data) > MAX_PLAN_BYTES:
        raise _bad(where, "is larger than any plan")
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        raise _bad(where, "is not JSON") from None
    if not isinstance(record, dict) or type(record.get("version")) is not int:
        raise _bad(where, "has no version")
    if record["version"] != VERSION:
        raise FormatTooNew(
            f"plan {where} of version {record['version']} is newer than this program",
            hint="needs a newer graven",
            file=where,
        )
    grace = record.get("grace_seconds")
    if record.get("reason") not in REASONS:
        raise _bad(where, "has no reason that is known", "reason")
    if type(grace) is not int or not 0 <= grace <= MAX_GRACE_SECONDS:
        raise _bad(where, "has no grace period that can be", "grace_seconds")
    packs = _names(record, "packs", where, (layout.FileKind.PACK,), layout.PACKS)
    loose = _names(record, "loose", where, (layout.FileKind.LOOSE,), "")
    return Plan(record["reason"], grace, packs, loose)


def split_plan(plan: Plan) -> Iterable[Plan]:
    """The same as plans that are small enough to be read."""
    for start in range(0, len(plan.packs), MAX_PLACES):
        yield plan._replace(packs=plan.packs[start : start + MAX_PLACES], loose=())
    for start in range(0, len(plan.loose), MAX_PLACES):
        yield plan._replace(packs=(), loose=plan.loose[start : start + MAX_PLACES])


def _names(
    record: dict[str, Any],
    field: str,
    where: str,
    kinds: tuple[layout.FileKind, ...],
    folder: str,
) -> tuple[str, ...]:
    found = record.get(field)
    if not isinstance(found, list) or len(found) > MAX_PLACES:
        raise _bad(where, f"has no list of {field}", field)
    for name in found:
        # Whoever wrote it decides what is deleted: nothing but packs and loose objects.
        if not isinstance(name, str) or layout.classify(folder + name) not in kinds:
            raise _bad(where, f"names what is none of its {field}: {str(name)[:80]!r}", field)
    return tuple(found)


def _bad(where: str, what: str, field: str | None = None) -> Corrupt:
    facts = {} if field is None else {"field": field}
    return Corrupt(f"plan {where} {what}", kind="bad-plan", file=where, **facts)
