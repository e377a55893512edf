"""Tokens into the tree, by recursive descent.

query      = [ any ]
any        = all { "or" all }
all        = one { "and" one }
one        = "not" one | "(" any ")" | "since" VALUE | "until" VALUE | test
test       = FIELD ( OPERATOR VALUE | [ "not" ] "in" "(" VALUE { "," VALUE } ")" | "exists" )
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from graven import clock
from graven.ids import normal
from graven.query.lexer import END, OPERATOR, WORD, Token, tokens
from graven.query.spelling import nearest, query_error
from graven.query.terms import (
    FIELDS,
    KEYED,
    Among,
    And,
    Compare,
    Exists,
    Expression,
    Field,
    Literal,
    Not,
    Or,
    Query,
    SortKey,
)
from graven.query.values import check_operator, read_value

MAX_DEPTH = 40
MAX_TERMS = 200
MAX_VALUES = 1_000
MAX_COLUMNS = 200

_WORDS = ("and", "or", "not", "in", "exists", "since", "until")
_OPERATORS = ("=", "==", "!=", "<", "<=", ">", ">=", "~", "!~")


def parse(text: str, *, now: datetime | None = None) -> Query:
    """Read a query; one without a word fits every run.

    Args:
        text: as docs/query.md describes it.
        now: what ages such as ``7d`` count from; the present if left out.

    Raises:
        InvalidInput: kind ``bad-query`` or ``name-unknown``, with the fields ``query``,
            ``column`` (from 1) and ``width``: where it is wrong.
    """
    if not isinstance(text, str):
        raise query_error("", 0, 0, f"a query is text, not {type(text).__name__}")
    return _Parser(text, clock.now() if now is None else now).query()


def parse_sort(sort: str | Sequence[str] | None) -> tuple[SortKey, ...]:
    """Read an order: ``metric.time:desc,branch``; ``:asc`` goes without saying.

    Raises:
        InvalidInput: as `parse` raises it; also a field by which runs have no order.
    """
    keys = []
    for text, token in _listed(sort):
        descending = token.said.endswith(":desc")
        said = token.said.removesuffix(":desc") if descending else token.said.removesuffix(":asc")
        field = read_field(text, token._replace(said=said, bare=min(token.bare, len(said))))
        if field.name in ("tag", "baseline"):
            raise query_error(
                text,
                token.start,
                token.end,
                f"runs have no order by {field}: they may have several",
            )
        keys.append(SortKey(field, descending))
    return tuple(keys)


def parse_columns(columns: str | Sequence[str]) -> tuple[Field, ...]:
    """Read the columns of a table: ``run,branch,metric.time``.

    Raises:
        InvalidInput: as `parse` raises it.
    """
    return tuple(read_field(text, token) for text, token in _listed(columns))


def _listed(given: str | Sequence[str] | None) -> list[tuple[str, Token]]:
    """(text, word of it) of all that stands between commas."""
    found: list[tuple[str, Token]] = []
    for text in [given] if isinstance(given, str) else (given or ()):
        expected = True
        for token in tokens(text):
            if expected and token.kind == WORD:
                found.append((text, token))
            elif token.kind == END and (not expected or len(text.strip()) == 0):
                break
            elif expected or token.said != ",":
                raise query_error(
                    text, token.start, token.end, "fields stand one by one between commas"
                )
            expected = not expected
        if len(found) > MAX_COLUMNS:
            raise query_error(text, 0, 1, f"there may be {MAX_COLUMNS} fields at most")
    return found


def read_field(text: str, token: Token) -> Field:
    """The field that a word means.

    Raises:
        InvalidInput: none; the hint names the nearest.
    """
    name, dot, key = token.said.partition(".")
    if token.bare <= len(name) and token.quoted and token.bare < len(token.said):
        raise query_error(
            text, token.start, token.end, "a field was expected, not a quoted text",
            hint="a test begins with a field: branch = main",
        )  # fmt: skip
    folded = name.lower()
    if folded in KEYED:
        if not key:
            raise query_error(
                text, token.start, token.end, f"{folded} needs a key", hint=f"such as {folded}.NAME"
            )
        return Field(folded, normal(key), token.start, token.end)
    if folded in FIELDS and not dot:
        return Field(folded, None, token.start, token.end)
    if folded in FIELDS:
        raise query_error(text, token.start, token.end, f"{folded} has no keys")
    known = [*FIELDS, *(f"{one}.NAME" for one in KEYED)]
    raise query_error(
        text, token.start, token.end, f"unknown field {token.said[:60]!r}",
        hint=nearest(name, [*FIELDS, *KEYED], shown=len(known)) if not dot else nearest(name, KEYED)
        or f"there is {', '.join(known)}", kind="name-unknown",
    )  # fmt: skip


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self.text = text
        self.now = now
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0
        self.terms = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def query(self) -> Query:
        if self.next.kind == END:
            return Query(self.text, None)
        root = self.disjunction()
        token = self.next
        if token.kind != END:
            said = token.said if token.kind == OPERATOR else token.said[:40]
            hint = "there is one too many" if said == ")" else "'and' or 'or' goes between tests"
            raise self.error(token, f"{said!r} was not expected", hint)
        return Query(self.text, root)

    def error(self, token: Token, message: str, hint: str | None = None) -> Exception:
        return query_error(self.text, token.start, token.end, message, hint=hint)

    def is_word(self, word: str) -> bool:
        token = self.next
        return token.kind == WORD and not token.quoted and token.said.lower() == word

    def take_word(self, word: str) -> bool:
        if self.is_word(word):
            self.at += 1
            return True
        return False

    def take_operator(self, *operators: str) -> Token | None:
        token = self.next
        if token.kind == OPERATOR and token.said in operators:
            self.at += 1
            return token
        return None

    def disjunction(self) -> Expression:
        parts = [self.conjunction()]
        while self.take_word("or"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Expression:
        parts = [self.one()]
        while self.take_word("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Expression:
        token = self.next
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(token, f"nested more than {MAX_DEPTH} levels deep")
        try:
            if self.take_word("not"):
                return Not(self.one())
            if self.take_operator("("):
                inner = self.disjunction()
                if not self.take_operator(")"):
                    raise self.error(token, "this parenthesis is not closed")
                return inner
            return self.test()
        finally:
            self.depth -= 1

    def test(self) -> Expression:
        token = self.next
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(token, f"more than {MAX_TERMS} tests")
        if self.take_word("since"):
            return self.moment(token, ">=")
        if self.take_word("until"):
            return self.moment(token, "<")
        if token.kind != WORD or (not token.quoted and token.said.lower() in _WORDS):
            what = "the end" if token.kind == END else repr(token.said)
            raise self.error(
                token, f"a test was expected, not {what}", "such as branch = main, metric.time > 1"
            )
        self.at += 1
        field = read_field(self.text, token)
        if self.take_word("exists"):
            return Exists(field)
        if self.take_word("in"):
            return Among(field, self.values(field))
        if self.take_word("not"):
            if not self.take_word("in"):
                raise self.error(self.next, "'in' was expected after 'not'")
            return Not(Among(field, self.values(field)))
        operator = self.take_operator(*_OPERATORS)
        if operator is None:
            raise self.error(
                self.next, f"an operator was expected after {field}",
                f"one of {' '.join(o for o in _OPERATORS if o != '==')}, in (...), exists",
            )  # fmt: skip
        return self.comparison(field, operator)

    def moment(self, token: Token, operator: str) -> Expression:
        field = Field("time", None, token.start, token.end)
        return Compare(field, operator, self.value(field, operator))

    def comparison(self, field: Field, token: Token) -> Expression:
        operator = "=" if token.said == "==" else token.said
        positive = operator.lstrip("!") if operator.startswith("!") else operator
        check_operator(self.text, field, positive, token)
        test = Compare(field, positive, self.value(field, positive))
        return Not(test) if operator.startswith("!") else test

    def values(self, field: Field) -> tuple[Literal, ...]:
        token = self.next
        check_operator(self.text, field, "=", token)
        opening = self.take_operator("(")
        if opening is None:
            raise self.error(token, "'(' was expected after 'in'", f"{field} in (a, b)")
        found = [self.value(field, "=")]
        while self.take_operator(","):
            found.append(self.value(field, "="))
            if len(found) > MAX_VALUES:
                raise self.error(token, f"more than {MAX_VALUES:,} values")
        if not self.take_operator(")"):
            raise self.error(opening, "this parenthesis is not closed")
        return tuple(found)

    def value(self, field: Field, operator: str) -> Literal:
        token = self.next
        if token.kind != WORD:
            what = "the end" if token.kind == END else repr(token.said)
            raise self.error(token, f"a value was expected, not {what}")
        if not token.quoted and token.said.lower() in _WORDS:
            raise self.error(
                token, f"a value was expected, not the word {token.said!r}",
                f'as text it stands in quotes: "{token.said}"',
            )  # fmt: skip
        self.at += 1
        return read_value(self.text, field, operator, token, self.now)
