"""All baselines and tags of a store in one listing, and the bodies that have changed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from graven.backends.base import Entry
from graven.backends.parallel import run_all
from graven.errors import Corrupt, NotFound
from graven.formats.guarded import RefValue, decode_ref_file
from graven.formats.layout import REFS
from graven.store import Store
from graven.sync.guarded import Key, parse_key


def guarded_values(store: Store) -> dict[Key, RefValue]:
    """The values that stand now, deletions too; a damaged file is left out, fsck names it.

    Of a remote store only the bodies are fetched that this machine has not seen in the
    version that the listing shows.
    """
    backend, client = store.parts.backend, store.parts.client
    entries = [(key, entry) for entry in backend.list(REFS) if (key := parse_key(entry.key))]

    def read(entry: Entry) -> bytes | None:
        seen = client.memo.recall(entry.key) if client is not None else None
        if seen is not None and seen.data is not None and seen.version == entry.version:
            return seen.data
        try:
            return backend.get_with_version(entry.key)[0]
        except NotFound:
            return None

    bodies = run_all(backend, [partial(read, entry) for _, entry in entries])
    return dict(_decoded(entries, bodies))


def _decoded(
    entries: list[tuple[Key, Entry]], bodies: list[bytes | None]
) -> Iterator[tuple[Key, RefValue]]:
    for (key, entry), data in zip(entries, bodies, strict=True):
        if data is None:
            continue
        try:
            yield key, decode_ref_file(data, entry.key)
        except Corrupt:
            continue
