"""One folder of the user's cache for each remote store: catalog, objects, memo, facts."""

from __future__ import annotations

import os

from graven import userdirs
from graven.client.facts import Facts
from graven.client.memo import Memo
from graven.formats.layout import CATALOG_FILE
from graven.ids import hash_bytes

OBJECT_CACHE_BYTES = 1024 * 1024 * 1024
NAME_HEX = 32


class ClientFolder:
    """Paths within the folder of one place; nothing is made before it is written.

    Two places never share a folder, also where they hold copies of one store: the name is
    the hash of the place, which is its URL and endpoint.

    Args:
        place: see `graven.backends.base.Backend.place`.
        root: the user's cache folder; None for the usual one.
    """

    def __init__(self, place: str, root: str | None = None) -> None:
        self.path = os.path.join(root or userdirs.cache_dir(), "stores", place_name(place))
        self.memo = Memo(os.path.join(self.path, "seen"))
        self.facts = Facts(os.path.join(self.path, "facts.json"))

    @property
    def catalog_path(self) -> str:
        """The catalog, bound to the store's id by its own first table."""
        return os.path.join(self.path, CATALOG_FILE)

    @property
    def objects_path(self) -> str:
        """The cache of objects by hash."""
        return os.path.join(self.path, "objects.sqlite")


def place_name(place: str) -> str:
    """A file name for a place."""
    return hash_bytes(place.encode()).hex()[:NAME_HEX]
