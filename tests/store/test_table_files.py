"""Files in a backend as pyarrow reads them."""

import io
import os

import pyarrow as pa
import pyarrow.fs
import pytest

from graven.backends.memory import MemoryBackend
from graven.errors import InvalidInput, NotFound
from graven.formats import parquet
from graven.store import table_files
from graven.store.table_files import LooseFiles, RangeFile

DATA = bytes(range(256)) * 4


@pytest.fixture
def backend():
    yield MemoryBackend("table-files")
    MemoryBackend.forget("table-files")


@pytest.fixture(params=[64 * 1024, 100, 0])
def file(backend, request, monkeypatch):
    monkeypatch.setattr(table_files, "_TAIL_BYTES", request.param)
    backend.put("k", DATA)
    return RangeFile(backend, "k", len(DATA))


def test_a_body_is_read_like_a_file(file):
    plain = io.BytesIO(DATA)
    for offset, whence, length in [
        *(
            (0, os.SEEK_SET, 10),
            (-20, os.SEEK_END, 30),
            (5, os.SEEK_CUR, 3),
            (1000, os.SEEK_SET, 0),
        ),
        *((900, os.SEEK_SET, -1), (0, os.SEEK_SET, -1), (2000, os.SEEK_SET, 5)),
    ]:
        assert file.seek(offset, whence) == plain.seek(offset, whence)
        assert file.read(length) == plain.read(length)
        assert file.tell() == plain.tell()
    buffer = bytearray(7)
    file.seek(3)
    assert file.readinto(buffer) == 7
    assert bytes(buffer) == DATA[3:10]
    assert file.readable()
    assert file.seekable()
    with pytest.raises(InvalidInput):
        file.seek(-1)


def table_at(backend, key="k"):
    sink = pa.BufferOutputStream()
    parquet.write_parquet(parquet.as_reader({"x": [0] * 1000}), sink)
    backend.put(key, sink.getvalue().to_pybytes())
    return sink.getvalue().size


def test_only_known_keys_are_there(backend):
    size = table_at(backend)
    files = LooseFiles(backend, {"k": size, "gone": 10}, parquet.MAX_TABLE_BYTES)
    system = pyarrow.fs.PyFileSystem(files)
    with system.open_input_file("k") as found:
        assert found.size() == size
    with system.open_input_stream("k") as found:
        assert len(found.read()) == size
    infos = system.get_file_info(["k", "other"])
    assert [info.type for info in infos] == [pa.fs.FileType.File, pa.fs.FileType.NotFound]
    assert system.get_file_info(pa.fs.FileSelector("")) == []
    with pytest.raises(FileNotFoundError):
        system.open_input_file("other")
    with pytest.raises((NotFound, FileNotFoundError)):
        system.open_input_file("gone")
    assert system.normalize_path("k") == "k"
    assert system.type_name == "py::graven"
    assert files == files
    assert files != LooseFiles(backend, {}, 1)
    assert len({files, files}) == 1


def test_nothing_is_written(backend):
    system = pyarrow.fs.PyFileSystem(LooseFiles(backend, {}, 1))
    for call in (
        lambda: system.open_output_stream("k"),
        lambda: system.delete_file("k"),
        lambda: system.create_dir("k"),
        lambda: system.move("k", "l"),
    ):
        with pytest.raises(PermissionError, match="read-only"):
            call()


def test_claims_beyond_the_limit_are_refused_when_a_file_is_opened(backend):
    files = LooseFiles(backend, {"k": table_at(backend)}, 1000)
    with pytest.raises(InvalidInput, match="k: row group 0 takes 8,000 bytes"):
        pyarrow.fs.PyFileSystem(files).open_input_file("k")
