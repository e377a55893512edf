"""Write the tables of a store for other engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graven.store import Store

if TYPE_CHECKING:
    from graven.export.tables import TablesReport


def export_tables(
    store: Store, format: str, folder: str, *, where: str = "", tables: Sequence[str] = ()
) -> TablesReport:
    """See `graven.export.tables.export_tables`; no tables means all."""
    return store.export_tables(format, folder, where=where, tables=tables or None)
