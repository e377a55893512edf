"""The query language: text to a frozen tree (docs/query.md). Pure: it knows no store.

`lexer` makes tokens, `parser` the tree of `terms`; `moments`, `patterns` and `spelling` read
times, globs and misspelt names. What the tree means for a store stands in `graven.catalog`.
"""

from graven.query.narrowing import narrow
from graven.query.parser import parse, parse_columns, parse_sort
from graven.query.terms import Field, Query, SortKey

__all__ = ["Field", "Query", "SortKey", "narrow", "parse", "parse_columns", "parse_sort"]
