"""Text of strangers for files that programs interpret: Markdown, CSV."""

from __future__ import annotations

import re
import unicodedata

MOST_TEXT = 120
"""Characters of a name in Markdown; the rest says little."""

_FORMULA = "=+-@＝＋－＠"  # the wide forms too: East Asian spreadsheets take them for the others
_FIRST = (*_FORMULA, "\t", "\r", "\n")
# Where semicolons stand between cells a new one begins behind each, whatever the quotes say.
_INNER = re.compile(rf"([;\t\r\n])(?=[{re.escape(_FORMULA)}])")


def code(text: str) -> str:
    """``text`` as a code element of Markdown; nothing for nothing.

    Its punctuation stands as numeric references: no Markdown, no HTML, no mention and no link
    is recognised there.
    """
    if not text:
        return ""
    cut = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
    return f"<code>{''.join(map(_inert, cut))}</code>"


def _inert(char: str) -> str:
    if char.isascii():
        if char.isalnum() or char == " ":
            return char
        return f"&#{ord(char)};" if char.isprintable() else " "
    # Controls, overrides of the direction and half characters say nothing and hide much.
    return char if unicodedata.category(char)[0] in "LMNPS" else " "


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a ``'`` stands before one."""
    text = _INNER.sub(r"\1'", whole(text).replace("\0", ""))
    return f"'{text}" if text.startswith(_FIRST) else text


def whole(text: str) -> str:
    """``text`` with a question mark for half characters, which UTF-8 has no form for."""
    return text.encode("utf-8", "replace").decode("utf-8")
