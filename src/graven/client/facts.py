"""What this machine has found out about a remote place, and when: asked once, then believed."""

from __future__ import annotations

import json
from typing import Any

from graven import clock
from graven.client.files import write_quietly


class Facts:
    """Named JSON values in one file.

    A cache: it may be lost at any time. Of two processes that write at once one may lose
    what it found, and finds it again.

    Args:
        path: the file; made when the first fact is kept.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def recall(self, name: str, younger_than: float) -> Any:
        """The value kept under a name, or None: nobody knows, or it is too old.

        Args:
            name: which fact.
            younger_than: seconds for which it is believed.
        """
        kept = self._read().get(name)
        if not isinstance(kept, dict) or not isinstance(kept.get("at"), (int, float)):
            return None
        age = clock.wall_seconds() - kept["at"]
        return kept.get("value") if 0 <= age < younger_than else None

    def keep(self, name: str, value: Any) -> None:
        """Believe a JSON-ready value from now on; None forgets."""
        facts = self._read()
        facts.pop(name, None)
        if value is not None:
            facts[name] = {"at": clock.wall_ms() / 1000, "value": value}
        write_quietly(self._path, json.dumps(facts, indent=1).encode())

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._path, "rb") as file:
                facts = json.loads(file.read())
        except (OSError, ValueError):  # not there, or damaged: as if nobody had looked
            return {}
        return facts if isinstance(facts, dict) else {}
