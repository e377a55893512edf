"""What may go wrong with a request, and how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from enum import StrEnum

from graven.testing.faulty import WRITES

CONDITIONAL = frozenset(["put_if_absent", "put_if_version", "delete_if_version"])


class Fault(StrEnum):
    """What becomes of one request."""

    NONE = ""
    LOST = "lost"  # done, but the answer is lost: a timeout
    TIMEOUT = "timeout"  # never arrived: a timeout as well
    STRAGGLER = "straggler"  # a timeout, and it arrives some steps later
    BUSY = "busy"  # 429 or 503: not done
    CONFLICT = "conflict"  # 409, another request on the key is under way: not done
    STALE = "stale"  # 412 although nothing has moved: not done (no good server does that)
    CRASH_BEFORE = "crash before"  # the client dies, and the request with it
    CRASH_AFTER = "crash after"  # the request is done, and its sender dies


_OF_WRITES = frozenset([Fault.STRAGGLER])
_OF_CONDITIONS = frozenset([Fault.CONFLICT])
_OF_SWAPS = frozenset([Fault.STALE])  # "absent" is a fact; a version may be judged by a replica


class Faults:
    """How likely each fault is, for one request that it can happen to.

    Args:
        rates: fault to probability; together at most 1.
    """

    def __init__(self, rates: Mapping[Fault, float]) -> None:
        self.rates = dict(rates)

    def draw(self, dice: random.Random, method: str) -> Fault:
        """The fault of the next request; one throw, whatever comes of it."""
        mark = dice.random()
        for fault, rate in self.rates.items():
            mark -= rate
            if mark < 0:
                return fault if can_happen(fault, method) else Fault.NONE
        return Fault.NONE

    def scaled(self, by: float) -> Faults:
        """All of them so many times as likely."""
        return Faults({fault: rate * by for fault, rate in self.rates.items()})


def can_happen(fault: Fault, method: str) -> bool:
    """True if a request of this method can meet the fault."""
    if fault in _OF_WRITES:
        return method in WRITES
    if fault in _OF_CONDITIONS:
        return method in CONDITIONAL
    return fault not in _OF_SWAPS or method in ("put_if_version", "delete_if_version")


CALM = Faults({})
"""Nothing ever fails."""

ROUGH = Faults(
    {
        Fault.LOST: 0.03,
        Fault.TIMEOUT: 0.02,
        Fault.STRAGGLER: 0.02,
        Fault.BUSY: 0.02,
        Fault.CONFLICT: 0.03,
        Fault.CRASH_BEFORE: 0.002,
        Fault.CRASH_AFTER: 0.002,
    }
)
"""About one request in ten fails."""
