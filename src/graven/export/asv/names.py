"""Names that asv, its pages and every file system can bear, and that stay distinct.

asv turns a benchmark's name into a file name by replacing what it does not like, and
then loses the way back: such a benchmark is left out of the search for regressions,
and one with ``(`` stops ``asv publish``. Its pages put some texts into HTML as they
are. So names are mapped before asv sees them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from graven import ids

NAME_LIMIT = 150  # with asv's "graphs/.../NAME.json" well under 255 bytes a file name
TEXT_LIMIT = 200  # of a parameter's value: readable in a legend, bounded in benchmarks.json
HASH_HEX = 8

_UNSAFE = re.compile(r"[^A-Za-z0-9_.\[\]-]+")
_UNSAFE_ENDS = re.compile(rf"\A{_UNSAFE.pattern}|{_UNSAFE.pattern}\Z")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
# Characters that mean something in HTML, by ones that look alike and mean nothing.
_INERT = str.maketrans({"<": "‹", ">": "›", "&": "＆", '"': "”"})

T = TypeVar("T")


def safe_name(text: str) -> str:
    """``text`` in asv's safe characters ``A-Z a-z 0-9 _ . [ ] -``; never empty, never a path."""
    name = _UNSAFE.sub("_", _UNSAFE_ENDS.sub("", ids.normal(text))) or "_"
    if name[0] in ".-" or _DEVICE.match(name):
        name = f"_{name}"
    return f"{name[:-1]}_" if name.endswith(".") else name


def join_names(parts: Iterable[str]) -> str:
    """One dotted name, the form that asv's pages group by."""
    return safe_name(".".join(safe_name(part) for part in parts))


def inert_text(text: str) -> str:
    """``text`` for asv's pages: no control characters, no HTML, nothing UTF-8 cannot write."""
    if text.isascii() and text.isprintable():
        return text.translate(_INERT)
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in ("Cc", "Cs") else char
        for char in text
    ).translate(_INERT)


def distinct(
    items: Iterable[T],
    text_of: Callable[[T], str],
    *,
    limit: int,
    reserved: Collection[str] = (),
    fold_case: bool = False,
) -> dict[T, str]:
    """Give every item its text, and a short hash where two would share one.

    The answer depends on the set of items, not on their order. A hash is added to all
    that would share a text, so that none of them passes for another.

    Args:
        items: what to name; each is hashed by its ``repr``, which must tell it apart.
        text_of: the wished text.
        limit: longest text in characters; a longer one is cut and gets a hash.
        reserved: texts that are taken.
        fold_case: texts that differ in case only count as equal (file names).
    """
    fold: Callable[[str], str] = str.casefold if fold_case else str
    wished = {item: text_of(item) for item in sorted(set(items), key=repr)}
    shared = Counter(fold(text) for text in wished.values())
    taken = {fold(text) for text in reserved}
    named: dict[T, str] = {}
    rest: list[T] = []
    for item, text in wished.items():
        if len(text) <= limit and shared[fold(text)] == 1 and fold(text) not in taken:
            named[item] = text
        else:
            rest.append(item)
    taken.update(fold(text) for text in named.values())
    for item in rest:
        named[item] = _with_hash(item, wished[item], limit, lambda text: fold(text) in taken)
        taken.add(fold(named[item]))
    return named


def _with_hash(item: object, text: str, limit: int, is_taken: Callable[[str], bool]) -> str:
    digest = ids.hash_bytes(repr(item).encode()).hex()
    for length in range(HASH_HEX, len(digest) + 1, HASH_HEX):
        # At least one character of the text stays, so that no name begins with "-".
        name = f"{text[: max(limit - length - 1, 1)]}-{digest[:length]}"
        if not is_taken(name):
            return name
    return f"{text[:1]}-{digest}"
