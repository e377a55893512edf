"""Attachments on a bucket: how many requests each thing costs, exact on any machine."""

import random
from contextlib import closing

import pytest

import graven
from graven.testing.runs import sample_run

BIG = random.Random(2).randbytes(12_000_000)


class Bench:
    """A place on a server, behind a proxy that counts; every client has a cache of its own."""

    def __init__(self, server, bucket, proxy, folder):
        self.options = {"storage_options": server.options(proxy.url), "views": "none"}
        self.url, self.proxy, self.folder = f"{bucket.url}/project", proxy, folder
        graven.init(self.url, **self.options, cache_dir=str(folder / "maker")).close()

    def open(self, client):
        return graven.open(self.url, **self.options, cache_dir=str(self.folder / client))

    def count(self, action):
        """The answer, and the requests that it took."""
        self.proxy.reset()
        answer = action()
        return answer, [f"{r.method} {r.target}" for r in self.proxy.requests]


@pytest.fixture
def bench(monkeypatch, ministack, new_bucket, new_proxy, tmp_path):
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    bench = Bench(ministack, new_bucket(ministack), new_proxy(ministack), tmp_path)
    with closing(bench.open("writer")) as store:
        store.save(sample_run("a"))
    return bench


@pytest.fixture
def folder(tmp_path):
    top = tmp_path / "folder"
    (top / "sub").mkdir(parents=True)
    for number in range(50):
        (top / "sub" / f"{number}").write_bytes(b"%d" % number * 100)
    (top / "big").write_bytes(BIG)
    return top


def test_small_things_are_a_look_and_a_put(bench):
    store = bench.open("writer")
    store.attach("a", "logs/first", b"x")
    for action in (
        lambda: store.attach("a", "logs/x", b"x"),
        lambda: store.put_log("a", "y", "text"),
        lambda: store.put_result("a", "r", {"x": [1]}),
        lambda: store.put_derived("a", {"x": 1}),
        lambda: store.detach("a", "logs/x"),
    ):
        _, asked = bench.count(action)
        assert len(asked) <= 2, asked
    _, asked = bench.count(lambda: store.attach("a", "logs/first", b"x"))
    assert [line.split()[0] for line in asked] == ["GET"], asked
    store.close()


def test_a_folder_is_one_transaction_and_unchanged_it_is_a_look(bench, folder):
    store = bench.open("writer")
    _, asked = bench.count(lambda: store.attach("a", "artifacts/f", folder))
    puts = [line for line in asked if line.startswith(("PUT", "POST"))]
    assert len(puts) <= 2, asked  # 12 MB fit into one pack; a large PUT may be asked for twice
    assert len(asked) - len(puts) <= 3, asked
    _, asked = bench.count(lambda: store.attach("a", "artifacts/f", folder))
    assert len(asked) <= 2, asked
    assert all(line.startswith("GET") for line in asked)
    store.close()


def test_random_reads_in_a_large_file_fetch_what_they_need(bench, folder):
    with closing(bench.open("writer")) as store:
        store.attach("a", "artifacts/f", folder)
    store = bench.open("reader")
    content = store.open_attachment("a", "artifacts/f", "big")

    def read(offset):
        content.seek(offset)
        return content.read(4096)

    for offset in (11_000_000, 100, 6_000_000):
        data, asked = bench.count(lambda offset=offset: read(offset))
        assert data == BIG[offset : offset + 4096]
        assert len(asked) <= 2, asked
    small, asked = bench.count(lambda: store.read_attachment("a", "artifacts/f", "sub/7"))
    assert small == b"7" * 100
    assert len(asked) <= 3, asked  # a look, the manifest's frame, the file's
    content.close()
    store.close()


def test_metrics_are_a_look_and_a_put_a_batch(bench):
    store = bench.open("writer")
    with store.metrics("a") as metrics:
        metrics.log("loss", 1.0, 0)
        metrics.flush()
        for step in range(1, 100):
            metrics.log("loss", step, step)
        _, asked = bench.count(metrics.flush)
    assert len(asked) <= 2, asked
    assert len(store.get_result("a", "loss").data) == 100
    store.close()
