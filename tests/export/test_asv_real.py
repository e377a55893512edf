"""What a real asv makes of an export: every published value is read back."""

from __future__ import annotations

import itertools
import json
import math
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asv_tools import Asv, Project

from graven.export.asv import export_asv
from graven.model import Metric, MetricDef, MetricDirection, Point, PointStatus, Run

pytestmark = pytest.mark.asv

START = datetime(2026, 1, 1, tzinfo=UTC)
LOWER, HIGHER = MetricDirection.LOWER, MetricDirection.HIGHER
DEFS = {
    "time": MetricDef(name="time", unit="ns", direction=LOWER),
    "peak": MetricDef(name="peak", unit="KiB", direction=LOWER),
    "throughput": MetricDef(name="throughput", unit="ops/s", direction=HIGHER),
}
NASTY = [
    "a(b",
    "a/b",
    "a b",
    "a_b",
    "../../up",
    "<script>alert(1)</script>",
    "größe µ 日本",
    "n" * 300,
    "n" * 299 + "m",
    "CON",
    "x.y",
    'quote"\\',
    "new\nline",
    "",
    "-",
    "Case",
    "case",
]


def published(folder: Path) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """(benchmark, machine, branch, environment) to {"revision/combination": value}.

    Only graphs that asv's own index names: what its pages can reach.
    """
    html = folder / "html"
    index = strict_json(html / "index.json")
    found = {}
    for benchmark, params in itertools.product(
        index["benchmarks"].values(), index["graph_param_list"]
    ):
        parts = sorted(
            f"{key}-null" if value is None else f"{key}-{value}" if value else key
            for key, value in params.items()
        )
        path = html.joinpath("graphs", *parts, f"{benchmark['name']}.json")
        if not path.exists():
            continue
        cells = list(itertools.product(*benchmark["params"]))
        values = {}
        for revision, value in strict_json(path):
            # asv writes None for a revision without any value
            row = value if isinstance(value, list) else [value] * len(cells)
            assert len(row) == len(cells)
            for cell, number in zip(cells, row, strict=True):
                values[f"{revision}/{','.join(cell)}"] = number
        key = (benchmark["name"], params["machine"], params["branch"], params.get("env") or "")
        assert key not in found
        found[key] = values
    return found


def strict_json(path: Path) -> Any:
    """JSON as a browser reads it: NaN and Infinity are errors."""

    def refuse(token: str) -> None:
        raise AssertionError(f"{token} in {path}")

    return json.loads(path.read_text(), parse_constant=refuse)


def numbers(values: dict[str, Any]) -> dict[str, float]:
    return {key: value for key, value in values.items() if value is not None}


def make_points(seed: int) -> tuple[Point, ...]:
    rng = random.Random(seed)
    points = []
    for scenario, name in (("linalg", "matmul"), ("linalg", "solve"), ("io", "read")):
        for size, device in itertools.product(("10", "9"), ("cpu", "gpu")):
            if (size, device) == ("9", "gpu"):
                continue  # never measured
            samples = tuple(rng.uniform(900.0, 1100.0) for _ in range(12))
            points.append(
                Point(
                    name=name,
                    scenario=scenario,
                    tags={"size": size, "device": device},
                    metrics={
                        "time": Metric(value=sorted(samples)[6], samples=samples),
                        "peak": Metric(value=float(rng.randrange(1000))),
                        "throughput": Metric(value=rng.uniform(1, 9), lower=1.0, upper=9.0),
                    },
                )
            )
    return tuple(points)


def make_run(number: int, commit: str, **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "id": f"run{number}",
        "timestamp": START + timedelta(hours=number),
        "commit": commit,
        "branch": "main",
        "environment": {"machine": "box", "python": "3.11", "cores": 4, "cpu": "A & B <i>"},
        "metric_defs": DEFS,
        "points": make_points(number),
    }
    return Run(**{**fields, **changes})


def convert(metric: str, value: float) -> float:
    return {"time": value / 1e9, "peak": value * 1024, "throughput": value}[metric]


