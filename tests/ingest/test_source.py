from __future__ import annotations

import gzip
import os
import threading

import pytest

from graven.errors import InvalidInput, NotFound
from graven.ingest import Source, read_path
from graven.ingest import source as source_module


def fault_of(path):
    with pytest.raises(InvalidInput) as caught:
        read_path(path)
    assert str(path) in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "is empty", "did the benchmark finish"),
        (b"  \n", "is empty", "did the benchmark finish"),
        (b'{"benchmarks": [', "is not JSON", "cut off"),
        (b'{"benchmarks": "abc', "is not JSON", "cut off"),
        (b'{"a": 1} x', "is not JSON", None),
        (b'{"a": "\xff"}', "is not UTF-8 (byte 7)", None),
        ('{"a": 1}'.encode("utf-16"), "UTF-16", "PowerShell"),
        (b'{"a":' * 100_000, "nested too deeply", None),
        (b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits", None),
        (b"\x1f\x8bnot gzip", "damaged gzip", None),
        (gzip.compress(b'{"points": []}', mtime=0)[:-9], "cut off gzip", None),
        (b"time,value\n1,2\n", "no known format", "pytest-benchmark"),
        (b"[1, 2]", "no known format", "pytest-benchmark"),
        (b'{"machine": "x", "version": 1}', "no known format", "machine.json"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path, content, message, hint):
    path = tmp_path / "results.json"
    path.write_bytes(content)
    error = fault_of(path)
    assert message in error.message
    assert hint is None or hint in error.hint


def test_a_byte_order_mark_is_no_fault(data, tmp_path):
    path = tmp_path / "results.json"
    path.write_bytes(b"\xef\xbb\xbf" + (data / "hyperfine.json").read_bytes())
    assert len(read_path(path)[0].run.points) == 2


def test_equal_keys_and_nan_are_accepted():
    value = source_module.decode_json(b'{"a": 1, "a": NaN, "b": -Infinity}')
    assert value["a"] != value["a"]
    assert value["b"] == float("-inf")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no such file"):
        read_path(tmp_path / "missing.json")


def test_a_path_no_system_takes_is_an_error():
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_path("a\0b")


def test_a_large_file_is_refused(data, monkeypatch):
    monkeypatch.setattr(source_module, "MAX_BYTES", 100)
    assert "is larger than" in fault_of(data / "hyperfine.json").message


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "GZIP_FREE", 1 << 16)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * (8 << 20)))
    assert "unpacks to more than" in fault_of(path).message


def test_members_of_a_gzip_file_follow_one_another(data, tmp_path):
    plain = (data / "hyperfine.json").read_bytes()
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(plain[:100]) + gzip.compress(plain[100:]))
    assert len(read_path(path)[0].run.points) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_once(data, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (data / "hyperfine.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    (item,) = read_path(pipe)
    writer.join()
    assert item.raw == content


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
def test_a_device_is_not_read():
    with pytest.raises(InvalidInput, match="neither a file nor a pipe"):
        _ = Source(source_module.Path("/dev/zero")).raw


def test_a_foreign_file_is_told_by_its_head(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(b"\0" * 10_000)
    source = Source(path)
    assert source.map == {}
    assert "raw" not in source.__dict__
