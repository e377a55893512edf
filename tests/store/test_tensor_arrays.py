"""Arrays to the safetensors form and back: each dtype, each layout in memory."""

import sys

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save

from graven.errors import Corrupt, InvalidInput
from graven.formats.tensor import decode_headers
from graven.store.tensor_arrays import DTYPE_KEY, check_framework, decode, encode

PLAIN = ["?", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8", "c8"]
EXTENDED = {
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
    "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
}


def there_and_back(array, framework="numpy"):
    encoded = encode(array)
    data = b"".join(encoded)
    assert len(data) == encoded.size
    (header,) = decode_headers(data, len(data)).values()
    return decode(header, bytearray(data[header.start : header.end]), framework)


def same(found, array):
    assert found.dtype == array.dtype.newbyteorder("<")
    assert found.shape == array.shape
    assert found.tobytes() == np.ascontiguousarray(array.astype(found.dtype)).tobytes()


@pytest.mark.parametrize("dtype", PLAIN)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (2, 3, 4)])
def test_plain_dtypes_and_shapes(dtype, shape):
    array = (np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype).reshape(shape)
    same(there_and_back(array), array)
    assert b"".join(encode(array)) == save({"tensor": array})


@pytest.mark.parametrize("dtype", sorted(EXTENDED))
def test_dtypes_of_ml_dtypes(dtype):
    array = np.array([[0.5, 1, 2], [4, 8, 16]], EXTENDED[dtype])
    found = there_and_back(array)
    same(found, array)
    (header,) = decode_headers(b"".join(encode(array)), encode(array).size).values()
    assert header.dtype == dtype


@pytest.mark.parametrize("dtype", sorted(EXTENDED))
def test_without_ml_dtypes_the_bits_come_with_the_name_of_their_dtype(dtype, monkeypatch):
    array = np.array([0.5, 1, 2], EXTENDED[dtype])
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)  # an import of it fails
    found = there_and_back(array)
    assert found.dtype == (np.uint16 if dtype == "BF16" else np.uint8)
    assert found.dtype.metadata[DTYPE_KEY] == dtype
    assert found.tobytes() == array.tobytes()
    assert b"".join(encode(found)) == b"".join(encode(array)), "stored again it is the same"


@pytest.mark.parametrize(
    "make",
    [
        lambda a: a[::2],
        lambda a: a[:, ::-1],
        lambda a: a.T,
        np.asfortranarray,
        lambda a: a.astype(">f8"),
        lambda a: a.astype(">f8").T[1:],
        lambda a: np.broadcast_to(a[0], (5, 6)),
    ],
)
def test_any_layout_in_memory(make):
    array = make(np.arange(24.0).reshape(4, 6))
    found = there_and_back(array)
    assert np.array_equal(found, array)
    assert found.dtype == np.dtype("<f8")


def test_what_lies_as_it_is_stored_is_not_copied():
    array = np.zeros(1000)
    assert np.shares_memory(np.frombuffer(encode(array).data, "u1"), array)


def test_what_is_read_is_writable_and_aligned():
    found = there_and_back(np.zeros(3, "c8"))
    found[0] = 1
    assert found.flags.aligned


def test_scalars_of_numpy_and_what_has_array():
    class Other:
        def __array__(self, dtype=None, copy=None):
            return np.array([1, 2], "i4")

    assert there_and_back(np.float32(2.5)).shape == ()
    assert there_and_back(Other()).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.array([object()]), "dtype object"),
        (np.array(["text"]), "dtype <U4"),
        (np.array([b"bytes"]), "dtype |S5"),
        (np.array(["2020-01-01"], "M8[s]"), "datetime64"),
        (np.zeros(2, "c16"), "complex128"),
        (np.zeros(2, np.longdouble), "dtype"),
        (np.zeros(2, [("a", "f4")]), "dtype"),
        (np.zeros(2, ml_dtypes.int4), "int4"),
        (np.ma.masked_array([1, 2], [True, False]), "masked"),
        ([1.0, 2.0], "list"),
        (1.0, "float"),
        (None, "NoneType"),
        ("text", "str"),
    ],
)
def test_what_has_no_form_is_refused(value, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        encode(value)
    assert caught.value.kind == "bad-tensor"


def test_several_elements_a_byte_are_read_as_they_are_stored():
    from graven.formats.tensor import encode_header

    head = encode_header("F4", (2, 4), 4)
    (header,) = decode_headers(head, len(head) + 4).values()
    found = decode(header, bytearray(b"abcd"), "numpy")
    assert found.tobytes() == b"abcd"
    assert found.dtype.metadata[DTYPE_KEY] == "F4"


def test_a_boolean_is_0_or_1():
    (header,) = decode_headers(
        b"".join(encode(np.array([True]))), encode(np.array([True])).size
    ).values()
    with pytest.raises(Corrupt, match="BOOL"):
        decode(header, bytearray(b"\2"), "numpy")


def test_a_shape_that_no_array_has():
    from graven.formats.tensor import TensorHeader

    with pytest.raises(Corrupt, match="shape"):
        decode(TensorHeader("F64", (2**62, 0, 2**62), 0, 0), bytearray(), "numpy")


def test_torch_is_never_loaded():
    if "torch" in sys.modules:
        pytest.skip("something else has loaded it")
    with pytest.raises(InvalidInput, match="never loads it") as caught:
        check_framework("torch")
    assert caught.value.kind == "torch-missing"
    assert "torch" not in sys.modules


def test_an_unknown_framework_is_refused():
    with pytest.raises(InvalidInput, match="'jax'"):
        check_framework("jax")
