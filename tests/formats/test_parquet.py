"""Tables as Parquet: what is taken, equal bytes for equal tables, and files made to hurt."""

from contextlib import suppress
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from graven.errors import Corrupt, InvalidInput
from graven.formats import parquet

TABLE = pa.table(
    {
        "n": range(3000),
        "text": [str(i % 7) for i in range(3000)],
        "code": pa.array([str(i % 3) for i in range(3000)]).dictionary_encode(),
        "list": [[i] for i in range(3000)],
        "none": [None] * 3000,
    }
)


def written(table):
    sink = pa.BufferOutputStream()
    facts = parquet.write_parquet(parquet.as_reader(table), sink)
    return sink.getvalue(), facts


def read(data, limit=parquet.MAX_TABLE_BYTES):
    return parquet.read_table(parquet.open_parquet(pa.BufferReader(data), "it", limit), "it", limit)


def test_a_table_comes_back():
    data, facts = written(TABLE)
    assert facts.rows == 3000
    assert read(data).equals(TABLE)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4000))
def test_where_batches_end_leaves_no_trace(size):
    batches = TABLE.to_batches(max_chunksize=size)
    # A reader whose batches have dictionaries of their own, as a data frame's may.
    fresh = [
        pa.record_batch(
            [
                column.dictionary.take(column.indices).dictionary_encode()
                if pa.types.is_dictionary(column.type)
                else column
                for column in batch.columns
            ],
            schema=TABLE.schema,
        )
        for batch in batches
    ]
    again = pa.RecordBatchReader.from_batches(TABLE.schema, fresh)
    assert written(again)[0].equals(written(TABLE)[0])


@pytest.mark.parametrize("codes", [pa.int8(), pa.uint8(), pa.uint32(), pa.int64()], ids=str)
def test_batches_may_have_more_values_together_than_their_codes_can_tell(codes):
    texts = [f"{n % 90}-{n // 100}" for n in range(1000)]
    given = pa.dictionary(codes, pa.string())
    batches = [
        pa.record_batch(
            [pa.array(texts[start : start + 100]).dictionary_encode().cast(given)], ["x"]
        )
        for start in range(0, 1000, 100)
    ]
    data, facts = written(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    found = read(data)
    assert found["x"].to_pylist() == texts
    assert found.schema.field("x").type == pa.dictionary(pa.int32(), pa.string())
    wide, same = written(pa.table({"x": pa.array(texts).dictionary_encode()}))
    assert (data.equals(wide), facts) == (True, same)


def test_row_groups_are_of_one_size_however_rows_come(monkeypatch):
    monkeypatch.setattr(parquet, "_MAX_GROUP_ROWS", 1024)
    data, _ = written(TABLE)
    sizes = pq.ParquetFile(pa.BufferReader(data)).metadata
    assert [sizes.row_group(n).num_rows for n in range(3)] == [1024, 1024, 952]
    small = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches(max_chunksize=10))
    assert written(small)[0].equals(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": [1, 2], "b": ["x", None]},
        lambda: pa.record_batch({"a": [1, 2], "b": ["x", None]}),
        lambda: pa.table({"a": [1, 2], "b": ["x", None]}),
        lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
        lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None]}),
        lambda: pl.DataFrame({"a": [1, 2], "b": ["x", None]}).with_columns(
            pl.col("b").cast(pl.Categorical)
        ),
    ],
)
def test_all_that_arrow_reads_is_taken(make):
    assert read(written(make())[0]).to_pydict() == {"a": [1, 2], "b": ["x", None]}


def test_the_index_of_a_data_frame_is_kept():
    frame = pd.DataFrame({"a": [1, 2]}, index=[5, 9])
    assert read(written(frame)[0]).to_pandas().equals(frame)


def test_types_of_all_kinds():
    table = pa.table(
        {
            "struct": [{"x": 1, "y": [1.5, None]}],
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "time": pa.array([0], pa.timestamp("ns", "UTC")),
            "decimal": pa.array([None], pa.decimal128(38, 3)),
            "half": pa.array(np.array([1], "f2")),
            "fixed": pa.array([b"abc"], pa.binary(3)),
            "view": pa.array(["long enough not to stand within the view"], pa.string_view()),
            "big": pa.array(["x"], pa.large_string()),
            "duration": pa.array([5], pa.duration("us")),
        }
    )
    assert read(written(table)[0]).to_pylist() == table.to_pylist()


def test_extension_types_come_back():
    table = pa.table({"id": pa.array([bytes(16)], pa.uuid())})
    assert read(written(table)[0]).schema.field("id").type == pa.uuid()


