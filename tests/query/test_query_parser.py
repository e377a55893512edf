"""The grammar: what is read, and where an error points."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.errors import InvalidInput
from graven.query import parse, parse_columns, parse_sort
from graven.query.parser import MAX_DEPTH, MAX_TERMS
from graven.query.spelling import nearest
from graven.query.terms import Among, And, Compare, Exists, Field, Literal, Not, Or

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BRANCH = Field("branch")


def root(text):
    return parse(text, now=NOW).root


def test_words_and_operators_make_terms():
    assert root("branch = main") == Compare(BRANCH, "=", Literal("main"))
    assert root("BRANCH==main") == root("branch = main")
    assert root("branch != main") == Not(root("branch = main"))
    assert root("run !~ 'a*'") == Not(Compare(Field("run"), "~", Literal("a*", quoted=True)))
    assert root("branch in (a, 'b c')") == Among(
        BRANCH, (Literal("a"), Literal("b c", quoted=True))
    )
    assert root("branch not in (a)") == Not(Among(BRANCH, (Literal("a"),)))
    assert root("metric.time exists") == Exists(Field("metric", "time"))
    assert root("metric.time>=1.5") == Compare(Field("metric", "time"), ">=", Literal("1.5", 1.5))
    assert root("   ") is None


def test_and_binds_closer_than_or_and_not_closest():
    a, b, c = root("branch = a"), root("branch = b"), root("branch = c")
    assert root("branch = a or branch = b and branch = c") == Or((a, And((b, c))))
    assert root("(branch = a OR branch = b) and not branch = c") == And((Or((a, b)), Not(c)))


def test_keys_may_hold_anything_in_quotes():
    assert root('metric."a b/c"."=" > 1').field == Field("metric", "a b/c.=")
    assert root("param.model.name = x").field == Field("param", "model.name")
    assert root(r"""tag.'it\'s\u00e9\n' = x""").field.key == "it'sé\n"


def test_times_become_microseconds():
    def micros(*when):
        return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000

    assert root("since 7d") == root("time >= 7d")
    assert root("since 7d").value.number == micros(2026, 11, 14, 12)
    assert root("until 2026-01-01T00:00:00+00:00").value.number == micros(2026, 1, 1)
    assert root("until 2026-01-01T00:00Z").operator == "<"


def test_quoted_text_is_no_number():
    assert root("param.x = 1").value.number == 1
    assert root("param.x = '1'").value.number is None
    assert root("param.x = 1e2").value.number == 100.0
    assert root("param.x = 123456789012345678901234567890").value.number == 1.2345678901234568e29
    assert root("metric.x < inf").value.number == float("inf")


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("brunch = main", 1, "unknown field 'brunch'"),
        ("branch = main status = ok", 15, "'status' was not expected"),
        ("branch = main)", 14, "')' was not expected"),
        ("(branch = main", 1, "not closed"),
        ("branch in (a", 11, "not closed"),
        ("branch = ", 10, "a value was expected, not the end"),
        ("branch = and", 10, "not the word 'and'"),
        ("branch main", 8, "an operator was expected after branch"),
        ("branch < main", 8, "branch has no order"),
        ("time = 7d", 6, "no two times are equal"),
        ("since yesterday", 7, "not an ISO 8601 time"),
        ("metric.time = fast", 15, "compared with a number"),
        ("metric.time > 10ms", 15, "compared with a number"),
        ("metric.time ~ a", 13, "no text"),
        ("metric > 1", 1, "metric needs a key"),
        ("branch.x = 1", 1, "branch has no keys"),
        ("dirty = maybe", 9, "dirty is true or false"),
        ("run = ''", 7, "run begins with something"),
        ("'branch' = a", 1, "a field was expected"),
        ("branch = 'main", 10, "is not closed"),
        (r"branch = '\q'", 11, "this escape means nothing"),
        (r"branch = '\ud800'", 11, "this escape means nothing"),
        ("branch = \ud800", 10, "half a character"),
        ("branch ! main", 8, "means nothing here"),
        ("and branch = a", 1, "a test was expected"),
        ("branch = a and", 15, "a test was expected, not the end"),
        ("branch = a, branch = b", 11, "',' was not expected"),
        ("metric.x > 1e999", 12, "too large"),
        ("branch not = a", 12, "'in' was expected"),
    ],
)
def test_errors_point_at_the_column(text, column, says):
    with pytest.raises(InvalidInput) as caught:
        parse(text, now=NOW)
    assert says in caught.value.message
    assert caught.value.fields["column"] == column
    assert caught.value.fields["query"] == text


def test_the_nearest_field_is_offered():
    for text, near in (
        ("brunch = a", "branch"),
        ("metrics.time > 1", "metric"),
        ("Tim > 1", "time"),
    ):
        with pytest.raises(InvalidInput) as caught:
            parse(text)
        assert caught.value.kind == "name-unknown"
        assert f"did you mean {near!r}?" == caught.value.hint


def test_depth_and_length_are_limited():
    deep = MAX_DEPTH - 1
    assert parse("(" * deep + "branch = a" + ")" * deep).root == root("branch = a")
    for text in (
        "(" * 5000 + "branch = a" + ")" * 4000,
        "not " * 2000 + "branch = a",
        " or ".join(["branch = a"] * (MAX_TERMS + 1)),
        "branch in (" + ", ".join("a" * 1001) + ")",
        "branch = " + "a" * 20_000,
    ):
        with pytest.raises(InvalidInput) as caught:
            parse(text)
        assert caught.value.kind == "bad-query"


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text, now=NOW)
        parse_sort(text)
        parse_columns(text)
    except InvalidInput as error:
        assert error.kind in ("bad-query", "name-unknown")
        assert 1 <= error.fields["column"] <= len(text) + 1


WORDS = st.sampled_from(
    ["branch", "metric.x", "=", "!=", "~", "<", "in", "(", ")", ",", "and", "or", "not", "exists",
     "a", "'b", '"', "1", "since", "7d", ".", "\\", "--", ";", "param.'x y'"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_any_words_are_read_or_refused(text):
    try:
        parse(text, now=NOW)
    except InvalidInput as error:
        assert "column" in error.fields


def test_orders_and_columns():
    keys = parse_sort("metric.time:desc, branch")
    assert [(str(k.field), k.descending) for k in keys] == [
        ("metric.time", True),
        ("branch", False),
    ]
    assert parse_sort(["metric.'a,b':asc", "run:desc"])[0].field.key == "a,b"
    assert parse_sort(None) == ()
    assert [str(f) for f in parse_columns("run,branch,param.lr")] == ["run", "branch", "param.lr"]
    for bad in ("branch branch", "branch,,run", ",", "tag.k", "branch:down", "baseline"):
        with pytest.raises(InvalidInput):
            parse_sort(bad)


def test_the_tree_is_frozen_and_places_do_not_count():
    term = root("branch = a")
    assert term == root("   branch   =   a")
    assert hash(term) == hash(root(" branch=a"))
    with pytest.raises(AttributeError):
        term.operator = "~"


def test_a_blank_name_is_seen_in_a_hint():
    assert nearest("zzzz", {"", " ", "main"}) == "there is '', ' ', main"
