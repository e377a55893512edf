"""Does a remote place compare and swap? Asked before this machine first moves a baseline there.

A server that ignores conditions says yes to every write, and the loser of a race is never
told. What was found is believed for a while, so that later writes cost nothing more.
"""

from __future__ import annotations

from graven.backends.base import Backend
from graven.backends.findings import Finding, Outcome
from graven.backends.probe import proves_swap
from graven.client.folder import ClientFolder
from graven.errors import InvalidInput

PROVEN_SECONDS = 30 * 86_400.0
SWAP_FACT = "swap"


class SwapProof:
    """Asks a place once; only what was good is believed by later processes.

    So a server that has been mended is asked again, and one that is good is not.

    Args:
        backend: the place.
        client: where this machine remembers.
    """

    def __init__(self, backend: Backend, client: ClientFolder) -> None:
        self._backend = backend
        self._client = client
        self._found: Finding | None = None

    def check(self) -> None:
        """Accept the place.

        Raises:
            InvalidInput: it ignores conditions, or refuses what it should do (``no-swap``).
            BackendUnavailable: it did not answer.
        """
        if self._found is None:
            self._found = recall_swap(self._client) or self._ask()
        if self._found.outcome is not Outcome.OK:
            raise InvalidInput(
                f"baselines and tags cannot be changed safely at {self._backend.url}:"
                f" {self._found.words}",
                kind="no-swap",
                hint="runs can be saved there; 'graven doctor' says more",
                url=self._backend.url,
            )

    def _ask(self) -> Finding:
        found = proves_swap(self._backend)
        remember_swap(self._client, found)
        return found


def remember_swap(client: ClientFolder, found: Finding) -> None:
    """Believe that a place swaps, or forget it, as was found."""
    good = found.outcome is Outcome.OK
    client.facts.keep(SWAP_FACT, found.words if good else None)


def recall_swap(client: ClientFolder) -> Finding | None:
    """What was found here, if it was good and not too long ago."""
    words = client.facts.recall(SWAP_FACT, PROVEN_SECONDS)
    return Finding(SWAP_FACT, Outcome.OK, str(words)) if words else None