def test_every_published_value_is_the_one_exported(
    asv: Asv, project: Project, tmp_path: Path
) -> None:
    runs = [make_run(n, commit) for n, commit in enumerate(project.main)]
    runs += [make_run(10 + n, commit, branch="feature") for n, commit in enumerate(project.feature)]
    runs += [
        make_run(20 + n, commit, environment={"machine": "other/box", "python": "3.12"})
        for n, commit in enumerate(project.main[:3])
    ]
    runs.append(make_run(30, project.tagged))
    outcome = export_asv(runs, tmp_path, repo=project.path, project="demo")
    assert outcome.lost == ()
    assert outcome.points_written == len(runs) * 27

    asv(tmp_path, "publish")
    graphs = published(tmp_path)
    folders = {"box": "box", "other/box": "other_box"}
    expected: dict[tuple[str, str, str, str], dict[str, float]] = {}
    shared = set(project.main[:4])
    for run in runs:
        branches = {run.branch}
        if run.commit in shared or run.commit == project.tagged:
            branches = {"main", "feature"}
        revision = project.revision(str(run.commit))
        for point, branch in itertools.product(run.points, branches):
            cell = f"{revision}/{point.tags['device']},{point.tags['size']}"
            for metric, measured in point.metrics.items():
                name = f"{point.scenario}.{point.name}.{metric}"
                key = (name, folders[run.environment["machine"]], str(branch), "")
                expected.setdefault(key, {})[cell] = convert(metric, measured.value)
    assert {key: numbers(values) for key, values in graphs.items()} == expected
    index = strict_json(tmp_path / "html" / "index.json")
    kinds = {
        name.rsplit(".", 1)[1]: (b["type"], b["unit"], b["params"])
        for name, b in index["benchmarks"].items()
    }
    params = [["cpu", "gpu"], ["9", "10"]]
    assert kinds == {
        "time": ("time", "seconds", params),
        "peak": ("memory", "bytes", params),
        "throughput": ("track", "ops/s", params),
    }
    assert index["benchmarks"]["io.read.throughput"]["pretty_name"].endswith("(higher is better)")
    assert index["machines"]["box"]["num_cpu"] == "4"
    assert "<" not in index["machines"]["box"]["cpu"]


def test_show_and_compare_read_the_values(asv: Asv, project: Project, tmp_path: Path) -> None:
    old, new = project.main[0], project.main[1]

    def run(number: int, commit: str, scale: float, samples: int) -> Run:
        values = tuple(scale * (1.0 + n / 1000) for n in range(samples))
        metrics = {"t": Metric(value=scale, samples=values), "x": Metric(value=scale, lower=0.0)}
        return make_run(
            number,
            commit,
            points=(
                Point(name="p", scenario="s", tags={"n": "1"}, metrics=metrics),
                Point(name="p", scenario="s", tags={"n": "2"}, metrics=metrics),
                Point(name="p", scenario="s", tags={"n": "3"}, status=PointStatus.FAILED),
                Point(name="q", scenario="s", metrics=metrics),
            ),
            metric_defs={"t": MetricDef(name="t", unit="ms", direction=LOWER)},
        )

    runs = [run(0, old, 1.0, 5), run(1, new, 2.0, 30), run(2, project.main[2], 3.0, 1)]
    export_asv(runs, tmp_path, repo=project.path)
    listed = asv(tmp_path, "show")
    assert all(commit[:8] in listed for commit in project.main[:3])
    shown = asv(tmp_path, "show", old, "--details")
    assert "s.q.t [box/py3.11]" in shown
    assert "1.00±0ms" in shown
    assert "1/3 failed" in shown
    assert "samples: [[0.001, " in shown
    # 5 samples against 30 and against 1: asv takes another path through its statistics.
    table = asv(tmp_path, "compare", old, new)
    (row,) = [line for line in table.splitlines() if "s.q.t" in line]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "+",
        "1.00±0ms",
        "2.00±0.01ms",
        "2.00",
        "s.q.t",
    ]
    assert "s.p.t(3)" in table
    assert "s.q.t" in asv(tmp_path, "compare", old, project.main[2])


def test_nasty_names_are_published_with_their_values(
    asv: Asv, project: Project, tmp_path: Path
) -> None:
    """Every name in every place, with a regression: asv looks names up again for those."""
    runs = []
    for number, commit in enumerate(project.main):
        height = 1.0 if number < 4 else 10.0
        points = [
            Point(
                name=name,
                scenario=NASTY[-1 - position],
                tags={name or "tag": name, "k(": value},
                metrics={name: Metric(value=height + position)},
            )
            for position, name in enumerate(NASTY)
            for value in ("1", name)
        ]
        runs.append(
            make_run(
                number,
                commit,
                points=tuple(points),
                environment={"machine": NASTY[number], "python": "3.11"},
                metric_defs={
                    name: MetricDef(name=name, unit=name, direction=LOWER) for name in NASTY
                },
            )
        )
        runs.append(make_run(100 + number, commit, points=tuple(points)))
    outcome = export_asv(runs, tmp_path / "x", repo=project.path)
    assert {path.name for path in tmp_path.iterdir()} == {"x"}
    assert outcome.points_written == len(runs) * len(NASTY) * 2
    warnings = asv(tmp_path / "x", "publish")
    assert "Error" not in warnings and "Skipping" not in warnings and "find" not in warnings
    graphs = published(tmp_path / "x")
    on_box = [numbers(v) for (_, machine, _, _), v in graphs.items() if machine == "box"]
    assert len(on_box) == len(NASTY)
    assert sum(len(values) for values in on_box) == len(project.main) * len(NASTY) * 2
    names = json.loads((tmp_path / "x" / "graven-names.json").read_text())
    originals = {record["point"]: name for name, record in names["benchmarks"].items()}
    for position, original in enumerate(NASTY):
        values = numbers(graphs[originals[original], "box", "main", ""])
        assert sorted(set(values.values())) == [1.0 + position, 10.0 + position]
    found = strict_json(tmp_path / "x" / "html" / "regressions.json")["regressions"]
    assert {entry[0].split("(")[0] for entry in found} == set(originals.values())
    for file in (tmp_path / "x" / "html").glob("*.json"):
        assert "<script" not in file.read_text()
    asv(tmp_path / "x", "show", project.main[0])
    asv(tmp_path / "x", "compare", "-m", "box", project.main[0], project.main[5])


