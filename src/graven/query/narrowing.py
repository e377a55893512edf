"""Queries with more conditions, which programs have as values and not as text."""

from __future__ import annotations

from datetime import datetime

from graven import clock
from graven.query.parser import parse
from graven.query.terms import And, Compare, Expression, Field, Literal, Query


def narrow(
    where: str | Query,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    **labels: str | None,
) -> Query:
    """The query, of runs alone whose labels are exactly these.

    Args:
        where: text or a query.
        since, until: of the run's time; the second is not included.
        labels: ``branch``, ``commit`` (or its beginning), ``experiment``, ``status``,
            ``origin``, ``group``; None for any.
    """
    query = where if isinstance(where, Query) else parse(where)
    more: list[Expression] = [
        Compare(Field(name), "=", Literal(text, quoted=True))
        for name, text in labels.items()
        if text is not None
    ]
    for operator, moment in ((">=", since), ("<", until)):
        if moment is not None:
            micros = clock.micros(clock.make_aware(moment))
            more.append(Compare(Field("time"), operator, Literal(moment.isoformat(), micros)))
    if not more:
        return query
    return Query(query.text, And((*more, *([] if query.root is None else [query.root]))))
