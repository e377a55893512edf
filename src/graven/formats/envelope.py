"""Kinds of objects, and the frame ``[kind, version, body]`` of the structured ones."""

from __future__ import annotations

from typing import Any, NamedTuple

from graven.errors import Corrupt, FormatTooNew
from graven.formats import canonical

BLOB = "blob"
FILE = "file"
RUN = "run"
ENVIRONMENT = "environment"
DEFINITIONS = "definitions"
REF = "ref"
MANIFEST = "manifest"

# The number is what a pack's index holds. Numbers are never used again.
KIND_CODES = {BLOB: 1, FILE: 2, RUN: 3, ENVIRONMENT: 4, DEFINITIONS: 5, REF: 6, MANIFEST: 7}
KINDS_BY_CODE = {code: kind for kind, code in KIND_CODES.items()}
STRUCTURED = frozenset(KIND_CODES) - {BLOB}

VERSIONS = {FILE: 1, RUN: 1, ENVIRONMENT: 1, DEFINITIONS: 1, REF: 1, MANIFEST: 1}


class Envelope(NamedTuple):
    """A decoded structured object."""

    kind: str
    version: int
    body: Any


def seal(kind: str, body: object) -> bytes:
    """The object bytes of ``body`` under the current version of its kind."""
    return canonical.pack_trusted([kind, VERSIONS[kind], canonical.normalise(body, kind, 1)])


def unseal(data: bytes, expected: str | None = None, *, strict: bool = False) -> Envelope:
    """Read a structured object.

    Args:
        data: the object's bytes.
        expected: the kind it must be, or None for any.
        strict: also check that the bytes are canonical.

    Raises:
        Corrupt: not an envelope, or another kind than expected.
        FormatTooNew: a version above what this program writes.
    """
    value = canonical.decode(data) if strict else canonical.decode_lenient(data)
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not isinstance(value[0], str)
        or type(value[1]) is not int
    ):
        raise Corrupt("object is no [kind, version, body]", kind="bad-envelope")
    envelope = Envelope(*value)
    if expected is not None and envelope.kind != expected:
        raise Corrupt(
            f"object is a {envelope.kind!r} where a {expected!r} was expected", kind="wrong-kind"
        )
    check_version(envelope.kind, envelope.version)
    return envelope


def check_version(kind: str, version: int) -> None:
    """Refuse objects of a newer version.

    Raises:
        FormatTooNew: the kind or version is not known here. Corrupt: no version at all.
    """
    if version < 1:
        raise Corrupt(f"object of kind {kind!r} has version {version}", kind="bad-envelope")
    if version > VERSIONS.get(kind, 0):
        raise FormatTooNew(
            f"object of kind {kind!r} version {version} is newer than this program",
            hint="needs a newer graven",
        )
