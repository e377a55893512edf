"""What somebody who looked at a place found: a word for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How good it is.

    ``cannot`` is what was never promised; ``wrong`` was, or is needed; ``noted`` is neither
    good nor bad, and worth knowing.
    """

    OK = "ok"
    CANNOT = "cannot"
    WRONG = "wrong"
    NOTED = "noted"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question.

    Attributes:
        name: which question (``stale-swap``); stable, only ever added to.
        outcome: how good the answer is.
        words: the answer, for a person.
    """

    name: str
    outcome: Outcome
    words: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"name": self.name, "outcome": str(self.outcome), "words": self.words}