def test_numbers_at_the_edges(asv: Asv, project: Project, tmp_path: Path) -> None:
    """asv publish never ends on an infinity, so those may not reach it."""
    rows = [
        [math.inf, 1e308, 1e200, 5e-324, math.nan],
        [1.0, -1e308, -1e200, 5e-324, math.nan],
        [2.0, 1.0, 1e200, 0.0, math.nan],
        [-math.inf, 3.0, 0.0, 1e-310, math.nan],
        [3.0, 4.0, -1e200, -0.0, math.nan],
    ]
    runs = []
    for number, (commit, row) in enumerate(zip(project.main, rows, strict=False)):
        points = tuple(
            Point(
                name=f"p{column}",
                scenario="s",
                metrics={
                    "v": Metric(
                        value=value,
                        samples=(value, value, 1.0, math.inf, math.nan),
                        lower=value,
                        upper=value + 10.0 ** random.Random(number).randrange(-40, 40),
                    )
                },
            )
            for column, value in enumerate(row)
        )
        runs.append(make_run(number, commit, points=points, metric_defs={}))
    outcome = export_asv(runs, tmp_path, repo=project.path)
    assert [loss.run_id for loss in outcome.lost] == ["run0", "run1", "run3"]
    asv(tmp_path, "publish")
    graphs = published(tmp_path)
    for column in range(5):
        values = [row[column] for row in rows]
        expected = [value for value in values if abs(value) <= 1e200]
        found = graphs[f"s.p{column}.v", "box", "main", ""]
        assert list(numbers(found).values()) == expected
    asv(tmp_path, "show", project.main[0], "--details")
    asv(tmp_path, "compare", project.main[0], project.main[1])


def test_two_environments_are_two_graphs(asv: Asv, project: Project, tmp_path: Path) -> None:
    def run(number: int, packages: str, value: float) -> Run:
        points = (Point(name="p", scenario="s", metrics={"v": Metric(value=value)}),)
        environment = {"machine": "box", "python": "3.11", "packages": packages}
        return make_run(number, project.main[0], points=points, environment=environment)

    export_asv([run(0, "numpy 1", 1.0), run(1, "numpy 2", 3.0)], tmp_path, repo=project.path)
    asv(tmp_path, "publish")
    found = [list(numbers(values).values()) for values in published(tmp_path).values()]
    assert sorted(found) == [[1.0], [3.0]]  # and not their mean


def test_a_run_asv_cannot_see_is_named_and_the_rest_is_published(
    asv: Asv, project: Project, tmp_path: Path
) -> None:
    points = (Point(name="p", scenario="s", metrics={"v": Metric(value=1.0)}),)
    runs = [
        make_run(0, project.main[0], points=points),
        make_run(1, project.side, points=points),
        make_run(2, "f" * 40, points=points),
        make_run(3, project.main[-1], points=points),
    ]
    outcome = export_asv(runs, tmp_path, repo=project.path)
    assert [loss.run_id for loss in outcome.lost] == ["run1", "run2"]
    warnings = asv(tmp_path, "publish")
    assert project.side[:8] in warnings
    assert "ffffffff" in warnings
    (values,) = published(tmp_path).values()
    assert len(numbers(values)) == 2


