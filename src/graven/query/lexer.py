"""Text into tokens. A word goes on to the next space, operator, comma or parenthesis."""

from __future__ import annotations

from typing import NamedTuple

from graven.query.spelling import query_error

MAX_LENGTH = 10_000

WORD, OPERATOR, END = "word", "operator", "end"

_OPERATORS = ("!=", "!~", "<=", ">=", "==", "=", "<", ">", "~", "(", ")", ",")
_BREAKS = frozenset("=<>~!(),")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'"}
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}


class Token(NamedTuple):
    """One token: ``text[start:end]`` of the query, and what it says without its quotes.

    ``quoted``: some of it stood in quotes, so that it is no word of the language. ``bare``
    is how much of ``said`` comes before the first quote.
    """

    kind: str
    said: str
    start: int
    end: int
    quoted: bool = False
    bare: int = 0


def tokens(text: str) -> list[Token]:
    """All tokens, the last of kind `END`.

    Raises:
        InvalidInput: too long, a quote that is not closed, an escape that means nothing.
    """
    if len(text) > MAX_LENGTH:
        raise query_error(
            text[:80], 0, 1, f"a query has at most {MAX_LENGTH:,} characters, not {len(text):,}"
        )
    found = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        operator = next((op for op in _OPERATORS if text.startswith(op, at)), None)
        if operator is not None:
            token = Token(OPERATOR, operator, at, at + len(operator))
        elif text[at] in _BREAKS:
            raise query_error(text, at, at + 1, f"{text[at]!r} means nothing here")
        else:
            token = _word(text, at)
        found.append(token)
        at = token.end
    return [*found, Token(END, "", len(text), len(text))]


def _word(text: str, start: int) -> Token:
    parts: list[str] = []
    bare: int | None = None
    at = start
    while at < len(text) and not text[at].isspace() and text[at] not in _BREAKS:
        if text[at] in "\"'":
            if bare is None:
                bare = sum(map(len, parts))
            said, at = _quoted(text, at)
            parts.append(said)
        else:
            if "\ud800" <= text[at] <= "\udfff":
                raise query_error(text, at, at + 1, "half a character (a lone surrogate)")
            parts.append(text[at])
            at += 1
    word = "".join(parts)
    return Token(WORD, word, start, at, bare is not None, len(word) if bare is None else bare)


def _quoted(text: str, start: int) -> tuple[str, int]:
    """What stands in the quotes that begin at ``start``, and where the text goes on."""
    quote = text[start]
    out: list[str] = []
    at = start + 1
    while at < len(text):
        char = text[at]
        if char == quote:
            return "".join(out), at + 1
        if "\ud800" <= char <= "\udfff":
            raise query_error(text, at, at + 1, "half a character (a lone surrogate)")
        if char == "\\":
            char, at = _escape(text, at)
        else:
            at += 1
        out.append(char)
    raise query_error(text, start, start + 1, f"the quote {quote} is not closed")


def _escape(text: str, start: int) -> tuple[str, int]:
    letter = text[start + 1 : start + 2]
    if letter in _ESCAPES and letter:
        return _ESCAPES[letter], start + 2
    digits = _HEX_DIGITS.get(letter, 0)
    code = text[start + 2 : start + 2 + digits]
    if digits and len(code) == digits and all(c in "0123456789abcdefABCDEF" for c in code):
        number = int(code, 16)
        if number < 0x110000 and not 0xD800 <= number < 0xE000:
            return chr(number), start + 2 + digits
    raise query_error(
        text,
        start,
        start + 2,
        "this escape means nothing",
        hint=r"""there is \\ \" \' \n \r \t \0 \xNN \uNNNN \UNNNNNNNN""",
    )
