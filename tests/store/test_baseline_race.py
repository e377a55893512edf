"""Many processes move one baseline in a bucket: every acknowledged move is in the history, once."""

import json
import os
import subprocess
import sys

import graven
from graven.testing.runs import sample_run

WORKER = """
import json, sys
import graven

url, options, worker, moves = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
store = graven.open(url, storage_options=options, views="none", refresh_every=3600)
sys.stdin.readline()
for number in range(moves):
    store.baselines.set("main", f"run-{number % 2}-{worker}", message=f"{worker}/{number}")
"""


def race(bucket, tmp_path, workers, moves):
    url = bucket.url + "/store"
    options = bucket.storage_options
    store = graven.init(url, storage_options=options, views="none")
    with store.batch() as batch:
        for worker in range(workers):
            for number in range(2):
                batch.save(sample_run(f"run-{number}-{worker}"))
    words = [url, json.dumps(options)]
    started = []
    for worker in range(workers):
        environ = {**os.environ, "GRAVEN_CACHE_DIR": str(tmp_path / f"cache-{worker}")}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER, *words, str(worker), str(moves)],
                stdin=subprocess.PIPE,
                env=environ,
            )
        )
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.close()
    assert [process.wait() for process in started] == [0] * workers
    history = graven.open(url, storage_options=options).baselines.history("main")
    assert [value.seq for value in history] == list(range(workers * moves, 0, -1))
    said = {value.message for value in history}
    assert said == {f"{w}/{n}" for w in range(workers) for n in range(moves)}


def test_sixteen_processes_move_a_baseline_a_hundred_times_each(ministack, new_bucket, tmp_path):
    race(new_bucket(ministack), tmp_path, 16, 100)


def test_the_same_on_a_store_whose_hot_keys_are_slow(seaweedfs, new_bucket, tmp_path):
    race(new_bucket(seaweedfs), tmp_path, 16, 10)
