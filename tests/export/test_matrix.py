from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from graven.export.asv.matrix import FREE_CELLS, MAX_FILL, make_matrix

text = st.text(alphabet="ab-12,= ", max_size=3)
tags = st.dictionaries(text, text, max_size=3).map(lambda found: tuple(sorted(found.items())))


def table(*combinations):
    return make_matrix([tuple(sorted(tags.items())) for tags in combinations])


@given(st.sets(tags, min_size=1, max_size=40))
def test_every_combination_has_a_cell_of_its_own(combinations):
    matrix = make_matrix(combinations)
    assert len(matrix.names) == len(matrix.values)
    assert len(set(matrix.names)) == len(matrix.names)
    for column in matrix.values:
        assert len(set(column)) == len(column)
    part = matrix.part(combinations)
    cells = list(itertools.product(*part.params))
    indexes = [part.index(tags) for tags in combinations]
    assert len(set(indexes)) == len(combinations)
    for tags, index in zip(combinations, indexes, strict=True):
        expected = [column[p] for column, p in zip(matrix.values, matrix.places[tags], strict=True)]
        assert cells[index] == tuple(expected)


def test_no_tags_no_parameters():
    matrix = table({})
    assert (matrix.names, matrix.values, matrix.cells) == ((), (), 1)
    assert matrix.part([()]).params == []


def test_numbers_stand_by_size_and_the_absent_value_last():
    matrix = table({"n": "10"}, {"n": "9"}, {"n": "x"}, {})
    assert matrix.values == (("9", "10", "x", "-"),)


def test_a_real_dash_is_not_the_absent_value():
    (column,) = table({"n": "-"}, {}, {"n": "1"}).values
    assert len(set(column)) == 3
    assert all(value.startswith(("-", "1")) for value in column)


def test_a_sparse_product_folds_into_one_parameter():
    combinations = [{"a": str(n), "b": str(n)} for n in range(17)]
    assert max(FREE_CELLS, MAX_FILL * 17) < 17 * 17
    matrix = table(*combinations)
    assert matrix.names == ("tags",)
    assert matrix.cells == 17
    assert "a=3,b=3" in matrix.values[0]
    small = table(*combinations[:16])  # 256 cells: kept
    assert small.names == ("a", "b")


def test_a_dense_product_stays():
    dense = [{"a": str(n), "b": str(m)} for n in range(20) for m in range(20)]
    assert table(*dense).names == ("a", "b")


def test_a_row_of_a_large_matrix_has_only_the_values_it_needs():
    matrix = table(*({"n": str(n)} for n in range(300)))
    part = matrix.part([(("n", "7"),), (("n", "250"),)])
    assert part.params == [["7", "250"]]
    assert part.cells == 2
    assert part.index((("n", "250"),)) == 1
