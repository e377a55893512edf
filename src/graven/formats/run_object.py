"""The `run` object: its fields, and reading it with its columns still packed.

docs/format.md ("Runs") says what each field means; `run` makes it, `run_decode` makes it
a Run again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from graven.errors import Corrupt
from graven.formats import canonical
from graven.formats.columns import Column, column_length, is_canonical, value_at
from graven.formats.envelope import RUN, VERSIONS, check_version, unseal
from graven.formats.header import grow_commit, shrink_commit

USUAL_STATUS = "ok"
USUAL_ORIGIN = "measured"
NO_VALUES = b""


class RunBody(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Body of a `run` object. Fields stand in the order of map keys.

    Columns have an entry for each metric of each point, in the order of the definitions.
    ``lower_at`` and ``upper_at`` list the entries that have a bound, if only some have.
    ``samples`` joins all samples; ``sample_counts`` has an entry each, -1 for none.
    """

    branch: str | None = None
    commit: Any = None  # bytes | str | None: a union that msgspec does not take
    commit_time: str | None = None
    definitions: bytes
    dirty: bool | None = None
    environment: bytes
    error: str | None = None
    experiment: str | None = None
    extra: dict[str, Any] | None = None
    group: str | None = None
    guessed: list[str] = []
    id: str
    lower: Column | None = None
    lower_at: list[int] | None = None
    metadata: dict[str, Any] | None = None
    metric_extra: list[tuple[int, dict[str, Any]]] = []
    origin: str = USUAL_ORIGIN
    params: dict[str, Any] | None = None
    point_extra: list[tuple[int, dict[str, Any]]] = []
    point_status: list[tuple[int, str, str | None]] = []
    provenance: dict[str, Any] | None = None
    sample_counts: list[int] | None = None
    sample_groups: list[tuple[int, list[int]]] = []
    samples: Column | None = None
    status: str = USUAL_STATUS
    timestamp: str
    upper: Column | None = None
    upper_at: list[int] | None = None
    value: Column = NO_VALUES

    def __post_init__(self) -> None:
        # msgspec leaves out a field that *is* its default; an equal text from elsewhere
        # would be written, and one run would have two forms.
        if self.status == USUAL_STATUS:
            self.status = USUAL_STATUS
        if self.origin == USUAL_ORIGIN:
            self.origin = USUAL_ORIGIN
        if self.value == NO_VALUES:
            self.value = NO_VALUES


class Numbers(NamedTuple):
    """The columns of a run that has nothing else to its points, for whoever writes them out.

    Each has an entry for each metric of each point; a bound that none has is None.
    """

    value: list[float]
    lower: list[float] | None
    upper: list[float] | None


class RunValues(msgspec.Struct, gc=False):
    """Of a `run` object's body what a catalog holds of it, and no more: a third of the time."""

    definitions: bytes
    environment: bytes
    dirty: bool | None = None
    params: dict[str, Any] | None = None
    lower: Column | None = None
    upper: Column | None = None
    value: Column = NO_VALUES

    @property
    def bounded(self) -> bool:
        """True if some value has a bound."""
        return self.lower is not None or self.upper is not None


# Not "deterministic": that leaves a map header of three bytes where one would do.
encode_body = msgspec.msgpack.Encoder(order="sorted").encode
_decode_body = msgspec.msgpack.Decoder(tuple[str, int, RunBody]).decode
_decode_values = msgspec.msgpack.Decoder(tuple[str, int, RunValues]).decode


def decode_body(data: bytes) -> RunBody:
    """Read a `run` object into its body, columns still packed.

    Raises:
        Corrupt: not a run object. FormatTooNew: a newer version of one.
    """
    try:
        kind, version, body = _decode_body(data)
    except _UNDECODABLE as error:
        raise _malformed(data, error) from None
    _check_kind(kind, version)
    if body.commit is not None and not isinstance(body.commit, (str, bytes)):
        raise Corrupt("run object's commit is neither text nor bytes", kind="bad-object")
    return body


def decode_values(data: bytes) -> RunValues:
    """Read the columns of a `run` object and what they mean; whoever reads all checks the rest.

    Raises:
        Corrupt: not a run object. FormatTooNew: a newer version of one.
    """
    try:
        kind, version, values = _decode_values(data)
    except _UNDECODABLE as error:
        raise _malformed(data, error) from None
    if kind != RUN or version != VERSIONS[RUN]:
        _check_kind(kind, version)
    return values


_UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def _malformed(data: bytes, error: Exception) -> Corrupt:
    envelope = unseal(data, RUN)  # says so if it is another kind, or newer
    return Corrupt(
        f"run object is malformed (version {envelope.version}): {error}", kind="bad-object"
    )


def _check_kind(kind: str, version: int) -> None:
    if kind != RUN:
        raise Corrupt(f"object is a {kind!r} where a run was expected", kind="wrong-kind")
    check_version(RUN, version)


def unknown_fields(data: bytes, body: RunBody) -> dict[str, Any]:
    """Fields of the stored body that this program does not know.

    Raises:
        Corrupt: not the canonical bytes of these fields and those that are known.
    """
    ours = encode_body((RUN, VERSIONS[RUN], body))
    if ours == data:
        return {}
    known = set(RunBody.__struct_fields__)
    stored = canonical.decode(data)[2]
    unknown = {name: value for name, value in stored.items() if name not in known}
    if stored != {**canonical.decode_lenient(ours)[2], **unknown}:
        raise Corrupt("run object states what goes without saying", kind="not-canonical")
    return unknown


def is_canonical_run(data: bytes) -> bool:
    """True if the object's bytes are the only ones that its content may have.

    Raises:
        Corrupt: no run object at all.
    """
    body = decode_body(data)
    try:
        canonical.decode(data)
        unknown_fields(data, body)
    except Corrupt:
        return False
    columns = (body.value, body.lower, body.upper, body.samples)
    return not _says_nothing(body) and all(c is None or is_canonical(c) for c in columns)


def _says_nothing(body: RunBody) -> bool:
    """True if a field is there that the encoder would have left out or put otherwise."""
    width = column_length(body.value)
    maps = (body.metadata, body.params, body.provenance, body.extra)
    bounds = ((body.lower, body.lower_at), (body.upper, body.upper_at))
    return (
        {} in maps
        or shrink_commit(grow_commit(body.commit)) != body.commit
        or any(at is not None and _odd_positions(column, at, width) for column, at in bounds)
        or (body.samples is None) != (body.sample_counts is None)
        or (body.sample_counts is not None and max(body.sample_counts, default=-1) < 0)
    )


def _odd_positions(column: Column | None, at: list[int], width: int) -> bool:
    return column is None or not 0 < len(at) < width or at != sorted(set(at))


def bounds_at(body: RunBody, position: int) -> tuple[float | None, float | None]:
    """Lower and upper bound of one column entry."""
    return (
        _bound_at(body.lower, body.lower_at, position),
        _bound_at(body.upper, body.upper_at, position),
    )


def _bound_at(column: Column | None, at: list[int] | None, position: int) -> float | None:
    if column is None or (at is not None and position not in at):
        return None
    index = at.index(position) if at is not None else position
    if not 0 <= index < column_length(column):
        raise Corrupt("run's column of bounds is too short", kind="bad-object")
    return value_at(column, index)
