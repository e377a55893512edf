"""The table of a page, replaced between its markers."""

from __future__ import annotations

import sys
from pathlib import Path


def replace_table(page: Path, text: str, name: str = "table") -> None:
    """Put ``text`` between ``<!-- name -->`` and ``<!-- end of name -->``.

    The page keeps the rest. Ends the program where the markers are missing.
    """
    before, mark, rest = page.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not end:
        sys.exit(f"{page} has no markers for the {name}")
    page.write_text(f"{before}{mark}\n{text}\n{end}{after}")
