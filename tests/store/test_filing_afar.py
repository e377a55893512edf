"""Large files on a bucket: how many requests they cost, exact on any machine."""

import io
import random

import pytest
from test_request_counts import Bench

from graven.formats import layout
from graven.store.filing import open_content, put_stream
from graven.store.session import Intent
from graven.testing.runs import sample_run

MIB = 1024 * 1024
DATA = random.Random(1).randbytes(30 * MIB)


@pytest.fixture(params=["s3fs", "obstore"])
def bench(request, monkeypatch, ministack, new_bucket, new_proxy, tmp_path):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", request.param)
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    return Bench(ministack, new_bucket(ministack), new_proxy(ministack), tmp_path)


def attach_stream(store, name, data):
    writer = store.parts.session.writer()
    stored = put_stream(store, io.BytesIO(data), writer=writer)
    ref = layout.attachment_ref("r", name)
    writer.extend([Intent(ref, stored.object_id, None, {"size": stored.size})])
    writer.finish()
    return stored


def test_chunks_cost_no_requests_of_their_own(bench):
    store = bench.open("one", views="none")
    store.save(sample_run("r"))
    with bench.at_most(6):  # one listing, five packs: of 8 MiB, less what did not fit
        stored = attach_stream(store, "artifacts/x", DATA)
    assert stored.new_bytes == len(DATA)
    with bench.at_most(2):  # a listing, and a pack with the ref
        assert attach_stream(store, "artifacts/y", DATA).new_bytes == 0
    other = bench.open("two", views="none")
    changed = DATA[: 20 * MIB] + b"x" + DATA[20 * MIB :]
    with bench.at_most(14):  # a cold client: listings, and the metadata of seven packs
        assert attach_stream(other, "artifacts/z", changed).new_bytes < 6 * MIB


def test_a_read_within_a_file_is_one_request_or_two(bench):
    store = bench.open("one", views="none")
    store.save(sample_run("r"))
    stored = attach_stream(store, "artifacts/x", DATA)
    reader = bench.open("two")
    file = open_content(reader, stored.object_id)
    chance = random.Random(2)
    for _ in range(20):
        offset = chance.randrange(len(DATA) - 4096)
        bench.proxy.reset()
        file.seek(offset)
        assert file.read(4096) == DATA[offset : offset + 4096]
        assert len(bench.proxy.requests) <= 2


def test_a_file_that_is_read_to_its_end_comes_several_chunks_at_a_time(bench):
    store = bench.open("one", views="none")
    store.save(sample_run("r"))
    stored = attach_stream(store, "artifacts/x", DATA)
    reader = bench.open("two")
    with open_content(reader, stored.object_id) as file, bench.at_most(16):
        assert file.read() == DATA
