"""The safetensors form: what is written is what its library writes; what is read is checked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from graven.errors import Corrupt, GravenError
from graven.formats.tensor import (
    BITS,
    MAX_HEADER_BYTES,
    TensorHeader,
    decode_headers,
    encode_header,
    header_bytes,
)


def file_of(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_the_header_is_that_of_the_library():
    for array in (np.zeros((2, 3), "f4"), np.float64(1.5), np.zeros((0, 4), "u1")):
        whole = save({"tensor": np.asarray(array)})
        names = {"f4": "F32", "f8": "F64", "u1": "U8"}
        dtype = names[np.asarray(array).dtype.str[1:]]
        head = encode_header(dtype, np.shape(array), array.nbytes)
        assert whole[: len(head)] == head
        assert len(head) % 8 == 0


def test_a_file_of_several_entries_is_read():
    data = save({"b": np.arange(3, dtype="i8"), "a": np.zeros(2, "f4")}, {"made by": "a test"})
    found = decode_headers(data, len(data))
    assert {name: (h.dtype, h.shape) for name, h in found.items()} == {
        "a": ("F32", (2,)),
        "b": ("I64", (3,)),
    }
    start, end = found["b"].start, found["b"].end
    assert np.frombuffer(data[start:end], "<i8").tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", sorted(BITS))
def test_every_dtype_has_its_width(dtype):
    size = BITS[dtype]  # bytes of eight elements
    head = encode_header(dtype, (8,), size)
    total = len(head) + size
    assert decode_headers(head, total) == {
        "tensor": TensorHeader(dtype, (8,), len(head), total),
    }


BAD = {
    "nothing": b"",
    "half a length": b"\1\0\0",
    "a header longer than any file": file_of({}, length=2**63),
    "a header longer than this file": file_of({}, length=100),
    "no JSON": file_of(b"{"),
    "no UTF-8": file_of(b'{"\xff": 1}'),
    "no map": file_of([]),
    "nested too deep": file_of(b"[" * 100_000),
    "a number of a million digits": file_of(
        b'{"t":{"dtype":"F32","shape":[' + b"9" * 900_000 + b'],"data_offsets":[0,0]}}'
    ),
    "a key twice": file_of(
        b'{"t":{"dtype":"U8","dtype":"I8","shape":[],"data_offsets":[0,1]}}', b"x"
    ),
    "an entry that is no map": file_of({"t": 5}),
    "no dtype": file_of({"t": {"shape": [], "data_offsets": [0, 4]}}, bytes(4)),
    "an unknown dtype": file_of({"t": entry("F31")}, bytes(8)),
    "a dtype that is no text": file_of({"t": entry(["F32"])}, bytes(8)),
    "a shape that is no list": file_of({"t": {**entry(), "shape": "22"}}, bytes(8)),
    "a shape of a float": file_of({"t": entry(shape=(2.0,))}, bytes(8)),
    "a shape of a bool": file_of({"t": entry("U8", (True,), (0, 1))}, b"x"),
    "a shape below zero": file_of({"t": entry(shape=(-1, -2))}, bytes(8)),
    "a dimension beyond 63 bits": file_of({"t": entry(shape=(2**64, 0), offsets=(0, 0))}),
    "a product beyond 64 bits": file_of({"t": entry(shape=(2**32, 2**32, 2**32))}, bytes(8)),
    "a product that is 8 in 64 bits": file_of({"t": entry(shape=(2**62 + 1, 2))}, bytes(8)),
    "more dimensions than any array": file_of(
        {"t": entry(shape=(1,) * 65, offsets=(0, 4))}, bytes(4)
    ),
    "more data than there is": file_of({"t": entry(shape=(2**40,), offsets=(0, 2**42))}, bytes(8)),
    "less data than there is": file_of({"t": entry()}, bytes(9)),
    "offsets from behind": file_of({"t": entry(shape=(0,), offsets=(8, 8))}, bytes(8)),
    "offsets turned around": file_of({"t": entry(offsets=(8, 0))}, bytes(8)),
    "three offsets": file_of({"t": entry(offsets=(0, 8, 8))}, bytes(8)),
    "offsets that are no numbers": file_of({"t": entry(offsets=("0", "8"))}, bytes(8)),
    "another size than its shape": file_of({"t": entry(shape=(3,))}, bytes(8)),
    "data twice": file_of({"a": entry(), "b": entry()}, bytes(8)),
    "data that overlaps": file_of({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
    "a hole": file_of({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20)),
    "half a byte": file_of({"t": entry("F4", (3,), (0, 2))}, bytes(2)),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_cannot_be_is_refused(name):
    with pytest.raises(Corrupt) as caught:
        decode_headers(BAD[name], len(BAD[name]))
    assert caught.value.kind == "bad-tensor"
    assert len(caught.value.message) < 200


def test_a_header_larger_than_any_tensor_needs_is_not_even_read():
    with pytest.raises(Corrupt, match="more than"):
        header_bytes((MAX_HEADER_BYTES + 1).to_bytes(8, "little"), 2**40)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_are_read_or_refused(data, more):
    for head in (data, file_of(data, length=len(data))):
        try:
            decode_headers(head, len(head) + more)
        except GravenError as error:
            assert isinstance(error, Corrupt)


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.fixed_dictionaries(
            {
                "dtype": st.sampled_from([*BITS, "F31", 3]),
                "shape": st.lists(st.integers(-1, 2**64) | st.none(), max_size=4),
                "data_offsets": st.lists(st.integers(-1, 40), max_size=3),
            }
        ),
        max_size=3,
    ),
    st.integers(0, 40),
)
def test_what_is_accepted_tiles_its_file(header, size):
    data = file_of(header, bytes(size))
    try:
        found = decode_headers(data, len(data))
    except Corrupt:
        return
    assert sum(h.end - h.start for h in found.values()) == size
    assert all(0 < h.start <= h.end <= len(data) for h in found.values())