def test_only_the_newest_version_is_published(asv: Asv, project: Project, tmp_path: Path) -> None:
    def run(number: int, version: str | None) -> Run:
        points = (
            Point(name="p", scenario="s", metrics={"v": Metric(value=number)}, version=version),
        )
        return make_run(number, project.main[number], points=points)

    runs = [run(0, "old"), run(1, "new"), run(2, None), run(3, "new")]
    outcome = export_asv(runs, tmp_path, repo=project.path)
    (loss,) = outcome.lost
    assert loss.run_id == "run0"
    asv(tmp_path, "publish")
    (values,) = published(tmp_path).values()
    assert list(numbers(values).values()) == [1.0, 2.0, 3.0]


def test_a_gain_where_higher_is_better_is_no_regression(
    asv: Asv, project: Project, tmp_path: Path
) -> None:
    runs = []
    for number, commit in enumerate(project.main):
        metrics = {m: Metric(value=1.0 if number < 4 else 9.0) for m in ("time", "throughput")}
        points = (
            Point(name="p", scenario="s", metrics=metrics),
            Point(name="q", scenario="s", metrics=metrics, tags={"n": "1"}),
        )
        runs.append(make_run(number, commit, points=points))
    outcome = export_asv(runs, tmp_path, repo=project.path)
    assert any("no regressions there" in note for note in outcome.notes)
    asv(tmp_path, "publish")
    found = strict_json(tmp_path / "html" / "regressions.json")["regressions"]
    assert {entry[0] for entry in found} == {"s.p.time", "s.q.time(1)"}
    assert any("takes a rise" in n for n in export_asv(runs, tmp_path, repo=project.path).notes)


SAMPLE = Path(__file__).parents[3] / "shared" / "samples" / "asv"


@pytest.mark.skipif(
    not SAMPLE.is_dir(), reason="no sample folder of asv results: their way through graven"
)
def test_results_of_asv_come_back_as_they_were(asv: Asv, tmp_path: Path) -> None:
    """asv's own results, read by graven and exported, give the graphs of the originals."""
    from graven.ingest import read_path

    repository = tmp_path / "repo.git"
    shutil.copytree(SAMPLE / "repo.git", repository, copy_function=shutil.copyfile)
    for folder in (repository, *repository.rglob("*")):
        folder.chmod(0o755)
    (repository / "refs").mkdir(exist_ok=True)  # an empty folder, which a copy may have lost
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    outcome = export_asv(
        [item.run for item in read_path(SAMPLE / "results")], ours, repo=repository
    )
    assert outcome.lost == ()
    theirs.mkdir()
    shutil.copyfile(ours / "asv.conf.json", theirs / "asv.conf.json")
    (theirs / "results").symlink_to(SAMPLE / "results")

    graphs = []
    for folder in (theirs, ours):
        asv(folder, "publish")
        index = strict_json(folder / "html" / "index.json")
        by_name = {}
        for path in (folder / "html" / "graphs" / "branch-main").rglob("*.json"):
            if path.name != "summary.json":
                by_name[path.stem] = sorted_cells(index["benchmarks"][path.stem], strict_json(path))
        graphs.append(by_name)
    names = json.loads((ours / "graven-names.json").read_text())["benchmarks"]
    original = {name: record["point"] for name, record in names.items()}
    assert {original[name]: graph for name, graph in graphs[1].items()} == graphs[0]
    assert sum(len(graph) for graph in graphs[0].values()) > 60


def sorted_cells(benchmark: dict[str, Any], graph: Any) -> dict[tuple[Any, ...], float]:
    """A graph's values by revision and named parameters, whatever the parameters' order."""
    names = benchmark["param_names"]
    cells = [
        tuple(sorted(zip(names, cell, strict=True)))
        for cell in itertools.product(*benchmark["params"])
    ]
    return {
        (revision, *cell): number
        for revision, value in graph
        for cell, number in zip(cells, value if names else [value], strict=True)
        if number is not None
    }


def test_our_files_beside_those_of_asv(asv: Asv, project: Project, tmp_path: Path) -> None:
    """Results another asv wrote stay visible."""
    points = (Point(name="p", scenario="s", metrics={"v": Metric(value=1.0)}),)
    export_asv([make_run(0, project.main[0], points=points)], tmp_path, repo=project.path)
    results = tmp_path / "results"
    # Turn it into a foreign folder: no names file, no marker.
    (tmp_path / "graven-names.json").unlink()
    (file,) = (path for path in (results / "box").iterdir() if path.name != "machine.json")
    foreign = json.loads(file.read_text())
    del foreign["graven"]
    file.write_text(json.dumps(foreign))

    points = (Point(name="p", scenario="s", metrics={"v": Metric(value=7.0)}),)
    export_asv([make_run(1, project.main[0], points=points)], tmp_path, repo=project.path)
    asv(tmp_path, "publish")
    found = [list(numbers(values).values()) for values in published(tmp_path).values()]
    assert sorted(found) == [[1.0], [7.0]]
