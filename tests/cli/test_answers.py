"""What the commands print under a pipe, held here to be reviewed as a diff."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest

from graven.model import Metric, Point, PointStatus


def test_init_makes_a_store_here(call, tmp_path):
    answer = call("init")
    assert answer.code == 0
    assert (tmp_path / ".graven" / "store.json").exists()
    assert answer.err == f"new store at {tmp_path / '.graven'}\n"
    assert call("log").err == "no runs yet; 'graven ingest FILE' adds one\n"


def test_log(call, store):
    call("baseline", "set", "r1")
    call("tag", "set", "v1", "r1")
    assert call("log").out == (
        f"r3\t2026-01-02T15:00:00+00:00\tmain\t{3:040x}\t1\t\tok\tmeasured\t\n"
        f"r2\t2026-01-02T14:00:00+00:00\tmain\t{2:040x}\t1\t\tok\tmeasured\t\n"
        f"r1\t2026-01-02T13:00:00+00:00\tmain\t{1:040x}\t1\t\tok\tmeasured\t"
        "baselines/main,tags/v1\n"
    )


def test_log_filters(call, store, a_run):
    store.save(a_run(4, branch="dev", origin="simulated", status="failed", experiment="e"))

    def ids(*words):
        return [row[0] for row in call("log", *words).rows()]

    assert ids("-b", "dev") == ids("--origin", "simulated") == ids("--status", "failed") == ["r4"]
    assert ids("--experiment", "e") == ["r4"]
    assert ids("--commit", f"{2:040x}") == ["r2"]
    assert ids("--since", "2026-01-02T14:00:00+00:00", "--until", "2026-01-02T15:00:00+00:00") == [
        "r2"
    ]
    assert ids("--since", "5h") == []
    assert ids("-n", "0") == []
    bad = call("log", "--since", "yesterday")
    assert (bad.code, bad.err.splitlines()[1]) == (
        2,
        "hint: write a time like 2026-11-21T09:30 or an age like 36h, 7d, 2w",
    )


def test_log_json_has_a_schema_on_every_line(call, store):
    records = call("log", "--json").records()
    assert [record["id"] for record in records] == ["r3", "r2", "r1"]
    assert {record["schema"] for record in records} == {"graven.log/1"}
    assert records[0] == {
        "schema": "graven.log/1",
        "id": "r3",
        "object": store.resolve("r3").object_id,
        "timestamp": "2026-01-02T15:00:00+00:00",
        "branch": "main",
        "commit": f"{3:040x}",
        "experiment": None,
        "group": None,
        "status": "ok",
        "origin": "measured",
        "points": 1,
        "deleted": False,
        "refs": [],
    }


def test_show(call, store):
    object_id = store.resolve("r1").object_id
    assert call("show", "r1").out == (
        "run\tr1\n"
        f"object\t{object_id}\n"
        "time\t2026-01-02T13:00:00+00:00\n"
        "branch\tmain\n"
        f"commit\t{1:040x}\n"
        "status\tok\n"
        "origin\tmeasured\n"
        "machine\tTest CPU, 4 cores, [c1d0]\n".replace("c1d0", machine_of(call))
        + "scenario\tpoint\ttags\tstatus\tmetric\tvalue\tunit\tdirection\tlower\tupper\tsamples\n"
        "linalg\tmatmul\tn=10\tok\trate\t100.0\tops/s\thigher\t\t\t0\n"
        "linalg\tmatmul\tn=10\tok\ttime\t1.0\ts\tlower\t\t\t0\n"
    )
    assert len(call("show", "r1", "-m", "rate").rows()) == 10
    assert len(call("show", "r1", "-p", "x*").rows()) == 8


def machine_of(call):
    return call("show", "r1", "--json").records()[0]["machine"]


def test_compare(call, store):
    assert call("compare", "r1", "r3").out == (
        "verdict\tscenario\tpoint\ttags\tmetric\tunit\tbaseline\tcurrent\tchange\tthreshold\tnote"
        "\tlower\tupper\tjudged by\n"
        "regression\tlinalg\tmatmul\tn=10\ttime\ts\t1.0\t1.5\t0.5\t0.05\t\t\t\tratio\n"
        "no-change\tlinalg\tmatmul\tn=10\trate\tops/s\t100.0\t100.0\t0.0\t0.05\t\t\t\tratio\n"
    )
    assert call("compare", "r1", "r3").code == 0
    assert call("compare", "r1", "r3", "--exit-code").code == 1
    assert call("compare", "r1", "r1", "--exit-code").code == 0


def test_check_fails_on_a_regression_only(call, store):
    call("baseline", "set", "r1")
    failed = call("check")
    assert failed.code == 1
    assert failed.out == (
        "verdict\tscenario\tpoint\ttags\tmetric\tunit\tbaseline\tcurrent\tchange\tthreshold\tnote"
        "\tlower\tupper\tjudged by\n"
        "regression\tlinalg\tmatmul\tn=10\ttime\ts\t1.0\t1.5\t0.5\t0.05\t\t\t\tratio\n"
        "failed: 1 regression, 1 unchanged\n"
    )
    passed = call("check", "--run", "r2")
    assert (passed.code, passed.out) == (0, "passed: 2 unchanged\n")
    assert call("check", "--threshold", "50%").code == 0
    assert call("check", "--threshold", "time=49%").code == 1
    assert call("check", "-m", "rate").code == 0
    assert call("check", "--direction", "time=higher").code == 0


def test_check_reads_thresholds_of_the_store(call, store):
    call("baseline", "set", "r1")
    call("config", "thresholds.linalg/*/time", "60%")
    assert call("check").code == 0
    assert call("check", "--threshold", "time=10%").code == 1


def test_check_without_a_baseline(call, store):
    missing = call("check")
    assert missing.code == 3
    assert missing.err == (
        "graven: no baseline 'main' is set\n"
        "hint: set one with 'graven baseline set main REV', or pass --allow-missing\n"
    )
    allowed = call("check", "--allow-missing")
    assert (allowed.code, allowed.out) == (0, "passed: no baseline 'main' yet\n")
    assert call("check", "--allow-missing", "--threshold", "x").code == 2


def test_check_names_added_removed_and_nan_and_fails_on_them_when_strict(call, store, a_run):
    def points(**values):
        return tuple(
            Point(name=name, scenario="s", metrics={"time": Metric(value=value)})
            for name, value in values.items()
        )

    store.save(a_run(5, points=points(same=1.0, gone=1.0, nan=1.0)))
    store.save(a_run(6, points=points(same=1.0, new=1.0, nan=math.nan)))
    call("baseline", "set", "r5")
    answer = call("check")
    assert answer.code == 0
    assert [row[0] for row in answer.rows()[1:-1]] == ["added", "removed", "not-a-number"]
    assert answer.out.endswith("passed: 1 added, 1 removed, 1 not a number, 1 unchanged\n")
    assert call("check", "--strict").code == 1
    record = call("check", "--json").records()[0]
    assert record["schema"] == "graven.check/1"
    assert [row.get("current") for row in record["rows"] if row["name"] == "nan"] == ["NaN"]


def test_check_fails_on_a_point_that_fails_now(call, store, a_run):
    bad = Point(
        name="matmul", scenario="linalg", tags={"n": "10"}, status=PointStatus.FAILED, error="boom"
    )
    store.save(a_run(4, points=(bad,)))
    call("baseline", "set", "r1")
    answer = call("check")
    assert answer.code == 1
    assert "ok in the baseline, fails now: boom" in answer.out


def test_check_does_not_judge_across_machines_or_without_common_points(call, store, a_run):
    call("baseline", "set", "r1")
    store.save(a_run(4, time=9.0, environment={"cpu": "Other CPU", "cores": 2}))
    answer = call("check")
    assert answer.code == 2
    assert "graven: the two runs were measured on different machines" in answer.err
    assert call("check", "--allow-cross-machine").code == 1
    other = Point(name="other", scenario="s", metrics={"time": Metric(value=1.0)})
    store.save(a_run(5, points=(other,)))
    answer = call("check")
    assert answer.code == 2
    assert "no metric of any point in common" in answer.err


def test_check_judges_the_latest_run_of_a_branch(call, store, a_run):
    store.save(a_run(4, branch="dev"))
    call("baseline", "set", "r1")
    assert call("check").code == 0
    assert call("check", "--branch", "main").code == 1
    assert call("check", "--branch", "main", "--run", "r1").code == 2
    assert call("check", "--branch", "nope").code == 3


def test_baselines_and_their_history(call, store, monkeypatch):
    monkeypatch.setenv("GRAVEN_AUTHOR", "ann")
    call("baseline", "set", "r1", "-m", "first")
    call("baseline", "set", "main", "r2")
    assert [row[:2] for row in call("baseline").rows()] == [["main", "r2"]]
    history = call("baseline", "history").rows()
    assert [[row[0], row[1], row[3], row[4]] for row in history] == [
        ["2", "r2", "ann", ""],
        ["1", "r1", "ann", "first"],
    ]
    assert call("rev-parse", "--run", "baselines/main~1").out == "r1\n"
    assert call("baseline", "rm", "main").code == 0
    assert call("baseline").out == ""
    assert call("baseline", "show").code == 3
    assert call("baseline", "set").code == 2


def test_tags_stay_unless_forced(call, store):
    assert call("tag", "set", "v1", "r1").code == 0
    refused = call("tag", "set", "v1", "r2")
    assert refused.code == 4
    assert refused.err == (
        "graven: tag 'v1' exists already\nhint: tags are meant to stay; move it with --force\n"
    )
    assert call("tag", "set", "v1", "r2", "--force").code == 0
    assert call("tag", "--json").records()[0]["run"] == "r2"


def test_trend(call, store):
    assert call("trend", "time", "-n", "2").out == (
        f"2026-01-02T14:00:00+00:00\t1.04\ts\tr2\t{2:040x}\tlinalg\tmatmul\tn=10\ttime\tmain\n"
        f"2026-01-02T15:00:00+00:00\t1.5\ts\tr3\t{3:040x}\tlinalg\tmatmul\tn=10\ttime\tmain\n"
    )
    assert call("trend").out == "rate\tlinalg\tmatmul\tn=10\ntime\tlinalg\tmatmul\tn=10\n"
    assert call("trend", "time", "mat*", "--tag", "n=10").code == 0
    missing = call("trend", "tme")
    assert (missing.code, missing.err) == (
        3, "graven: no run has a metric 'tme'\nhint: there is time\n",
    )  # fmt: skip
    record = call("trend", "time", "--json").records()[0]
    assert (record["unit"], record["direction"], record["summary"]["last"]) == ("s", "lower", 1.5)


def test_rm_and_restore(call, store):
    call("baseline", "set", "r1")
    refused = call("rm", "r2", "r1")
    assert refused.code == 4
    assert len(call("log").rows()) == 3, "none is removed where one is refused"
    assert call("rm", "--dry-run", "r2").err == "would remove r2\n"
    assert call("rm", "latest").err == "removed r3\n"
    assert [row[0] for row in call("log").rows()] == ["r2", "r1"]
    deleted = {row[0]: row[6] for row in call("log", "--deleted").rows()}
    assert deleted == {"r1": "ok", "r2": "ok", "r3": "deleted"}
    assert call("show", "r3").code == 3
    assert call("restore", "r3").err == "restored r3\n"
    assert [row[0] for row in call("log").rows()] == ["r3", "r2", "r1"]
    assert call("rm", "r1", "--force").code == 0
    assert call("show", "baselines/main").rows()[0] == ["run", "r1"]


def test_relabel(call, store):
    assert call("relabel", "r3", "--branch", "dev").err == "r3: branch main -> dev\n"
    assert [row[0] for row in call("log", "-b", "dev").rows()] == ["r3"]
    assert call("relabel", "r3", "--branch", "dev").err == "r3: nothing to change\n"
    assert call("relabel", "r3", "--clear", "branch").err == "r3: branch dev -> none\n"
    for words in ((), ("--branch", ""), ("--origin", "made-up"), ("--clear", "points")):
        assert call("relabel", "r3", *words).code == 2
    assert call("show", "r3", "--json").records()[0]["run"]["points"][0]["name"] == "matmul"


def test_status(call, store):
    call("baseline", "set", "r1")
    rows = dict(call("status").rows())
    assert (rows["runs"], rows["latest"], rows["baselines/main"]) == ("3", "r3", "r1")
    assert call("status", "--json").records()[0]["runs"] == 3


def test_config(call, store):
    assert call("config").out == ""
    assert call("config", "thresholds.time", "10%").err == "thresholds.time = 10%\n"
    assert call("config", "ingest.keep_raw", "false").code == 0
    assert call("config").out == "thresholds.time\t10%\ningest.keep_raw\tfalse\n"
    assert call("config", "ingest.keep_raw").out == "false\n"
    assert call("config", "--unset", "thresholds.time").code == 0
    assert call("config", "thresholds.time").code == 3
    for key, value in (
        ("thresholds.time", "fast"),
        ("ingest.keep_raw", "maybe"),
        ("views", "some"),
        ("metric_defs.loss", '{"unit": "1"}'),
        ("floors.time", "-1"),
    ):
        assert call("config", key, value).code == 2, key


def test_maintenance(call, store, tmp_path):
    assert call("stats").code == 0
    assert call("stats", "--json").records()[0]["runs"] == 3
    full = call("fsck", "--full").err
    assert full.startswith("no damage: 1 pack, ")
    assert "not read" not in full
    assert "what is in them was not read, --full does" in call("fsck").err
    assert call("fsck", "--full", "--quick").code == 2
    assert call("reindex").err == "3 runs with 6 values from 1 pack\n"
    for view in (tmp_path / ".graven/runs").iterdir():
        view.unlink()
    assert call("views").err == f"3 views in {tmp_path}/.graven/runs\n"
    assert len(list((tmp_path / ".graven/runs").iterdir())) == 3


def test_fsck_exits_with_1_and_names_what_is_hurt(call, store, tmp_path):
    (pack,) = (tmp_path / ".graven/packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[60] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    answer = call("fsck", "--full")
    assert answer.code == 1
    assert answer.out.startswith("damaged packs/")
    assert not call("fsck", "--full", "--json").records()[0]["ok"]


def test_quiet_leaves_the_answer_only(call, store):
    call("baseline", "set", "r1")
    answer = call("check", "-q")
    assert (answer.out, answer.err) == ("failed: 1 regression, 1 unchanged\n", "")
    assert call("rm", "r3", "-q").err == ""


def test_what_strangers_wrote_cannot_reach_the_terminal(call, store, a_run):
    evil = "a\x1b[31m\u202e\nb\tc"
    point = Point(name=evil, scenario=evil, tags={evil: evil}, metrics={"time": Metric(value=1.0)})
    store.save(a_run(9, branch=evil, status=evil, points=(point,), error=evil))
    call("tag", "set", "v1", "r9", "-m", evil)
    for words in (["log"], ["show"], ["trend"], ["trend", "time"], ["compare", "r1", "r9"],
                  ["tag"], ["status"]):  # fmt: skip
        for color in ("never", "always"):
            answer = call(*words, "--color", color)
            assert answer.code == 0, answer.err
            for text in (answer.out, answer.err):
                assert "\x1b[31m\u202e" not in text
                assert "\u202e" not in text
    row = call("log", "-n", "1").rows()[0]
    assert row[2] == r"a\x1b[31m\u202e\x0ab\x09c"


def test_json_is_strict_and_ascii(call, store, a_run):
    point = Point(name="π", scenario="s", metrics={"time": Metric(value=math.inf)})
    store.save(a_run(9, points=(point,)))
    text = call("show", "--json").out
    assert text.isascii()
    record = json.loads(text, parse_constant=pytest.fail)
    assert record["run"]["points"][0]["metrics"]["time"]["value"] == "Infinity"


def test_for_people_numbers_have_units_and_ids_are_short(call, store, a_run):
    store.save(a_run(4, id="0123456789abcdef0123", time=1.5e-5))
    call("baseline", "set", "latest")
    shown = call("show", "--color", "always").out
    assert "15.00 µs" in shown
    assert "100 ops/s" in shown
    log = call("log", "--color", "always").out
    assert "0123456789ab" in log
    assert "0123456789abcdef0123" not in log
    compared = call("compare", "r1", "r3", "--color", "always").out
    assert "▲" in compared
    assert "+50.0%" in compared
    assert "█" in call("trend", "time", "--color", "always").out


def test_origin_is_always_shown(call, store, a_run):
    store.save(a_run(4, origin="simulated", timestamp=store.load("r3").timestamp
                     + timedelta(hours=1)))  # fmt: skip
    for words in (["log"], ["show"], ["compare", "r1", "r4"]):
        for color in ("never", "always"):
            answer = call(*words, "--color", color)
            assert "simulated" in answer.out + answer.err, words
