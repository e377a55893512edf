"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong.

    Attributes:
        place: key of the file.
        what: the fault, in words.
        object_id: hex id of the damaged object, if it is one.
        kind: its kind.
        runs: ids of the runs that it belongs to.
        healthy_copy: key of another file that holds the object undamaged, or None.
        names: refs that it belongs to: runs, attachments, baselines, tags.
        condemned: the place is on its way out, and nothing needs it any more.
    """

    place: str
    what: str
    object_id: str | None = None
    kind: str | None = None
    runs: tuple[str, ...] = ()
    healthy_copy: str | None = None
    names: tuple[str, ...] = ()
    condemned: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "place": self.place,
            "what": self.what,
            "object_id": self.object_id,
            "kind": self.kind,
            "runs": list(self.runs),
            "names": list(self.names),
            "healthy_copy": self.healthy_copy,
            "condemned": self.condemned,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a store was read whole, by this check and earlier ones.

    Attributes:
        read: bytes of the files that were read whole at some time.
        total: bytes of all files that hold objects.
        oldest_ms: when the first of those was read, ms since 1970; None if none was.
        remembered: False where nothing can be kept beside the store: then ``read`` is of
            this check alone.
    """

    read: int
    total: int
    oldest_ms: int | None
    remembered: bool

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.read / self.total if self.total else 1.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "read": self.read,
            "total": self.total,
            "share": self.share,
            "oldest_ms": self.oldest_ms,
            "remembered": self.remembered,
        }


@dataclass(slots=True)
class FsckReport:
    """What fsck saw.

    ``damage`` is what is wrong; ``garbage`` is harmless (left-over temporary files,
    strangers); counts say how much was looked at; ``coverage`` is None for level quick.
    """

    level: str
    packs: int = 0
    objects: int = 0
    loose: int = 0
    refs: int = 0
    bytes_read: int = 0
    damage: list[Damage] = field(default_factory=list)
    garbage: list[str] = field(default_factory=list)
    coverage: Coverage | None = None

    @property
    def ok(self) -> bool:
        """True if nothing is damaged that anything needs."""
        return all(damage.condemned for damage in self.damage)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "level": self.level,
            "ok": self.ok,
            "packs": self.packs,
            "objects": self.objects,
            "loose": self.loose,
            "refs": self.refs,
            "bytes_read": self.bytes_read,
            "damage": [damage.to_dict() for damage in self.damage],
            "garbage": list(self.garbage),
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
        }
