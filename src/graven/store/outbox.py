"""Runs that could not be sent: kept as packs in the user's state folder until `push`.

The outbox of a place is a small local store with the id of the store that it is for, so
that sending it is a transfer like any other, and what has arrived is told by difference.
It is no cache: what lies there is nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from graven import userdirs
from graven.backends.local import LocalBackend
from graven.client.folder import place_name
from graven.formats import layout
from graven.formats.storefile import StoreFile
from graven.store.opening import write_store_file
from graven.store.session import Session

if TYPE_CHECKING:
    from graven.formats.packbuild import Item
    from graven.store.session import Intent


class Outbox:
    """What waits to be sent to one remote store.

    Args:
        place: see `graven.backends.base.Backend.place`.
        file: store.json of the store that it is for.
        root: the user's state folder; None for the usual one.
        heard_ms: what the place last told of its time, see `graven.backends.base.Backend.heard_ms`.
    """

    def __init__(
        self,
        place: str,
        file: StoreFile,
        root: str | None = None,
        *,
        heard_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        name = f"{place_name(place)}-{file.store_id}"
        self.path = os.path.join(root or userdirs.state_dir(), "outbox", name)
        self._file = file
        self._heard_ms = heard_ms
        self._session: Session | None = None

    def commit(self, items: Sequence[Item], intents: Sequence[Intent], seen: int) -> None:
        """Keep a transaction, durable on return; its stamps lie above ``seen``.

        ``items`` must be all that the refs need: what this session has sent before may be
        gone when the network is back.
        """
        if self._session is None:
            backend = _Folder(self.path, self._heard_ms)
            write_store_file(backend, self._file, exclusive=False)
            self._session = Session(backend)
        self._session.observe(seen)
        self._session.commit(items, intents)

    def packs(self) -> list[str]:
        """File names of the packs that wait."""
        return _packs_in(self.path)

    def strays(self) -> list[str]:
        """Folders with packs for other stores that were at this place: it was made anew."""
        root, own = os.path.split(self.path)
        place = own.partition("-")[0] + "-"
        found = []
        with suppress(FileNotFoundError):  # nothing has ever been queued
            for name in sorted(os.listdir(root)):
                if name.startswith(place) and name != own and _packs_in(os.path.join(root, name)):
                    found.append(os.path.join(root, name))
        return found

    def remove(self, packs: Sequence[str]) -> None:
        """Let packs go that have arrived."""
        backend = LocalBackend(self.path)
        for name in packs:
            backend.delete(layout.pack_key(name))


class _Folder(LocalBackend):
    """A folder whose writers go by the clock of the place that it is for, as far as it is known.

    By a clock that is far ahead what is queued would be refused there until its time has come.
    """

    def __init__(self, path: str, heard_ms: Callable[[], int | None]) -> None:
        super().__init__(path)
        self._heard_ms = heard_ms

    def heard_ms(self) -> int | None:
        """See `Backend.heard_ms`."""
        return self._heard_ms()


def _packs_in(folder: str) -> list[str]:
    with suppress(OSError):  # nothing has ever been queued there
        return [n for n in os.listdir(os.path.join(folder, "packs")) if n.endswith(".pack")]
    return []
