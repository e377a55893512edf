"""The repository that stands in for the real one, and exporting again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asv_tools import Asv, git
from test_asv_real import numbers, published

from graven import Store
from graven.errors import InvalidInput
from graven.export.asv import AsvExport, RunSource, export_asv
from graven.export.asv.synthetic import MAX_BRANCHES, Moment, make_repository
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run
from graven.porcelain.export_asv import export_asv as export_store

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFS = {"time": MetricDef(name="time", unit="ms", direction=MetricDirection.LOWER)}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def make_run(number: int, commit: str | None = None, value: float = 1.0, **changes: object) -> Run:
    fields: dict[str, object] = {
        "id": f"run{number}",
        "timestamp": START + timedelta(days=number),
        "commit": commit,
        "points": one_point("p", value),
        "metric_defs": DEFS,
        "environment": {"machine": "m", "python": "3.12"},
        **changes,
    }
    return Run(**fields)  # type: ignore[arg-type]


def one_point(
    name: str, value: float, *, tags: dict[str, str] | None = None, **bounds: float
) -> tuple[Point, ...]:
    metrics = {"time": Metric(value=value, **bounds)}
    return (Point(name=name, scenario="s", tags=tags or {}, metrics=metrics),)


def log_of(folder: Path, branch: str) -> list[str]:
    """Subjects of a branch, oldest first."""
    return git(folder / "repo.git", "log", "--reverse", "--format=%s %at", branch).splitlines()


def test_commits_stand_in_the_order_of_time_one_line_a_branch(tmp_path: Path) -> None:
    moments = [
        Moment("b", START + timedelta(1), "main", "commit b"),
        Moment("a", START, "main", "commit a"),
        Moment("f", START, "feature/x y", "commit f"),
        Moment("n", START + timedelta(3), None, "run n"),
    ]
    made = make_repository(tmp_path, moments)
    begin = int(START.timestamp())
    assert made.branches == ("main", "feature-x_y")
    assert log_of(tmp_path, "main") == [
        f"commit a {begin}", f"commit b {begin + 86400}", f"run n {begin + 3 * 86400}"
    ]  # fmt: skip
    assert log_of(tmp_path, "feature-x_y") == [f"commit f {begin}"]
    assert made.commits["b"] == git(tmp_path / "repo.git", "rev-parse", "main~1")


def test_making_it_again_moves_nothing_and_a_branch_without_runs_goes(tmp_path: Path) -> None:
    first = make_repository(
        tmp_path, [Moment("a", START, "main", "a"), Moment("b", START, "old", "b")]
    )
    again = make_repository(
        tmp_path,
        [Moment("a", START, "main", "a"), Moment("c", START + timedelta(1), "main", "c")],
    )
    assert again.commits["a"] == first.commits["a"]
    assert git(tmp_path / "repo.git", "branch", "--format=%(refname:short)") == "main"


def test_branches_beyond_what_asv_bears_share_one(tmp_path: Path) -> None:
    moments = [Moment(f"c{n}", START, f"b{n:02}", f"c{n}") for n in range(MAX_BRANCHES + 5)]
    made = make_repository(tmp_path, moments)
    assert len(made.branches) == MAX_BRANCHES
    assert len(set(made.commits.values())) == len(moments)
    assert len(log_of(tmp_path, "other-branches")) == 6


@pytest.mark.parametrize(
    "name", ["-x", "a..b", "a.lock", "x@{1}", "~^:?*[", "é", "", "HEAD", "CON"]
)
def test_any_name_of_a_branch_will_do(tmp_path: Path, name: str) -> None:
    made = make_repository(tmp_path, [Moment("a", START, name, "a\nb <c> \x00")])
    assert len(log_of(tmp_path, made.branches[0])) >= 1


@pytest.mark.parametrize("name", ["HEAD", "0" * 40, "Ab" * 20, "1" * 64])
def test_a_name_that_git_takes_for_something_else_is_changed(tmp_path: Path, name: str) -> None:
    late = START + timedelta(days=1)
    made = make_repository(
        tmp_path, [Moment("a", START, "main", "a"), Moment("b", late, name, "b")]
    )
    other = next(branch for branch in made.branches if branch != "main")
    assert other != name
    assert [line.split()[0] for line in log_of(tmp_path, other)] == ["b"]


def test_a_time_before_1970_is_the_first_that_git_knows(tmp_path: Path) -> None:
    make_repository(tmp_path, [Moment("a", datetime(1960, 1, 1, tzinfo=UTC), None, "old")])
    assert log_of(tmp_path, "main") == ["old 0"]


def test_a_repository_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "repo.git")
    with pytest.raises(InvalidInput, match="graven did not make it"):
        export_asv([make_run(1)], tmp_path, synthetic_repo=True)
    assert not (tmp_path / "results").exists()


def test_it_stands_in_for_no_repository_that_is_given(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="stands in"):
        export_asv([make_run(1)], tmp_path / "x", repo=tmp_path, synthetic_repo=True)
    with pytest.raises(InvalidInput, match="stands in"):
        export_asv([make_run(1)], tmp_path / "x", branches=["main"], synthetic_repo=True)


def test_runs_without_a_commit_are_published(tmp_path: Path, asv: Asv) -> None:
    runs = [make_run(n, value=float(n)) for n in range(1, 5)]
    runs += [make_run(5, COMMIT, 5.0), make_run(6, COMMIT, 6.0), make_run(7, "v1.2 (dirty)", 7.0)]
    runs += [make_run(8, "f" * 40, 8.0, branch="feature")]
    report = export_asv(runs, tmp_path, synthetic_repo=True)
    assert [loss.run_id for loss in report.lost] == ["run5"]  # superseded by run6
    asv(tmp_path, "publish")
    graphs = published(tmp_path)
    shown = {key[2]: sorted(numbers(values).values()) for key, values in graphs.items()}
    assert shown == {
        "main": [pytest.approx(n / 1000) for n in (1, 2, 3, 4, 6, 7)],
        "feature": [pytest.approx(0.008)],
    }
    names = json.loads((tmp_path / "graven-names.json").read_text())
    assert f"commit {COMMIT}" in names["commits"].values()
    assert "run run1" in names["commits"].values()


def test_a_branch_that_is_new_joins_the_conf_we_wrote(tmp_path: Path) -> None:
    export_asv([make_run(1)], tmp_path, synthetic_repo=True)
    conf = tmp_path / "asv.conf.json"
    changed = {**json.loads(conf.read_text()), "project": "mine"}
    conf.write_text(json.dumps(changed))
    export_asv([make_run(1), make_run(2, branch="next")], tmp_path, synthetic_repo=True)
    found = json.loads(conf.read_text())
    assert found["branches"] == ["main", "next"]
    assert found["project"] == "mine"


def test_a_conf_of_another_repository_is_not_changed_but_named(tmp_path: Path) -> None:
    (tmp_path / "asv.conf.json").write_text('{"version": 1, "repo": "..", "branches": ["dev"]}')
    report = export_asv([make_run(1)], tmp_path, synthetic_repo=True)
    assert json.loads((tmp_path / "asv.conf.json").read_text())["repo"] == ".."
    assert any('set "repo" to "repo.git"' in note for note in report.notes)


# --- exporting again ---


class Counted:
    """A source of runs that counts which were read the second time."""

    def __init__(self, runs: list[Run], versions: dict[str, str] | None = None) -> None:
        self.runs = {run.id: run for run in runs}
        self.versions = {run.id: f"v-{run.id}" for run in runs} if versions is None else versions
        self.read: list[str] = []

    def source(self) -> RunSource:
        def some(ids):
            self.read += sorted(ids)
            return [self.runs[each] for each in ids]

        return RunSource(lambda: list(self.runs.values()), some, self.versions)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.json"))
    }


def export_both(tmp_path: Path, counted: Counted) -> AsvExport:
    """Export on top of what is there; the outcome must be that of an export from nothing."""
    report = export_asv(counted.source(), tmp_path / "again")
    fresh = export_asv(counted.source(), tmp_path / f"fresh{len(list(tmp_path.iterdir()))}")
    assert contents(report.directory) == contents(fresh.directory)
    assert (report.points_written, report.lost) == (fresh.points_written, fresh.lost)
    assert report.notes[-1] == fresh.notes[-1]
    return report


def runs_of_three_commits() -> list[Run]:
    return [make_run(n, f"{n}" * 40, float(n)) for n in (1, 2, 3)]


def test_a_second_export_reads_and_writes_only_what_changed(tmp_path: Path) -> None:
    counted = Counted(runs_of_three_commits())
    export_asv(counted.source(), tmp_path / "again")
    counted.read.clear()
    report = export_both(tmp_path, counted)
    assert (report.files, counted.read, report.unchanged) == ((), [], 6)
    new = make_run(4, "4" * 40, 4.0)
    counted.runs[new.id], counted.versions[new.id] = new, "v-run4"
    report = export_both(tmp_path, counted)
    assert [path.name[:8] for path in report.files] == ["44444444"]
    assert counted.read[:1] == ["run4"]
    assert report.points_written == 4


@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"value": 9.0}, {"22222222"}),
        # A new combination changes the parameters of all rows.
        (
            {"points": one_point("p", 1.0, tags={"k": "v"})},
            {"11111111", "22222222", "33333333", "benchmar"},
        ),
        ({"environment": {"machine": "m", "python": "3.13"}}, {"22222222"}),
        ({"commit_time": START}, {"22222222"}),
    ],
)  # fmt: skip
def test_what_changes_is_written_anew(
    tmp_path: Path, change: dict[str, object], written: set[str]
) -> None:
    counted = Counted(runs_of_three_commits())
    export_asv(counted.source(), tmp_path / "again")
    value = change.pop("value", 2.0)
    counted.runs["run2"] = make_run(2, "2" * 40, value, **change)  # type: ignore[arg-type]
    counted.versions["run2"] = "v2"
    report = export_both(tmp_path, counted)
    assert {path.name[:8] for path in report.files} == written


def test_a_file_that_is_not_as_it_was_written_is_made_anew(tmp_path: Path) -> None:
    counted = Counted(runs_of_three_commits())
    export_asv(counted.source(), tmp_path / "again")
    (path,) = (tmp_path / "again/results").glob("*/22222222-*.json")
    whole = path.read_bytes()
    for spoilt in (whole[:-40], whole.replace(b"0.002", b"9.002"), whole + b" ", b""):
        path.write_bytes(spoilt)
        report = export_asv(counted.source(), tmp_path / "again")
        assert report.files == (path,)
        assert path.read_bytes() == whole


def test_losses_and_intervals_of_files_that_stand_are_still_told(tmp_path: Path) -> None:
    late = make_run(9, "1" * 40, 7.0, timestamp=START + timedelta(days=30))
    bounded = one_point("q", 1.0, lower=0.5, upper=2.0)
    infinite = one_point("q", float("inf"))
    counted = Counted(
        [*runs_of_three_commits(), late, make_run(5, "5" * 40, points=bounded),
         make_run(6, "6" * 40, points=infinite)]
    )  # fmt: skip
    first = export_asv(counted.source(), tmp_path / "again")
    report = export_both(tmp_path, counted)
    assert report.files == ()
    assert report.lost == first.lost
    assert len(report.lost) == 2
    assert any("1 interval left out" in note for note in report.notes)


def test_a_failed_point_counts_in_every_metric_it_might_have_had(tmp_path: Path) -> None:
    failed = (Point(name="p", scenario="s", metrics={}, status=PointStatus.FAILED),)
    counted = Counted([*runs_of_three_commits(), make_run(4, "4" * 40, points=failed)])
    export_asv(counted.source(), tmp_path / "again")
    more = (Point(name="p", scenario="s", metrics={"size": Metric(value=1.0)}),)
    counted.runs["run3"] = make_run(3, "3" * 40, points=more)
    counted.versions["run3"] = "v2"
    report = export_both(tmp_path, counted)
    assert "44444444" in {path.name[:8] for path in report.files}


def test_a_file_that_asv_or_a_person_changed_is_made_anew(tmp_path: Path) -> None:
    counted = Counted(runs_of_three_commits())
    export_asv(counted.source(), tmp_path / "again")
    (broken,) = (tmp_path / "again/results/m").glob("2222*.json")
    for text in (
        '{"graven":{"recipe"',
        "",
        broken.read_text().replace('"points":1', '"points":"x"'),
    ):
        broken.write_text(text)
        export_asv(counted.source(), tmp_path / "again")
        for_two = [
            p for p in (tmp_path / "again/results/m").glob("2222*.json") if p.stat().st_size > 50
        ]
        assert json.loads(for_two[-1].read_text())["commit_hash"] == "2" * 40


def test_runs_without_versions_are_written_each_time(tmp_path: Path) -> None:
    counted = Counted(runs_of_three_commits(), versions={})
    export_asv(counted.source(), tmp_path / "again")
    assert export_asv(counted.source(), tmp_path / "again").files == ()  # but of equal bytes
    assert counted.read == []


def test_a_store_is_exported_again_by_what_changed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    for run in runs_of_three_commits():
        store.save(run)
    target = tmp_path / "asv"
    first = export_store(store, target, synthetic_repo=True)
    assert first.points_written == 3
    assert export_store(store, target, synthetic_repo=True).files == ()
    store.save(make_run(4, None, 4.0))
    store.delete("run1")
    report = export_store(store, target, synthetic_repo=True)
    assert report.points_written == 3
    assert not [p for p in target.rglob("*.json") if '"run1"' in p.read_text()]
