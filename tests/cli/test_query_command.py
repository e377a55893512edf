"""``graven query``, and ``--where`` of the commands that choose runs."""

import csv
import io

import graven
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.testing.runs import sample_run


def ids(answer):
    return [row[0] for row in answer.rows()]


def test_it_shows_what_is_asked_for(call, store):
    answer = call("query", "metric.time > 1", "--sort", "metric.time:desc")
    assert answer.code == 0
    titles, *rows = answer.rows()
    assert titles == ["run", "time", "branch", "commit", "metric.time"]
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)
    assert [float(row[4]) for row in rows] == [1.5, 1.04]
    assert call("query", "-c", "run", "-n", "1").rows()[1:] == [["r3"]]
    assert call("query", "-c", "run", "-n", "1", "--skip", "1").rows()[1:] == [["r2"]]


def test_people_see_units(call, store):
    answer = call("--color", "always", "query", "run = r1", "-c", "run,metric.time,metric.rate")
    assert " s" in answer.out
    assert "ops/s" in answer.out


def test_several_units_in_one_column_are_told(call, store, a_run):
    milli = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    store.save(a_run(9, time=900.0, metric_defs=milli))
    answer = call("query", "metric.time > 1", "--csv")
    assert answer.err == (
        "warning: runs have time in several units ('ms', 's'); the numbers are taken as they are\n"
    )
    assert answer.out.startswith("run,time,branch,commit,metric.time\n")
    assert call("query", "metric.time > 100", "-c", "metric.time", "--csv").err == ""


def test_the_unit_is_that_of_all_runs_however_many_shapes_they_have(call, store, a_run):
    milli = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
    with store.batch() as batch:
        for number in range(70):
            point = Point(name=f"p{number}", scenario="s", metrics={"time": Metric(value=1.0)})
            batch.save(a_run(100 + number, points=(point,)))
        batch.save(a_run(900, points=(point,), metric_defs=milli))
    answer = call("query", "metric.time exists", "--sort", "run", "--csv")
    assert answer.out.startswith("run,time,branch,commit,metric.time\n")
    assert "in several units" in answer.err


def test_json_gives_whole_values(call, store):
    (record,) = call("query", "run = r2", "-c", "run,time,metric.time,tag.n", "--json").records()
    assert record["schema"] == "graven.query/1"
    assert record["id"] == record["values"]["run"] == "r2"
    assert record["values"]["time"].startswith("2026-01-02T")
    assert record["values"]["tag.n"] == ["10"]
    assert record["units"] == {"metric.time": "s"}


def test_csv_is_safe_in_a_spreadsheet(call, store, tmp_path):
    inner = graven.open(store.url)
    point = Point(name="p", scenario="s", tags={"=k": "@x"}, metrics={"time": Metric(value=-1.0)})
    inner.save(Run(id="odd", points=(point,), branch='=cmd()|"a', params={"n": -5, "t": "+1\n2"}))
    columns = 'run,branch,metric.time,param.n,param.t,tag."=k",dirty'
    answer = call("query", "run = odd", "--csv", "-c", columns)
    titles, row = csv.reader(io.StringIO(answer.out))
    assert titles[:3] == ["run", "branch", "metric.time"]
    assert row == ["odd", "'=cmd()|\"a", "-1.0", "-5", "'+1\n2", "'@x", ""]
    assert call("query", "--csv", "--json").code == 2


def test_errors_show_the_place(call, store):
    answer = call("query", "branch = main and metric.tim > 1")
    assert answer.code == 2
    assert answer.err.splitlines() == [
        "graven: no run has a metric 'tim' (column 19)",
        "  branch = main and metric.tim > 1",
        "                    ^^^^^^^^^^",
        "hint: did you mean 'time'?",
    ]
    long = "branch = main and " * 20 + "brunch = 1" + " and branch = main" * 20
    text, carets = call("query", long).err.splitlines()[1:3]
    assert len(text) < 90
    assert text[len(carets) - 6 : len(carets)] == "brunch"
    assert set(carets.strip()) == {"^"}
    hostile = call("query", "branch = 'a\x1b[31m' nonsense")
    assert "\x1b" not in hostile.err


def test_an_empty_answer_says_why(call, store):
    answer = call("query", "branch = mian")
    assert answer.code == 0
    assert answer.out == ""
    assert "no run has a branch 'mian'; did you mean 'main'?" in answer.err
    assert "no run fits" in call("query", "metric.time > 1e9").err


def test_log_takes_a_query_beside_its_options(call, store):
    everything = ids(call("log"))
    some = ids(call("log", "--where", "metric.time > 1"))
    assert set(some) < set(everything)
    assert ids(call("log", "-w", "not run = r2", "-n", "1")) == ["r3"]
    assert ids(call("log", "-w", "metric.time exists", "--branch", "nobody")) == []
    assert ids(call("log", "--where=run in (r1, r2)", "--commit", f"{1:040x}")) == ["r1"]
    assert call("log", "-w", "branch = ").code == 2
    assert call("log", "-w", "branch = main", "--deleted").code == 2


def test_prune_takes_a_query(call, store):
    dry = call("prune", "--where", "metric.time > 1 and run != r3", "--dry-run")
    removed = [row[1] for row in dry.rows()]
    assert removed == [run for run in ids(call("log", "-w", "metric.time > 1")) if run != "r3"]
    assert call("prune", "-w", "metric.tim > 1", "--yes").code == 2
    assert call("prune", "-w", "metric.time > 1", "--keep-last", "1", "--yes").code == 0
    left = ids(call("log"))
    assert "r3" in left
    assert len(left) == 3 - len(removed)


def test_a_scoped_store_chooses_among_its_runs(store):
    inner = graven.open(store.url)
    inner.save(sample_run("mine", 1.0, experiment="e"))
    inner.save(sample_run("other", 1.0, experiment="f"))
    scoped = inner.scoped("e")
    assert [h.run_id for h in scoped.select()] == ["mine"]
    assert scoped.select_ids("run in (mine, other) or status = ok") == ["mine"]
    assert scoped.select_rows("run", "not run = other").rows == [("mine",)]
    assert list(scoped.iter_select(sort="run")) == scoped.select()
