"""All baselines and tags of a store in one listing, and the bodies that have changed."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from graven.backends.base import Entry
from graven.backends.parallel import run_all
from graven.errors import Corrupt, NotFound
from graven.formats.guarded import RefValue, decode_ref_file
from graven.formats.layout import REFS
from graven.store import Store
from graven.sync.guarded import Key, parse_key


class Guarded(NamedTuple):
    """The values that stand now, deletions too, and what is wrong with files that are damaged."""

    values: dict[Key, RefValue]
    damaged: dict[Key, Corrupt]


def guarded_values(store: Store) -> Guarded:
    """All baselines and tags of a store.

    Of a remote store only the bodies are fetched that this machine has not seen in the
    version that the listing shows.
    """
    backend, client = store.parts.backend, store.parts.client
    entries = [(key, entry) for entry in backend.list(REFS) if (key := parse_key(entry.key))]

    def read(entry: Entry) -> bytes | None:
        # Where nothing has a version, all of them are equal.
        seen = client.memo.recall(entry.key) if client is not None else None
        if seen is not None and seen.data is not None and entry.version == seen.version != "":
            return seen.data
        try:
            return backend.get_with_version(entry.key)[0]
        except NotFound:
            return None

    bodies = run_all(backend, [partial(read, entry) for _, entry in entries])
    found = Guarded({}, {})
    for (key, entry), data in zip(entries, bodies, strict=True):
        if data is None:
            continue
        try:
            found.values[key] = decode_ref_file(data, entry.key)
        except Corrupt as error:
            found.damaged[key] = error
    return found
