"""Views of runs that differ in their numbers only: the text between them is made once.

A template is the view of one run with marks in the place of what changes. The next run of
the same definitions and environment fills the marks: a third of the time of rendering.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from graven.formats.run import EncodedRun
from graven.formats.run_decode import numbers_of
from graven.formats.run_object import Numbers, RunBody
from graven.ids import ObjectId, new_nonce
from graven.model.run import Run
from graven.views.render import view_record

MAX_TEMPLATES = 64
_OWN = ("id", "timestamp", "commit", "branch", "metadata", "object_id")
_encode = msgspec.json.encode


class Facts(NamedTuple):
    """What a view needs of a run beside its labels; ``numbers`` None if it has more than those."""

    run_id: str
    object_id: ObjectId
    definitions: ObjectId
    environment: ObjectId
    numbers: Numbers | None


def facts_of_encoded(encoded: EncodedRun) -> Facts:
    """Those of a run that was just encoded."""
    return Facts(
        encoded.run_id,
        encoded.run.id,
        encoded.definitions.id,
        encoded.environment.id,
        encoded.numbers,
    )


def facts_of_body(run_id: str, object_id: ObjectId, body: RunBody) -> Facts:
    """Those of a run that was read."""
    return Facts(
        run_id,
        object_id,
        ObjectId(body.definitions),
        ObjectId(body.environment),
        numbers_of(body),
    )


class Templates:
    """Templates by what they hold fixed. Not for two threads at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], bytes | None] = {}

    def render(self, run: Run, facts: Facts) -> bytes | None:
        """The view's text, as `render_view` makes it; None where only that can."""
        numbers = facts.numbers
        if numbers is None or not numbers.value or _has_own_fields(run):
            return None
        key = (
            facts.definitions,
            facts.environment,
            numbers.lower is None,
            numbers.upper is None,
        )
        if key not in self._known:
            if len(self._known) >= MAX_TEMPLATES:
                self._known.clear()
            self._known[key] = _make(run, numbers)
        template = self._known[key]
        values = _encode(_interleave(numbers))
        own = _own_values(run, facts)
        if template is None or b"null" in values or own is None:
            return None
        return template % (*own[:-1], *values[1:-1].split(b","), own[-1])


def _has_own_fields(run: Run) -> bool:
    """True if the view has more than calibrax's keys, which few runs of a suite share."""
    return bool(
        run.experiment is not None
        or run.status != "ok"
        or run.params
        or run.error is not None
        or run.provenance
        or run.origin != "measured"
        or run.group is not None
        or run.commit_time is not None
        or run.dirty is not None
        or run.guessed
        or run.extra
    )


def _interleave(numbers: Numbers) -> list[float]:
    columns = [column for column in numbers if column is not None]
    return list(chain.from_iterable(zip(*columns, strict=True)))


def _own_values(run: Run, facts: Facts) -> tuple[bytes, ...] | None:
    metadata = _encode(run.metadata)
    if b"null" in metadata:
        return None  # a null, or a number that is none: `render_view` tells them apart
    indented = msgspec.json.format(metadata, indent=2).replace(b"\n", b"\n  ")
    return (
        _encode(facts.run_id),
        _encode(run.timestamp.isoformat()),
        _encode(run.commit),
        _encode(run.branch),
        indented,
        _encode(facts.object_id.hex()),
    )


def _make(run: Run, numbers: Numbers) -> bytes | None:
    nonce = new_nonce()
    record = view_record(run, "")
    for name in _OWN:
        record[name] = nonce
    for point in record["points"]:
        for metric in point["metrics"].values():
            _mark(metric, nonce)
    text = msgspec.json.encode(record)
    if b"null" in text:
        return None  # perhaps a NaN of the environment
    text = msgspec.json.format(text, indent=2)
    template = re.sub(b'"' + nonce.encode() + b'"', b"%b", text.replace(b"%", b"%%"))
    wanted = len(_OWN) + sum(len(column) for column in numbers if column is not None)
    return template if len(re.findall(rb"(?<!%)(?:%%)*%b", template)) == wanted else None


def _mark(metric: dict[str, Any], nonce: str) -> None:
    for name in ("value", "lower", "upper"):
        if name in metric:
            metric[name] = nonce
