"""`check` and `compare` on a bucket: the same verdicts, and what they ask for."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

import graven
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, NotFound
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.porcelain.check import check
from graven.porcelain.compare import compare
from graven.store import Store
from graven.testing.remote import counted

START = datetime(2026, 1, 2, tzinfo=UTC)
DEFS = {"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)}
WAVE = [1.0, 1.01, 0.99, 1.02, 0.98]
RUNS = 20
AS_THE_CLI = {"refresh_every": 3600.0}  # one look serves the whole command


def make_run(number, factor=1.0, **fields):
    value = factor * WAVE[number % 5]
    time = Metric(value=value, samples=tuple(value * w for w in WAVE))
    return Run(
        id=f"r{number}",
        branch="main",
        commit=f"{number:040x}",
        timestamp=START + timedelta(hours=number),
        environment={"cpu": "A"},
        metric_defs=DEFS,
        points=(Point(name="p", scenario="s", metrics={"time": time}),),
        **fields,
    )


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAVEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    yield
    MemoryBackend.forget("here/b")


@pytest.fixture
def bucket(tmp_path):
    """Filled by another machine: `RUNS` runs, the last of them half as slow again."""
    writer = Store("unused", backend=counted("b"), cache_dir=str(tmp_path / "other"))
    for number in range(RUNS - 1):
        writer.save(make_run(number))
    writer.save(make_run(RUNS - 1, 1.5))
    writer.set_baseline("r15")
    return writer


def client(**options):
    return Store("unused", backend=counted("b"), create=False, **{**AS_THE_CLI, **options})


def asked(store):
    """How often each kind of request was made (a listing token is none)."""
    calls = store.parts.backend.inner.calls
    return Counter(method for method, _ in calls if method != "listing_token")


def test_the_verdicts_are_those_of_a_folder(bucket, tmp_path):
    folder = graven.init(tmp_path / "folder")
    for number in range(RUNS - 1):
        folder.save(make_run(number))
    folder.save(make_run(RUNS - 1, 1.5))
    folder.set_baseline("r15")
    afar = check(client())
    assert not afar.passed
    assert afar.to_dict() == check(folder).to_dict()
    found = check(client(), baseline="latest@main")
    assert found.baseline_name == "latest@main"
    assert found.to_dict() == check(folder, baseline="latest@main").to_dict()
    near = compare(folder, "r3", "r19")
    assert compare(client(), "r3", "r19").to_dict() == near.to_dict()


def test_a_cold_check_reads_each_pack_twice_and_five_things_more(bucket):
    store = client()
    check(store)
    made = asked(store)
    # Of each pack its index and its numbers; once the definitions that all of them share.
    assert made["get_tail"] == RUNS
    assert made["get_range"] + made["get_ranges"] == RUNS + 1
    assert made["get_with_version"] == 3  # store.json, the baseline, config.json
    assert made["names"] == 1
    assert made.total() == 2 * RUNS + 5


def test_a_warm_check_is_three_requests(bucket):
    check(client())
    again = client()
    check(again)
    assert asked(again) == {"names": 1, "get_with_version": 2}
    found = client()
    check(found, baseline="latest@main")  # a baseline of this name might be set
    assert asked(found) == {"names": 1, "get_with_version": 2}
    pair = client()
    compare(pair, "baselines/main", "latest")
    assert asked(pair) == {"names": 1, "get_with_version": 2}


def test_what_another_job_adds_is_judged_with_one_pack_more(bucket):
    check(client())
    bucket.save(make_run(RUNS, 1.6))
    store = client()
    assert check(store).result.comparison.current.id == f"r{RUNS}"
    made = asked(store)
    assert made["get_tail"] == 1
    assert made.total() <= 3 + 3


def test_without_a_network_what_was_read_is_judged(bucket):
    online = check(client())
    store = client(offline=True)
    assert check(store).to_dict() == online.to_dict()
    backend = client()
    for nth in range(1, 40):
        backend.parts.backend.inner.fail(
            nth, error=lambda: BackendUnavailable("cannot reach it", kind="unreachable")
        )
    with pytest.raises(BackendUnavailable):
        check(backend)


def test_a_baseline_that_is_not_there_is_no_pass(bucket):
    with pytest.raises(NotFound) as caught:
        check(client(), baseline="release")
    assert caught.value.kind == "baseline-missing"
    assert check(client(), baseline="release", allow_missing=True).passed