def test_an_empty_table_keeps_its_columns():
    table = TABLE.slice(0, 0)
    data, facts = written(table)
    assert facts.rows == 0
    assert read(data).schema.names == TABLE.schema.names


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pa.table({}), "no columns"),
        (pa.table([[1], [2]], names=["a", "a"]), "column 'a' twice"),
        ({"run_id": [1]}, "'run_id', which a scan"),
        ({"branch": [1]}, "'branch', which a scan"),
        ({"experiment": [1]}, "'experiment', which a scan"),
        ([1, 2], "not a table: list"),
        (None, "not a table: NoneType"),
        (b"PAR1", "not a table: bytes"),
        ({"a": [1], "b": [1, 2]}, "not a table that Arrow can read"),
    ],
)
def test_what_is_no_table_is_refused(table, told):
    with pytest.raises(InvalidInput, match=told):
        written(table)


def test_a_type_that_parquet_lacks_names_its_column():
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(InvalidInput, match="column 'u' is of type sparse_union"):
        written(pa.table({"fine": [1], "u": union}))


def nested(levels):
    array = pa.array([1])
    for _ in range(levels):
        array = pa.StructArray.from_arrays([array], ["a"])
    return array


SECONDS = pa.timestamp("s", "UTC")


@pytest.mark.parametrize(
    "type",
    [
        SECONDS,
        pa.list_(SECONDS),
        pa.large_list(SECONDS),
        pa.list_(SECONDS, 1),
        pa.struct([("a", pa.list_(SECONDS))]),
        pa.map_(pa.int64(), SECONDS),
        pa.dictionary(pa.int8(), SECONDS),
    ],
)
def test_seconds_are_kept_as_milliseconds(type):
    def values(second):
        inner = second
        if pa.types.is_struct(type):
            inner = {"a": [second]}
        elif pa.types.is_map(type):
            inner = [(1, second)]
        elif pa.types.is_nested(type):
            inner = [second]
        if pa.types.is_dictionary(type):
            found = pa.array([second], type.value_type).dictionary_encode()
            return found.cast(type)
        return pa.array([inner, None][: 1 if pa.types.is_fixed_size_list(type) else 2], type)

    table = pa.table({"t": values(1_700_000_000)})
    assert read(written(table)[0]).to_pylist() == table.to_pylist()
    with pytest.raises(InvalidInput, match="cannot be written as Parquet"):
        written(pa.table({"t": values(2**62)}))  # the writer of Parquet would end the process


def test_what_could_not_be_read_back_is_refused():
    for array in (nested(200), pa.array([[], []], pa.list_(pa.int8(), 0))):
        with pytest.raises(InvalidInput, match="column 'c' has a type that no Parquet file is"):
            written(pa.table({"c": array}))
    table = pa.table({"c": nested(80)})
    assert read(written(table)[0]) == table


def test_what_arrow_only_finds_while_it_writes():
    broken = pa.DictionaryArray.from_arrays(pa.array([5]), pa.array(["a"]), safe=False)
    negative = pa.array([Decimal(100)], pa.decimal128(5, -2))
    for array in (broken, negative):
        with pytest.raises(InvalidInput, match="Parquet"):
            written(pa.table({"c": array}))


def test_fingerprints_tell_columns_apart_and_nothing_else():
    same = TABLE.replace_schema_metadata({"pandas": "{}"})
    assert parquet.fingerprint(same.schema) == parquet.fingerprint(TABLE.schema)
    assert parquet.fingerprint(TABLE.schema.remove(0)) != parquet.fingerprint(TABLE.schema)


# --- files made to hurt ---


def test_bytes_that_are_no_parquet():
    for data in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"x" * 1000):
        with pytest.raises(Corrupt, match="it is no Parquet file"):
            read(data)


def test_every_flipped_byte_gives_an_answer_or_an_error():
    data = bytearray(written(TABLE.slice(0, 50))[0].to_pybytes())
    for position in range(0, len(data), 7):
        data[position] ^= 0xFF
        with suppress(Corrupt, InvalidInput):  # what is not told the object's hash finds
            read(bytes(data))
        data[position] ^= 0xFF


def test_a_table_larger_than_the_limit_is_refused_before_it_is_decoded():
    bomb, _ = written({"zero": pa.array([0] * 1_000_000)})
    assert len(bomb) < 20_000
    with pytest.raises(InvalidInput, match="when decoded, over 1,000,000") as caught:
        read(bomb, 1_000_000)
    assert caught.value.kind == "table-too-large"
    assert read(bomb, 10_000_000).num_rows == 1_000_000


def test_one_text_that_stands_a_hundred_thousand_times_is_counted_as_it_is_decoded():
    text = "x" * 100_000
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), [text])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"t": column}), sink, store_schema=False)
    bomb = sink.getvalue()
    assert bomb.size < 200_000
    before = pa.total_allocated_bytes()
    with pytest.raises(InvalidInput, match="over 100,000,000"):
        read(bomb, 100_000_000)
    assert pa.total_allocated_bytes() <= before + 1_000_000


def test_a_row_group_over_the_limit_is_refused_when_the_file_is_opened():
    bomb, _ = written({"zero": pa.array([0] * 1_000_000)})
    with pytest.raises(InvalidInput, match="row group 0 takes"):
        parquet.open_parquet(pa.BufferReader(bomb), "it", 100_000)
