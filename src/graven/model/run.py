"""A run: what was measured at one moment, on one machine, of one commit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from graven import clock
from graven.errors import InvalidInput
from graven.ids import GENERATED_RUN_ID_HEX, hash_bytes, normal
from graven.model.metric import MetricDef, _with_extra
from graven.model.point import Point
from graven.model.reading import (
    fail,
    plain,
    read_list,
    read_map,
    read_optional_text,
    read_text,
    show,
)


class Origin(StrEnum):
    """Where the numbers come from. Shown by every answer."""

    MEASURED = "measured"
    SIMULATED = "simulated"
    IMPORTED = "imported"


class _Deferred:
    """A place beside the fields for what makes those that nobody has looked at yet."""

    __slots__ = ("_later",)
    _later: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(_Deferred):
    """The measured facts of one run.

    Two runs are equal when all fields are; a run that went through a store is equal
    to the one that was saved (names in Unicode form C).

    Attributes:
        points: results, in the order given.
        id: name of the run in the store. Left empty, it is made from the content
            (20 hex digits), so that equal runs get equal ids.
        timestamp: when it ran, aware (a naive one is taken as local time).
        commit, branch: what was measured.
        environment: machine and software; shared between runs when stored.
        metadata: anything else, JSON-ready.
        metric_defs: how to read the metrics, by name.
        experiment: experiment the run belongs to.
        status: of the whole run ("ok", "failed", "running" ...).
        params: what was varied, JSON-ready.
        error: what went wrong, for a failed run.
        provenance: how it came to be (command, host of a runner ...), JSON-ready.
        origin: measured, simulated or imported.
        group: names the shards of one commit.
        commit_time: when the commit was made, apart from when the run ran.
        dirty: whether the work tree had changes beside the commit; None if unknown.
        guessed: names of fields that no file or user stated.
        extra: fields of a newer writer, kept as they came.
    """

    points: tuple[Point, ...]
    id: str = ""
    timestamp: datetime = field(default_factory=clock.now)
    commit: str | None = None
    branch: str | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    metric_defs: dict[str, MetricDef] = field(default_factory=dict)
    experiment: str | None = None
    status: str = "ok"
    params: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    origin: Origin = Origin.MEASURED
    group: str | None = None
    commit_time: datetime | None = None
    dirty: bool | None = None
    guessed: tuple[str, ...] = ()
    extra: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.timestamp, datetime):
            fail("timestamp", f"expected a datetime, got {show(self.timestamp)}")
        if self.timestamp.tzinfo is None:
            object.__setattr__(self, "timestamp", clock.make_aware(self.timestamp))
        if not isinstance(self.points, tuple):
            object.__setattr__(self, "points", tuple(self.points))
        if isinstance(self.id, str) and not self.id.isascii():
            object.__setattr__(self, "id", normal(self.id))
        if not self.id:
            object.__setattr__(self, "id", _content_id(self))

    @classmethod
    def deferred(cls, later: dict[str, Callable[[], Any]], **fields: Any) -> Self:
        """A run some of whose fields are made when they are first looked at.

        Listing thousands of runs costs most of its time for points and environments
        that many callers never touch. ``later`` makes those; ``fields`` are all others, in
        their final form.
        """
        run = cls.__new__(cls)
        # The slots themselves: half the time of object.__setattr__, a dozen times a run.
        for name, value in fields.items():
            _SET[name](run, value)
        object.__setattr__(run, "_later", later)
        return run

    def __getattr__(self, name: str) -> Any:
        # Reached only where an attribute is not set: a field of a deferred run.
        if name not in _SET:
            raise AttributeError(f"Run has no attribute {name!r}")
        made = "=" + name
        maker = self._later.get(name)
        if maker is not None:
            # Of several threads that make it at once, all get what the first has put here.
            self._later.setdefault(made, maker())
            self._later.pop(name, None)  # and what it was made from is let go
        value = self._later[made]
        _SET[name](self, value)
        return value

    def _repr_html_(self) -> str:
        from graven.model.html import run_html

        return run_html(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: calibrax's eight keys always and in its order, then ours."""
        record: dict[str, Any] = {
            "id": self.id,
            "timestamp": self.timestamp.isoformat(),
            "commit": self.commit,
            "branch": self.branch,
            "environment": plain(self.environment, "environment"),
            "metadata": plain(self.metadata, "metadata"),
            "metric_defs": {name: d.to_dict() for name, d in self.metric_defs.items()},
            "points": [self._point_dict(i, point) for i, point in enumerate(self.points)],
        }
        for name, (default, write) in _OWN_FIELDS.items():
            value = getattr(self, name)
            if value != default:
                record[name] = write(value)
        return _with_extra(record, self.extra)

    @staticmethod
    def _point_dict(index: int, point: Point) -> dict[str, Any]:
        try:
            return point.to_dict()
        except InvalidInput as error:
            fail(f"points[{index}].{error.fields.get('field', '')}", error.message)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `to_dict`'s form or calibrax's; ``id``, ``timestamp``, ``points`` must be there.

        Raises:
            InvalidInput: names the field that is missing or wrong.
        """
        record = read_map(data, "run")
        for key in ("id", "timestamp", "points"):
            if key not in record:
                fail(key, "is missing")
        record.pop("object_id", None)  # a view names its object: no fact of the run
        defs = read_map(record.pop("metric_defs", None) or {}, "metric_defs")
        known: dict[str, Any] = {
            "id": read_text(record.pop("id"), "id"),
            "timestamp": _read_time(record.pop("timestamp"), "timestamp"),
            "points": tuple(
                Point.from_dict(point, f"points[{i}]")
                for i, point in enumerate(read_list(record.pop("points"), "points"))
            ),
            "metric_defs": {
                name: MetricDef.from_dict(value, f"metric_defs.{name}")
                for name, value in defs.items()
            },
        }
        if not known["id"]:
            fail("id", "is empty")
        for name in _TEXT_FIELDS & record.keys():
            known[name] = read_optional_text(record.pop(name), name)
        for name in _MAP_FIELDS & record.keys():
            known[name] = plain(read_map(record.pop(name) or {}, name), name)
        known.update(_read_own(record))
        if record:
            known["extra"] = plain(record, "run")
        return cls(**known)


_SET: dict[str, Callable[[Run, Any], None]] = {
    f.name: Run.__dict__[f.name].__set__ for f in fields(Run)
}


def _content_id(run: Run) -> str:
    """The id of a run that was given none: from all of its content (20 hex digits).

    The hash is over its JSON form with sorted keys and times in UTC, so that equal runs
    get equal ids, whatever the format of objects is.
    """
    record = run.to_dict()
    del record["id"]
    for name, moment in (("timestamp", run.timestamp), ("commit_time", run.commit_time)):
        if moment is not None:
            with suppress(OverflowError):  # no time in UTC; saving it says so
                record[name] = clock.make_aware(moment).astimezone(UTC).isoformat()
    text = normal(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    # A lone surrogate has no UTF-8; it gets its id here and its refusal when it is saved.
    return hash_bytes(text.encode("utf-8", "surrogatepass")).hex()[:GENERATED_RUN_ID_HEX]


_TEXT_FIELDS = {"commit", "branch", "experiment", "error", "group"}
_MAP_FIELDS = {"environment", "metadata", "params", "provenance"}


def _same(value: Any) -> Any:
    return value


# Own fields: the value that is left out, and how another is written.
_OWN_FIELDS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "experiment": (None, _same),
    "status": ("ok", _same),
    "params": ({}, lambda value: plain(value, "params")),
    "error": (None, _same),
    "provenance": ({}, lambda value: plain(value, "provenance")),
    "origin": (Origin.MEASURED, str),
    "group": (None, _same),
    "commit_time": (None, datetime.isoformat),
    "dirty": (None, _same),
    "guessed": ((), list),
}


def _read_time(value: object, where: str) -> datetime:
    try:
        return clock.parse_time(read_text(value, where))
    except InvalidInput as error:
        fail(where, error.message)


def _read_own(record: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if "status" in record:
        own["status"] = read_text(record.pop("status"), "status")
    if "origin" in record:
        origin = record.pop("origin")
        if origin not in tuple(Origin):
            fail("origin", f"{show(origin)} is none of {', '.join(Origin)}")
        own["origin"] = Origin(origin)
    if record.get("commit_time") is not None:
        own["commit_time"] = _read_time(record["commit_time"], "commit_time")
    record.pop("commit_time", None)
    if "dirty" in record:
        own["dirty"] = record.pop("dirty")
        if own["dirty"] not in (True, False, None):
            fail("dirty", f"expected true or false, got {show(own['dirty'])}")
    if "guessed" in record:
        names = read_list(record.pop("guessed"), "guessed")
        own["guessed"] = tuple(read_text(n, f"guessed[{i}]") for i, n in enumerate(names))
    return own
