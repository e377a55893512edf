"""The last seen of a remote store's few files that change, kept on the client's disk.

``store.json``, ``config.json``, baselines and tags: each body with its version and the
time of the look, so that a store can be asked with no network, and its unchanging
``store.json`` is not fetched by each process anew. Packs are not among them: the catalog
and the cache of objects hold what was read there.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, NamedTuple

from graven import clock
from graven.client.files import write_quietly
from graven.formats import layout
from graven.ids import percent_decode, percent_encode

_ABSENT = "absent"
_PRESENT = "present"
_NAMES = "names"


class Seen(NamedTuple):
    """A body as it was ``age`` seconds ago; ``data`` is None if there was none."""

    data: bytes | None
    version: str
    age: float


def is_memorable(key: str) -> bool:
    """True for the files that are kept."""
    return key in (layout.STORE_FILE, layout.CONFIG_FILE) or key.startswith(layout.REFS)


class Memo:
    """Small files under one folder. Safe for many processes: each write replaces a whole file.

    A folder that cannot be written keeps nothing, and nobody is told: it is a cache.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def keep(self, key: str, data: bytes | None, version: str) -> None:
        """Remember a body, or that there is none."""
        head = {"kind": _ABSENT if data is None else _PRESENT, "version": version}
        self._write(key, head, data or b"")

    def recall(self, key: str) -> Seen | None:
        """What was seen under a key; None if nobody looked."""
        found = self._read(key)
        if found is None:
            return None
        head, body, age = found
        if head.get("kind") not in (_ABSENT, _PRESENT):
            return None
        return Seen(body if head["kind"] == _PRESENT else None, str(head.get("version", "")), age)

    def keep_names(self, folder: str, names: list[str]) -> None:
        """Remember the file names of a folder."""
        self._write(folder, {"kind": _NAMES}, json.dumps(names).encode())

    def recall_names(self, folder: str) -> list[str]:
        """The file names of a folder: those of the last look, and of bodies seen since."""
        names: set[str] = set()
        found = self._read(folder)
        if found is not None and found[0].get("kind") == _NAMES:
            with suppress(ValueError):  # damaged: as if nobody had looked
                names.update(str(name) for name in json.loads(found[1]))
        for key in self._keys():
            parent, _, name = key.rpartition("/")
            seen = self.recall(key) if parent == folder else None
            if seen is not None and seen.data is not None:
                names.add(name)
        return sorted(names)

    def _keys(self) -> list[str]:
        with suppress(OSError):  # nothing was ever kept
            found = os.listdir(self._folder)
            return [percent_decode(name) for name in found if not name.startswith(".tmp-")]
        return []

    def forget(self) -> None:
        """Remember nothing."""
        with suppress(OSError):  # not there, or not ours to write
            for name in os.listdir(self._folder):
                os.unlink(os.path.join(self._folder, name))

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, percent_encode(key))

    def _write(self, key: str, head: dict[str, str], body: bytes) -> None:
        dated = {**head, "at": clock.wall_ms() / 1000}
        write_quietly(self._path(key), json.dumps(dated).encode() + b"\n" + body)

    def _read(self, key: str) -> tuple[dict[str, Any], bytes, float] | None:
        try:
            with open(self._path(key), "rb") as file:
                head, _, body = file.read().partition(b"\n")
            fields = json.loads(head)
            age = clock.wall_seconds() - fields["at"]
        except (OSError, ValueError, LookupError, TypeError):
            return None  # not there, or damaged: as if nobody had looked
        return fields, body, age
