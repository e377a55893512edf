"""Sending a request again: how often, how long between, and when to give up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from graven import clock, ids
from graven.backends.driver import Transient
from graven.errors import BackendUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waits double from ``first`` to ``longest`` seconds, each shortened at random.

    Many clients that were refused in one moment must not come back in one moment.

    Attributes:
        attempts: how often a request is sent at most.
        connects: the same where no connection comes about: a wrong address or a missing
            network does not pass by waiting, and a person sits before it.
        budget: no further attempt begins when so many seconds have gone by.
    """

    attempts: int = 8
    connects: int = 3
    first: float = 0.1
    longest: float = 3.0
    budget: float = 30.0

    def run(self, send: Callable[[], T], url: str) -> T:
        """Send until it succeeds, or raise what came of the last attempt.

        Raises:
            BackendUnavailable: kinds ``unreachable``, ``timeout`` (it is not known whether
                it was done) and ``busy`` (it was not).
        """
        begun = clock.uptime()
        attempt = 0
        unknown = False
        while True:
            attempt += 1
            try:
                return send()
            except Transient as error:
                unknown = unknown or error.unknown
                limit = self.connects if error.unreachable else self.attempts
                wait = self._wait(attempt, error)
                late = clock.uptime() - begun + wait > self.budget
                if attempt < limit and not late:
                    clock.sleep(wait)
                    # If the machine was suspended meanwhile, what the request rests on is old.
                    late = clock.uptime() - begun > self.budget + self.longest
                if attempt >= limit or late:
                    raise _given_up(error, unknown, url) from error

    def _wait(self, attempt: int, error: Transient) -> float:
        longest = min(self.longest, self.first * 2.0 ** (attempt - 1))
        wait = longest * (0.5 + ids.random_fraction() / 2)
        return max(wait, min(error.after or 0.0, self.longest))


def _given_up(error: Transient, unknown: bool, url: str) -> BackendUnavailable:
    if unknown:
        return BackendUnavailable(
            f"no answer from {url} in time: {error.message}",
            kind="timeout",
            hint="it may have been done all the same: look, then try again",
            url=url,
        )
    if error.unreachable:
        return BackendUnavailable(
            f"cannot reach {url}: {error.message}",
            kind="unreachable",
            hint="check the network and the endpoint; '--offline' answers from what was read",
            url=url,
        )
    return BackendUnavailable(
        f"{url} is busy: {error.message}", kind="busy", hint="try again in a minute", url=url
    )
