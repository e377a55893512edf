"""How many requests each piece of work costs on a bucket: exact, on any machine.

A proxy before the server counts what really went over the wire, by both clients for S3.
"""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count

import pytest

import graven
from graven.sync.transfer import transfer
from graven.testing.runs import sample_run

MANY = 2_000


class Bench:
    """A new place on a server, behind a proxy; every client has a cache folder of its own."""

    def __init__(self, server, bucket, proxy, folder):
        self.server, self.proxy, self.folder = server, proxy, folder
        self.url = f"{bucket.url}/project"
        self.numbers = count(1)
        graven.init(self.url, **self.options("maker")).close()

    def options(self, client):
        return {
            "storage_options": self.server.options(self.proxy.url),
            "cache_dir": str(self.folder / client),
        }

    def open(self, client=None, **options):
        return graven.open(
            self.url, **self.options(client or f"cold-{next(self.numbers)}"), **options
        )

    @contextmanager
    def at_most(self, limit):
        self.proxy.reset()
        yield
        asked = [f"{request.method} {request.target}" for request in self.proxy.requests]
        assert 0 < len(asked) <= limit, "\n".join(asked)


@pytest.fixture(params=["s3fs", "obstore"])
def bench(request, monkeypatch, ministack, new_bucket, new_proxy, tmp_path):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", request.param)
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    return Bench(ministack, new_bucket(ministack), new_proxy(ministack), tmp_path)


def make_run(number):
    return sample_run(f"run-{number:05d}", 1.0 + number, minute=number)


def fill(store, n=MANY):
    with store.batch() as batch:
        for number in range(n):
            batch.save(make_run(number))


def test_a_save_of_a_warm_client_is_a_listing_and_a_put(bench):
    bench.open("warm", views="none").save(make_run(1))
    store = bench.open("warm", views="none")
    with bench.at_most(2):
        store.save(make_run(2))
    with bench.at_most(1):
        store.save(make_run(3))


def test_a_view_is_one_more(bench):
    bench.open("warm").save(make_run(1))
    with bench.at_most(3):
        bench.open("warm").save(make_run(2))


def test_a_view_is_one_more_for_a_cold_client_too(bench):
    with bench.at_most(4):
        bench.open().save(make_run(1))


def test_a_save_of_a_cold_client_is_one_more(bench):
    with bench.at_most(3):
        bench.open(views="none").save(make_run(1))
    with bench.at_most(4):  # the view: a new store says that it has no settings
        bench.open().save(make_run(2))


def test_a_batch_costs_what_one_save_costs(bench):
    with bench.at_most(3):
        fill(bench.open(views="none"))


def test_80_saves_by_16_cold_clients(bench):
    runs = [make_run(number) for number in range(80)]
    failures = []

    def work(number):
        try:
            store = bench.open(f"writer-{number}", views="none")
            for run in runs[number::16]:
                store.save(run)
        except graven.errors.GravenError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    with bench.at_most(112):  # the bar is 120
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert {header.run_id for header in bench.open().headers()} == {run.id for run in runs}


def test_a_push_of_many_runs_and_one_of_none(bench):
    source = graven.Store(bench.folder / "local", views="none", durable=False)
    fill(source)
    target = bench.open("warm", views="none")
    with bench.at_most(5):  # the bar is 12
        assert len(transfer(source, target).runs) == MANY
    with bench.at_most(2):
        assert transfer(source, target).runs == []
    with bench.at_most(2):
        assert transfer(source, bench.open("warm", views="none")).runs == []


def test_a_cold_log(bench):
    fill(bench.open(views="none"))
    environment = {
        **os.environ,
        **bench.server.environment(bench.proxy.url),
        "GRAVEN_CACHE_DIR": str(bench.folder / "log"),
    }
    command = [sys.executable, "-m", "graven", "--store", bench.url, "log", "-n", "20"]
    with bench.at_most(6):  # the bar is 10
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) >= 20


def test_a_baseline_of_a_warm_client(bench):
    store = bench.open("warm", views="none")
    fill(store, 3)
    store.set_baseline(make_run(0).id)
    with bench.at_most(4):  # listing, read, the old value kept in a pack, swap
        store.set_baseline(make_run(1).id)
    assert store.get_baseline().id == make_run(1).id


def test_names_cost_one_listing_however_many_there_are(bench):
    store = bench.open("writer", views="none")
    fill(store, 3)
    for number in range(6):
        store.tags.set(f"v{number}", make_run(number % 3).id)
    warm = bench.open("reader", views="none")
    with bench.at_most(7):
        assert len(warm.tags.entries()) == 6
    with bench.at_most(1):
        assert warm.tags.pointing_at()[make_run(0).id] == ["tags/v0", "tags/v3"]
    store.tags.delete("v0")
    with bench.at_most(2):
        assert warm.tags.names() == ["v1", "v2", "v3", "v4", "v5"]
