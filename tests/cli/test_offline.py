"""A store in a bucket, with the network and without it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

URL = "s3://{}/project"


@pytest.fixture
def bench(call, ministack, new_bucket, new_proxy, monkeypatch, tmp_path):
    """A proxy before ministack; GRAVEN_STORE is a new store with the runs a and b."""
    bucket = new_bucket(ministack)
    proxy = new_proxy(ministack)
    for name, value in ministack.environment(proxy.url).items():
        monkeypatch.setenv(name, value)
    proxy.bucket_url = URL.format(bucket.name)
    monkeypatch.setenv("GRAVEN_STORE", proxy.bucket_url)
    assert call("init").err == f"new store at {proxy.bucket_url}\n"
    write(tmp_path, "a", "b")
    assert call("ingest", "a.json", "b.json").code == 0
    call("baseline", "set", "a")
    assert len(call("log").rows()) == 2
    assert call("show", "a").code == call("baseline").code == 0
    return proxy


def write(folder, *names):
    for hour, name in enumerate(names):
        record = {
            "id": name,
            "timestamp": f"2026-01-0{2 + (name > 'b')}T{10 + hour}:00:00+00:00",
            "branch": "main",
            "points": [
                {"name": "p", "scenario": "s", "tags": {}, "metrics": {"time": {"value": 1.0}}}
            ],
            "metric_defs": {},
            "environment": {},
            "metadata": {},
        }
        (folder / f"{name}.json").write_text(json.dumps(record))


def another_machine(monkeypatch, folder):
    for name in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
        monkeypatch.setenv(name, str(folder / "another-machine" / name))


def test_without_the_network_runs_are_queued_and_push_sends_them(call, bench, tmp_path):
    write(tmp_path, "c", "d")
    with bench.down():
        answer = call("ingest", "c.json", "d.json")
        assert answer.code == 0
        assert [row[:2] for row in answer.rows()] == [["queued", "c"], ["queued", "d"]]
        warning, summary = answer.err.splitlines()
        assert warning.startswith(f"warning: cannot reach {bench.bucket_url}: ")
        assert warning.endswith("; queued: c, d; 'graven push' sends what is queued")
        assert summary == "2 queued"
        refused = call("log")
        assert (refused.code, len(refused.err.splitlines())) == (6, 2)
        assert call("push").code == 6
    rows = dict(call("status").rows())
    assert (rows["store"], rows["runs"], rows["queued here"]) == (bench.bucket_url, "2", "2")
    assert "looked at" in rows
    sent = call("push")
    assert sent.code == 0
    assert sent.err.startswith(f"{bench.bucket_url}: 2 runs; ")
    assert sent.err.endswith(" from this machine's queue\n")
    assert [row[0] for row in call("log").rows()] == ["d", "c", "b", "a"]
    assert "queued here" not in dict(call("status").rows())
    assert call("push").err == f"{bench.bucket_url}: nothing new from this machine's queue\n"
    assert call("fsck", "--full").code == 0


def test_json_says_what_is_queued(call, bench, tmp_path):
    write(tmp_path, "c")
    with bench.down():
        answer = call("ingest", "c.json", "--json")
        (record,) = answer.records()
        assert (answer.code, record["queued"]) == (0, True)
        assert (record["runs"][0]["outcome"], record["runs"][0]["queued"]) == ("queued", True)
        assert json.loads(answer.err)["schema"] == "graven.warning/1"
        written = call("write-run", "c.json", "--json").records()
        assert written == [{"schema": "graven.write-run/1", "id": "c", "queued": True}]
    (record,) = call("status", "--json").records()
    assert record["waiting"] == {"packs": 2, "runs": 1}
    assert call("push", "--json").records()[0]["delivered"]["runs"] == ["c"]
    assert not call("ingest", "c.json", "--json").records()[0]["queued"]


def test_what_was_there_when_last_seen_is_not_queued_again(call, bench, tmp_path):
    with bench.down():
        answer = call("ingest", "a.json")
        assert answer.code == 6  # its id was chosen: only the store can tell whether it is equal
        assert "cannot be reached to compare the two" in answer.err
        assert call("ingest", "a.json", "--replace").rows()[0][0] == "queued"
        hyperfine = {"results": [{"command": "x", "mean": 0.1, "times": [0.1]}]}
        (tmp_path / "h.json").write_text(json.dumps(hyperfine))
    assert call("ingest", "h.json").rows()[0][0] == "saved"
    call("log")
    with bench.down():
        assert call("ingest", "h.json").rows()[0][0] == "unchanged"


def test_offline_answers_from_the_cache_and_says_how_old_it_is(call, bench, monkeypatch):
    with bench.down():
        answer = call("--offline", "log")
        assert [row[0] for row in answer.rows()] == ["b", "a"]
        assert answer.err == "offline: as of now\n"
        monkeypatch.setenv("GRAVEN_OFFLINE", "1")
        assert call("show", "a").code == 0
        assert call("baseline").rows()[0][1] == "a"
        assert call("status", "--json").records()[0]["offline"]
        assert call("log", "--quiet").err == ""
        refused = call("baseline", "set", "b")
        assert refused.code == 6
        assert call("ingest", "b.json", "--replace").code == 6
    assert bench.count() > 0
    bench.reset()
    call("log")
    assert bench.count() == 0


def test_status_offline_shows_what_waits(call, bench, tmp_path):
    write(tmp_path, "c")
    with bench.down():
        call("ingest", "c.json")
        rows = dict(call("status", "--offline").rows())
    assert (rows["runs"], rows["queued here"]) == ("2", "1")


def test_a_store_never_seen_is_one_clear_line(call, bench, tmp_path, monkeypatch):
    another_machine(monkeypatch, tmp_path)
    with bench.down():
        for words in (("log",), ("ingest", "a.json"), ("status",)):
            answer = call(*words)
            assert answer.code == 6
            first, hint = answer.err.splitlines()
            assert first.startswith(f"graven: cannot reach {bench.bucket_url}: ")
            assert hint.startswith("hint: check the network and the endpoint")
    offline = call("--offline", "log")
    assert offline.code == 6
    assert len(offline.err.splitlines()) == 2
    assert "not kept on this machine" in offline.err
    assert not (tmp_path / "another-machine" / "GRAVEN_STATE_DIR").exists()


def test_offline_what_reads_or_writes_the_store_itself_is_refused(call, bench):
    before = call("log").out
    assert before
    assert call("config").code == 0
    for words in (("reindex",), ("fsck",), ("views",)):
        answer = call(*words, "--offline")
        assert answer.code == 2
        assert "needs the network, and --offline forbids it" in answer.err
    answer = call("config", "views", "none", "--offline")
    assert answer.code == 6
    assert "offline nothing is written: " in answer.err
    assert call("--offline", "log").out == before


def test_a_local_store_is_never_offline(call, store):
    online, offline = call("log"), call("--offline", "log")
    assert (online.out, online.err) == (offline.out, offline.err)
    assert call("--offline", "rm", "r3").code == 0


def test_one_command_lists_the_bucket_once(call, bench):
    bench.reset()
    assert call("log", "-n", "5").code == 0
    listings = [r for r in bench.requests if "list-type=2" in r.target and "packs" in r.target]
    assert len(listings) == 1


def test_two_machines_and_a_bucket(call, bench, tmp_path, monkeypatch):
    """Clone, work apart, push, pull: the way of a team."""
    monkeypatch.delenv("GRAVEN_STORE")
    assert call("clone", bench.bucket_url).code == 0
    here = ("-C", "project/.graven")
    assert dict(call(*here, "status").rows())["remote origin"] == bench.bucket_url
    write(tmp_path, "c", "d")
    call(*here, "ingest", "c.json")
    assert call(*here, "push").err.startswith("origin: 1 run")
    another_machine(monkeypatch, tmp_path)
    assert call("clone", bench.bucket_url, "elsewhere").code == 0
    there = ("-C", "elsewhere/.graven")
    call(*there, "ingest", "d.json")
    call(*there, "baseline", "set", "d")
    assert call(*there, "push").code == 0
    assert call(*here, "pull").code == 0
    assert [row[0] for row in call(*here, "log").rows()] == ["d", "c", "b", "a"]
    assert call(*here, "baseline").rows()[0][1] == "d"
    call(*here, "rm", "b")
    call(*here, "push")
    call(*there, "pull")
    assert [row[0] for row in call(*there, "log").rows()] == ["d", "c", "a"]
    with bench.down():
        assert call(*here, "push").code == 6
        assert len(call(*here, "log").rows()) == 3


def test_storage_options_come_from_the_environment(call, bench, monkeypatch, ministack):
    call("log")
    for name in ministack.environment(bench.url):
        monkeypatch.delenv(name)
    options = ministack.options(bench.url)
    monkeypatch.setenv("GRAVEN_STORAGE_OPTIONS", json.dumps(options))
    assert len(call("log").rows()) == 2
    assert call("clone", bench.bucket_url, "copy").code == 0
    assert call("-C", "copy/.graven", "push").err == "origin: nothing new\n"
    for bad in ("{", "[1]", "hunter2"):
        monkeypatch.setenv("GRAVEN_STORAGE_OPTIONS", bad)
        answer = call("log")
        assert answer.code == 2
        assert "GRAVEN_STORAGE_OPTIONS is no JSON object" in answer.err
        assert "hunter2" not in answer.err


def test_views_of_the_environment(call, store, monkeypatch):
    monkeypatch.setenv("GRAVEN_VIEWS", "some")
    answer = call("log")
    assert (answer.code, "GRAVEN_VIEWS" in answer.err) == (2, True)


def test_a_warning_ends_no_command_whatever_python_is_told(bench, tmp_path, call):
    write(tmp_path, "c")
    with bench.down():
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "graven", "ingest", "c.json"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout.split("\t")[0]) == (0, "queued")
    assert "warning: cannot reach" in done.stderr
