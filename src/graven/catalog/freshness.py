"""Whether the catalog knows all packs: one look at the folder, or one listing.

Kept apart from `refresh` so that a question to a store that has not moved loads
neither decompressor nor decoder.
"""

from __future__ import annotations

from typing import NamedTuple

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.formats.layout import PACKS, parse_pack_name


class Difference(NamedTuple):
    """What a listing and the catalog disagree on.

    ``listed`` is all that is there; ``token`` stands for the listing, taken before it,
    None if the backend has none.
    """

    added: list[str]
    gone: set[str]
    listed: set[str]
    token: str | None


def compare_listing(catalog: Catalog, backend: Backend) -> Difference | None:
    """Compare the store's packs with the catalog's; None if nothing changed."""
    token = backend.listing_token(PACKS)
    if token is not None and token == catalog.get_meta("token"):
        return None
    listed = {name for name in backend.names(PACKS) if name.endswith(".pack")}
    known = {name for (name,) in catalog.rows("SELECT name FROM pack")}
    added = sorted(name for name in listed - known if parse_pack_name(name) is not None)
    gone = known - listed
    if not added and not gone and token is None:
        return None
    return Difference(added, gone, listed, token)
