"""Tensors of torch, where it is installed: all dtypes, devices without data, views."""

import numpy as np
import pytest

from graven.errors import InvalidInput
from graven.testing.runs import sample_run

torch = pytest.importorskip("torch")

RUN = "run-1"
DTYPES = [
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
]


@pytest.fixture
def tensors(store):
    store.save(sample_run(RUN))
    return store.tensors


def of_bits(dtype, shape):
    """A tensor whose bytes differ; of bool it has both values."""
    size = int(np.prod(shape)) * getattr(torch, dtype).itemsize
    data = bytearray(n % 2 if dtype == "bool" else n % 120 for n in range(size))
    if not size:
        return torch.empty(shape, dtype=getattr(torch, dtype))
    return torch.frombuffer(data, dtype=getattr(torch, dtype)).reshape(shape)


def bits(tensor):
    return tensor.reshape(-1).view(torch.uint8).tolist()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_there_and_back(tensors, dtype, shape):
    given = of_bits(dtype, shape)
    tensors.put_batch(RUN, 0, {"l": {"k": given}})
    found = tensors.get(RUN, 0, "l", "k", framework="torch")
    assert (found.dtype, found.shape) == (given.dtype, given.shape)
    assert bits(found) == bits(given)


def test_numpy_and_torch_store_the_same(tensors, store):
    tensors.put_batch(RUN, 0, {"l": {"torch": torch.arange(6.0).reshape(2, 3)}})
    tensors.put_batch(RUN, 1, {"l": {"numpy": np.arange(6, dtype="f4").reshape(2, 3)}})
    assert len({found.object_id for found in store.attachments(RUN)}) == 1
    assert tensors.get(RUN, 0, "l", "torch").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_bfloat16_is_read_as_numpy(tensors):
    tensors.put_batch(RUN, 0, [torch.tensor([1.5, -2], dtype=torch.bfloat16)])
    (found,) = tensors.get_batch(RUN, 0)
    assert found.dtype.itemsize == 2
    (again,) = tensors.get_batch(RUN, 0, framework="torch")
    assert again.tolist() == [1.5, -2]


def test_views_gradients_and_shared_memory(tensors):
    base = torch.arange(24.0).reshape(4, 6)
    given = {
        "transposed": base.T,
        "strided": base[:, ::2],
        "expanded": base[:1].expand(3, 6),
        "learned": torch.nn.Parameter(base[0]),
        "conjugate": torch.tensor([1 + 2j], dtype=torch.complex64).conj(),
    }
    tensors.put_batch(RUN, 0, {"l": given})
    found = tensors.get_batch(RUN, 0, framework="torch")["l"]
    assert all(torch.equal(found[key], tensor.detach()) for key, tensor in given.items())


def test_iterating_and_appending(tensors):
    for n in range(3):
        tensors.put_batch(RUN, n, {"l": torch.full((2,), n)})
        tensors.append(RUN, {"n": n}, {"l": {"k": torch.full((2,), n)}})
    found = list(tensors.iter_batches(RUN, framework="torch"))
    assert [batch["l"].tolist() for _, batch in found] == [[0, 0], [1, 1], [2, 2]]
    last = list(tensors.appended(RUN))[-1]
    assert torch.equal(last.get("l", "k", framework="torch"), torch.full((2,), 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(2, dtype=torch.complex128),
        lambda: torch.zeros(2, device="meta"),
        lambda: torch.eye(2).to_sparse(),
    ],
)
def test_what_has_no_form_is_refused(tensors, make):
    with pytest.raises(InvalidInput, match="layer l, key k"):
        tensors.put_batch(RUN, 0, {"l": {"k": make()}})


def test_what_torch_has_no_dtype_for(tensors, store):
    from graven.formats.tensor import encode_header

    store.attach(RUN, "tensors/0/l/k", encode_header("F6_E2M3", (4,), 3) + b"abc")
    with pytest.raises(InvalidInput, match="F6_E2M3"):
        tensors.get(RUN, 0, "l", "k", framework="torch")
