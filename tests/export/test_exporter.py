"""The written files themselves; test_asv_real.py shows what asv makes of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asv_tools import FIRST_COMMIT, Project

from graven.errors import BackendUnavailable, InvalidInput
from graven.export.asv import export_asv
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run

START = datetime(2026, 1, 1, tzinfo=UTC)
A, B = "a" * 40, "b" * 40
LOWER, HIGHER = MetricDirection.LOWER, MetricDirection.HIGHER


def point(value: float | None = 1.0, name: str = "p", **changes: Any) -> Point:
    metrics = {} if value is None else {"v": Metric(value=value)}
    return Point(**{"name": name, "scenario": "s", "metrics": metrics, **changes})


def run(number: int, commit: str | None = A, *points: Point, **changes: Any) -> Run:
    return Run(
        **{
            "id": f"run{number}",
            "timestamp": START + timedelta(hours=number),
            "commit": commit,
            "environment": {"machine": "box", "python": "3.11"},
            "points": points or (point(),),
            **changes,
        }
    )


def read(folder: Path, commit: str = A, machine: str = "box") -> dict[str, Any]:
    (path,) = (folder / "results" / machine).glob(f"{commit[:8]}*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def value_of(folder: Path, name: str = "s.p.v", commit: str = A) -> Any:
    return read(folder, commit)["results"][name][0]


def listing(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def reasons(outcome: Any) -> dict[str, str]:
    return {loss.run_id: f"{loss.what}: {loss.why}" for loss in outcome.lost}


def test_the_files_of_a_small_export(tmp_path):
    outcome = export_asv([run(0)], tmp_path / "new" / "folder")
    folder = outcome.directory
    assert listing(folder) == {
        "asv.conf.json",
        "graven-names.json",
        "results/benchmarks.json",
        "results/box/aaaaaaaa-py3.11.json",
        "results/box/machine.json",
    }
    assert {str(path.relative_to(folder)) for path in outcome.files} == listing(folder)
    assert (outcome.benchmarks, outcome.points_written) == (("s.p.v",), 1)
    assert json.dumps(outcome.to_dict())
    assert read(folder)["graven"] == {"runs": ["run0"]}
    benchmarks = json.loads((folder / "results" / "benchmarks.json").read_text())
    assert benchmarks["version"] == 2
    assert benchmarks["s.p.v"]["version"] == read(folder)["results"]["s.p.v"][2] == "1"


@pytest.mark.parametrize("runs", [[], [run(0, None)]])
def test_nothing_to_export_makes_the_folder_only(tmp_path, runs):
    outcome = export_asv(runs, tmp_path / "out")
    assert outcome.directory.is_dir()
    assert listing(tmp_path) == set()
    assert len(outcome.to_dict()["lost"]) == len(runs)


def test_the_newest_run_wins_whatever_the_order(tmp_path):
    old = run(1, A, point(1.0, metrics={"v": Metric(value=1.0, samples=(1.0, 1.1))}))
    new = run(2, A, point(2.0, metrics={"v": Metric(value=2.0, samples=(2.0,))}))
    for number, runs in enumerate(([old, new], [new, old])):
        folder = tmp_path / str(number)
        outcome = export_asv(runs, folder)
        assert value_of(folder) == [2.0]
        assert read(folder)["results"]["s.p.v"][-1] == [[2.0]]  # samples are not mixed
        assert reasons(outcome) == {
            "run1": "1 value (s.p.v): superseded by run run2 of the same commit"
        }
        assert read(folder)["graven"] == {"runs": ["run2", "run1"]}


def test_equal_times_are_settled_by_the_id(tmp_path):
    runs = [run(n, A, point(float(n)), timestamp=START) for n in (1, 3, 2)]
    export_asv(runs, tmp_path)
    assert value_of(tmp_path) == [3.0]


def test_shards_of_one_commit_lose_nothing(tmp_path):
    runs = [run(n, A, point(float(n), tags={"n": str(n)})) for n in range(3)]
    outcome = export_asv(runs, tmp_path)
    assert value_of(tmp_path) == [0.0, 1.0, 2.0]
    assert outcome.lost == ()


def test_a_function_is_called_for_each_pass_and_an_iterator_serves_too(tmp_path):
    calls = []

    def fresh() -> Iterator[Run]:
        calls.append(1)
        return iter([run(0), run(1, B)])

    assert export_asv(fresh, tmp_path / "a").points_written == 2
    assert len(calls) == 2
    assert export_asv(iter([run(0), run(1, B)]), tmp_path / "b").points_written == 2


def test_runs_that_come_or_go_between_the_passes(tmp_path):
    passes = iter([[run(0), run(1), run(2, B)], [run(9), run(2, B), run(1)]])
    outcome = export_asv(lambda: next(passes), tmp_path)
    assert outcome.points_written == 2
    assert read(tmp_path)["graven"] == {"runs": ["run1"]}


def test_the_same_id_twice(tmp_path):
    outcome = export_asv([run(0, A, point(1.0)), run(0, A, point(2.0))], tmp_path)
    assert value_of(tmp_path) == [1.0]
    assert "twice" in reasons(outcome)["run0"]


@pytest.mark.parametrize("commit", [None, "", "unversioned", "../../etc", "abcdef0", "g" * 40])
def test_a_run_without_a_full_commit_is_lost(tmp_path, commit):
    outcome = export_asv([run(0, commit), run(1)], tmp_path)
    assert list(reasons(outcome)) == ["run0"]
    assert outcome.points_written == 1


def test_short_commits_are_expanded_and_dated_by_the_repository(tmp_path, project: Project):
    commit = project.main[1]
    outcome = export_asv(
        [run(0, commit[:10].upper()), run(1, "00000")], tmp_path, repo=project.path
    )
    found = read(tmp_path, commit)
    assert found["commit_hash"] == commit
    assert found["date"] == (FIRST_COMMIT + 86_400) * 1000
    assert "cannot be expanded" in reasons(outcome)["run1"]


def test_the_date_is_the_commits_then_the_runs(tmp_path):
    when = datetime(2025, 5, 5, 5, tzinfo=UTC)
    export_asv([run(0, A, commit_time=when), run(1, B)], tmp_path)
    assert read(tmp_path, A)["date"] == int(when.timestamp() * 1000)
    assert read(tmp_path, B)["date"] == int((START + timedelta(hours=1)).timestamp() * 1000)
    started = read(tmp_path, A)["results"]["s.p.v"][3]
    assert started == int(START.timestamp() * 1000)


def test_runs_asv_cannot_see_are_named(tmp_path, project: Project):
    seen = [*project.main, *project.feature, project.tagged]
    runs = [run(n, commit, branch="feature") for n, commit in enumerate([*seen, project.side, B])]
    outcome = export_asv(runs, tmp_path, repo=project.path)
    assert set(reasons(outcome)) == {f"run{len(seen)}", f"run{len(seen) + 1}"}
    assert "main, feature" in outcome.lost[0].why
    assert outcome.points_written == len(runs)  # their files are there all the same
    conf = json.loads((tmp_path / "asv.conf.json").read_text())
    assert conf["branches"] == ["main", "feature"]
    assert conf["repo"] == str(project.path)


def test_a_branch_that_adds_nothing_is_not_followed(tmp_path, project: Project):
    runs = [run(n, c, branch="feature") for n, c in enumerate(project.main)]
    export_asv(runs, tmp_path, repo=project.path)
    assert json.loads((tmp_path / "asv.conf.json").read_text())["branches"] == ["main"]


def test_branch_names_of_runs_are_no_options_to_git(tmp_path, project: Project):
    evil = ["--output=x", "-h", "../..", "a b", "main;touch x", "refs/heads/main", "\n", "é"]
    runs = [run(n, project.side, branch=name) for n, name in enumerate(evil)]
    outcome = export_asv(runs, tmp_path, repo=project.path)
    assert len([loss for loss in outcome.lost if "asv does not see" in loss.why]) == len(evil)
    assert json.loads((tmp_path / "asv.conf.json").read_text())["branches"] == ["main"]


def test_an_existing_conf_stays_and_its_branches_count(tmp_path, project: Project):
    conf = tmp_path / "asv.conf.json"
    conf.write_text('{"repo": ".", "branches": ["feature"]}')
    outcome = export_asv([run(0, project.main[-1])], tmp_path, repo=project.path)
    assert "feature" in outcome.lost[0].why
    assert conf.read_text() == '{"repo": ".", "branches": ["feature"]}'
    assert not (
        export_asv([run(0)], tmp_path / "bare", write_conf=False).directory / "asv.conf.json"
    ).exists()


def test_bad_arguments_write_nothing(tmp_path, project: Project):
    out = tmp_path / "out"
    with pytest.raises(InvalidInput, match="no git repository"):
        export_asv([run(0)], out, repo=tmp_path / "nowhere")
    (tmp_path / "plain").mkdir()
    with pytest.raises(InvalidInput, match="no git repository"):
        export_asv([run(0)], out, repo=tmp_path / "plain")
    for branch in ("gone", "--all", ""):
        with pytest.raises(InvalidInput, match="branch"):
            export_asv([run(0)], out, repo=project.path, branches=[branch])
    assert not out.exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="is a file"):
        export_asv([run(0)], tmp_path / "file")
    with pytest.raises(BackendUnavailable, match="cannot write"):
        export_asv([run(0)], tmp_path / "file" / "below")


def test_no_name_leads_out_of_the_folder(tmp_path):
    names = ["../../up", "/etc", "..", ".", "a/b", "C:\\x", "nul", "x\0y", "é" * 300, "~", "a\n"]
    runs = [
        run(n, A, point(1.0, name=name, scenario=name), environment={"machine": name}, branch=name)
        for n, name in enumerate(names)
    ]
    export_asv(runs, tmp_path / "deep" / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"deep"}
    assert {p.name for p in (tmp_path / "deep").iterdir()} == {"out"}
    folders = [p for p in (tmp_path / "deep" / "out" / "results").iterdir() if p.is_dir()]
    assert len(folders) == len(names)
    for folder in folders:
        assert json.loads((folder / "machine.json").read_text())["machine"] == folder.name
        assert len(list(folder.iterdir())) == 2


def test_machines_that_differ_in_case_only_do_not_share_a_folder(tmp_path):
    export_asv(
        [run(n, A, environment={"machine": m}) for n, m in enumerate(("Box", "box"))], tmp_path
    )
    folders = [p.name.casefold() for p in (tmp_path / "results").iterdir() if p.is_dir()]
    assert len(set(folders)) == 2
    machines = json.loads((tmp_path / "graven-names.json").read_text())["machines"]
    assert set(machines.values()) == {"Box", "box"}


def test_commits_with_equal_beginnings_do_not_share_a_file(tmp_path):
    twin = A[:8] + "c" * 32
    export_asv([run(0), run(1, twin), run(2, B)], tmp_path)
    names = {p.name for p in (tmp_path / "results" / "box").iterdir()}
    assert names == {
        f"{A}-py3.11.json",
        f"{twin}-py3.11.json",
        "bbbbbbbb-py3.11.json",
        "machine.json",
    }


def test_environments_have_names_of_their_own(tmp_path):
    base = {"machine": "box", "python": "3.11"}
    environments = [
        {"machine": "box"},
        base,
        {**base, "cores": 8, "cpu": "x", "os": "y", "load_avg": [1]},  # facts of the machine
        {**base, "numpy": "1"},
        {**base, "numpy": "2"},
        {"machine": "box", "numpy": "1"},
        {"machine": "box", "python": "../x"},
    ]
    export_asv([run(n, A, environment=e) for n, e in enumerate(environments)], tmp_path)
    names = sorted(p.stem[9:] for p in (tmp_path / "results" / "box").glob("aaaaaaaa-*.json"))
    assert len(names) == 6
    assert {"default", "py3.11"} < set(names)
    assert [name[:4] for name in names].count("env-") == 2
    params = [
        json.dumps(json.loads(p.read_text())["params"])
        for p in (tmp_path / "results" / "box").glob("aaaaaaaa-*.json")
    ]
    assert len(set(params)) == 6  # else asv would take the mean
    machine = json.loads((tmp_path / "results" / "box" / "machine.json").read_text())
    assert machine == {"machine": "box", "version": 1}  # the newest run's facts: none


def test_failed_and_skipped_points_stand_in_every_metric(tmp_path):
    failed = point(None, status=PointStatus.FAILED, tags={"n": "2"})
    skipped = point(None, status=PointStatus.SKIPPED, tags={"n": "3"})
    never = point(None, name="never", status=PointStatus.FAILED)
    both = point(tags={"n": "1"}, metrics={"v": Metric(value=1.0), "w": Metric(value=2.0)})
    outcome = export_asv([run(0, A, both, failed, skipped, never), run(1, B, never)], tmp_path)
    results = read(tmp_path)["results"]
    for name, value in (("s.p.v", 1.0), ("s.p.w", 2.0)):
        first, second, third = results[name][0]
        assert (first, second) == (value, None)
        assert math.isnan(third)
    assert results["s.never"][0] == [None]
    assert outcome.benchmarks == ("s.never", "s.p.v", "s.p.w")
    assert outcome.points_written == 2


def test_a_combination_nobody_measured_is_skipped_and_not_failed(tmp_path):
    tags = [{"n": "1", "m": "x"}, {"n": "2", "m": "y"}, {"n": "1"}]
    export_asv([run(0, A, *(point(float(i), tags=t) for i, t in enumerate(tags)))], tmp_path)
    row = read(tmp_path)["results"]["s.p.v"]
    assert row[1] == [["x", "y", "-"], ["1", "2"]]
    assert [None if math.isnan(v) else v for v in row[0]] == [0.0, None, None, 1.0, 2.0, None]


def test_folded_tags_are_listed_in_the_names_file(tmp_path):
    points = [point(float(n), tags={"a": str(n), "b": str(n)}) for n in range(17)]
    export_asv([run(0, A, *points)], tmp_path)
    record = json.loads((tmp_path / "graven-names.json").read_text())["benchmarks"]["s.p.v"]
    (param,) = record["params"]
    assert param["name"] == "tags"
    assert param["values"]["a=3,b=3"] == {"a": "3", "b": "3"}
    row = read(tmp_path)["results"]["s.p.v"]
    assert row[0][row[1][0].index("a=3,b=3")] == 3.0


def test_the_names_file_leads_back(tmp_path):
    export_asv([run(0, A, point(tags={"<k>": "<v>", "n": "1"}), point(tags={}))], tmp_path)
    record = json.loads((tmp_path / "graven-names.json").read_text())["benchmarks"]["s.p.v"]
    assert (record["scenario"], record["point"], record["metric"]) == ("s", "p", "v")
    assert record["params"] == [{"name": "‹k›", "tag": "<k>", "values": {"‹v›": "<v>"}}]


def test_a_point_given_twice(tmp_path):
    outcome = export_asv([run(0, A, point(1.0), point(2.0))], tmp_path)
    assert value_of(tmp_path) == [1.0]
    assert "more than once" in reasons(outcome)["run0"]


def test_units_are_read_by_each_run_s_own_definition(tmp_path):
    def defs(unit: str) -> dict[str, MetricDef]:
        return {"v": MetricDef(name="v", unit=unit, direction=LOWER)}

    runs = [
        run(0, A, point(3.0), metric_defs=defs("ms")),
        run(1, B, point(3.0), metric_defs=defs("ns")),
        run(2, "c" * 40, point(3.0)),  # says nothing: as the newest that does
        run(3, "d" * 40, point(3.0), metric_defs=defs("ops")),
        run(4, "e" * 40, point(3.0), metric_defs=defs("us")),
    ]
    outcome = export_asv(runs, tmp_path)
    values = [value_of(tmp_path, commit=str(r.commit)) for r in runs]
    assert values == [[0.003], [3e-9], [3e-6], [3.0], [3e-6]]
    # operations are no seconds: a version of its own, which asv leaves out
    assert reasons(outcome) == {
        "run3": "1 value (s.p.v): asv shows only the newest version, '1', not '1 in ops'"
    }


def test_versions_in_one_file_are_not_mixed(tmp_path):
    old = run(0, A, point(1.0, version="1", tags={"n": "1"}))
    new = run(1, A, point(2.0, version="2", tags={"n": "2"}))
    outcome = export_asv([old, new], tmp_path)
    row = read(tmp_path)["results"]["s.p.v"]
    assert row[2] == "2"
    assert row[0][1] == 2.0 and math.isnan(row[0][0])
    assert "version '2', not '1'" in reasons(outcome)["run0"]


def test_a_point_that_never_succeeded_has_its_version(tmp_path):
    broken = [point(None, status=PointStatus.FAILED, version=v) for v in ("old", "new")]
    outcome = export_asv([run(0, A, broken[0]), run(1, B, broken[1])], tmp_path)
    benchmarks = json.loads((tmp_path / "results" / "benchmarks.json").read_text())
    assert benchmarks["s.p"]["version"] == "new"
    assert read(tmp_path, B)["results"]["s.p"][2] == "new"
    assert list(reasons(outcome)) == ["run0"]


def test_higher_is_better_is_said_and_not_inverted(tmp_path):
    defs = {"v": MetricDef(name="v", unit="ops/s", direction=HIGHER, description="rate <b>")}
    outcome = export_asv([run(0, A, point(5.0), metric_defs=defs)], tmp_path)
    entry = json.loads((tmp_path / "results" / "benchmarks.json").read_text())["s.p.v"]
    assert entry["pretty_name"] == "s · p · v (higher is better)"
    assert "<" not in entry["code"]
    assert value_of(tmp_path) == [5.0]
    assert any("no direction" in note and "s.p.v" in note for note in outcome.notes)


def test_an_interval_without_samples_is_left_out_and_said(tmp_path):
    metrics = {"v": Metric(value=1.0, lower=0.5, upper=1.5)}
    outcome = export_asv([run(0, A, point(metrics=metrics))], tmp_path)
    assert len(read(tmp_path)["results"]["s.p.v"]) == 4
    assert any("1 interval left out" in note for note in outcome.notes)
    metrics = {"v": Metric(value=1.0, lower=0.5, upper=1.5, samples=(1.0, 1.2))}
    outcome = export_asv([run(0, A, point(metrics=metrics))], tmp_path)
    row = dict(
        zip(read(tmp_path)["result_columns"], read(tmp_path)["results"]["s.p.v"], strict=True)
    )
    assert (row["stats_ci_99_a"], row["stats_ci_99_b"]) == ([0.5], [1.5])
    assert row["stats_q_25"] == pytest.approx([1.05])
    assert row["samples"] == [[1.0, 1.2]]
    assert not any("interval" in note for note in outcome.notes)


def test_a_later_export_removes_what_no_longer_applies_and_nothing_else(tmp_path):
    export_asv([run(0), run(1, B), run(2, A, environment={"machine": "gone"})], tmp_path)
    foreign = tmp_path / "results" / "box" / "foreign.json"
    foreign.write_text('{"graven": 1}')
    (tmp_path / "results" / "notes.txt").write_text("mine")
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("mine")
    outcome = export_asv([run(0)], tmp_path)
    assert listing(tmp_path) == {
        "asv.conf.json",
        "graven-names.json",
        "html/index.html",
        "results/benchmarks.json",
        "results/notes.txt",
        "results/box/aaaaaaaa-py3.11.json",
        "results/box/foreign.json",
        "results/box/machine.json",
    }
    assert outcome.points_written == 1
    export_asv([], tmp_path)
    assert listing(tmp_path) == {
        "asv.conf.json",
        "html/index.html",
        "results/notes.txt",
        "results/box/foreign.json",
        "results/box/machine.json",
    }


def test_asv_s_own_files_are_not_overwritten(tmp_path):
    box = tmp_path / "results" / "box"
    box.mkdir(parents=True)
    theirs = {
        box / "machine.json": {"machine": "box", "version": 1, "cpu": "theirs"},
        box / "aaaaaaaa-py3.11.json": {"commit_hash": A},
        tmp_path / "results" / "benchmarks.json": {"s.p.v": {"name": "s.p.v"}, "version": 2},
    }
    for path, content in theirs.items():
        path.write_text(json.dumps(content))
    outcome = export_asv([run(0)], tmp_path)
    assert json.loads((box / "machine.json").read_text())["cpu"] == "theirs"
    assert json.loads((box / "aaaaaaaa-py3.11.json").read_text()) == {"commit_hash": A}
    (name,) = outcome.benchmarks
    assert name != "s.p.v"
    ours = json.loads((box / "aaaaaaaa-py3.11-graven.json").read_text())
    assert list(ours["results"]) == [name]
    assert set(json.loads((tmp_path / "results" / "benchmarks.json").read_text())) == {
        "s.p.v",
        name,
        "version",
    }
    before = listing(tmp_path)
    assert export_asv([run(0)], tmp_path).benchmarks == outcome.benchmarks
    assert listing(tmp_path) == before
    assert json.loads((box / "machine.json").read_text())["cpu"] == "theirs"
    export_asv([], tmp_path)
    for path, content in theirs.items():
        assert json.loads(path.read_text()) == content
    assert listing(tmp_path) == before - {
        "graven-names.json",
        "results/box/aaaaaaaa-py3.11-graven.json",
    }


def test_a_damaged_names_file_is_no_obstacle(tmp_path):
    export_asv([run(0)], tmp_path)
    for text in ("", "[]", '{"benchmarks": 1, "machine_files": [{}]}', "\xff", "[" * 100_000):
        (tmp_path / "graven-names.json").write_text(text, encoding="latin-1")
        assert export_asv([run(0)], tmp_path).points_written == 1


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    export_asv([run(0, A, point(1.0))], tmp_path)
    before = {path: (tmp_path / path).read_bytes() for path in listing(tmp_path)}

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BackendUnavailable, match="No space left") as caught:
        export_asv([run(0, A, point(2.0))], tmp_path)
    assert caught.value.hint
    assert {path: (tmp_path / path).read_bytes() for path in listing(tmp_path)} == before
