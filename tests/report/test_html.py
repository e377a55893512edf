"""The page: what stands in it, that nothing in a store can break out of it, and how it runs."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, find_chromium

from graven import Store
from graven.cli.commands.report import command as report_command
from graven.model import Metric, MetricDef, MetricDirection, Origin, Point, Run
from graven.porcelain.report import ReportRequest, gather_report
from graven.report.html import render
from graven.report.model import Report, ReportRun, ReportSeries
from graven.report.packing import pack_numbers

START = datetime(2026, 1, 1, tzinfo=UTC)
NASTY = [
    "<script>document.title='broken'</script>",
    "</script><img src=x onerror=\"document.title='broken'\">",
    "<!--", "]]>", "{policy}", "{meta}", "&lt;", "\u2028\u2029", "a\x00b", "=cmd()", "'\"`",
    "\ud800", "javascript:alert(1)",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Browser:
    found = find_chromium()
    if found is None:
        pytest.skip("chromium is not installed: what a browser makes of the page is not tested")
    return Browser(found)


def make_run(number: int, **changes: object) -> ReportRun:
    fields: dict[str, object] = {
        "id": f"run{number}", "timestamp": START + timedelta(days=number), "branch": "main",
        "commit": f"{number:040x}", "experiment": None, "status": "ok", "origin": "measured",
        "points": 1, "environment": None,
    }  # fmt: skip
    return ReportRun(**{**fields, **changes})  # type: ignore[arg-type]


def make_series(
    values: list[float], rows: list[int] | None = None, **changes: object
) -> ReportSeries:
    fields: dict[str, object] = {
        "scenario": "s", "name": "p", "tags": {}, "metric": "time",
        "rows": np.array(range(len(values)) if rows is None else rows, np.intp),
        "values": np.array(values, np.float64),
        "definition": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER),
    }  # fmt: skip
    return ReportSeries(**{**fields, **changes})  # type: ignore[arg-type]


def make_report(**changes: object) -> Report:
    fields: dict[str, object] = {
        "title": "t", "store": "s", "made": START, "where": "", "runs": (), "series": (),
        "environments": (), "machines": (), "comparison": None, "without": "there is no run",
        "baseline_name": "main",
    }  # fmt: skip
    return Report(**{**fields, **changes})  # type: ignore[arg-type]


def meta_of(page: str) -> dict[str, object]:
    (text,) = re.findall(
        r'<script type="application/json" id="meta">(.*?)</script>', page, re.DOTALL
    )
    return json.loads(text)  # type: ignore[no-any-return]


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def floats(planes: bytes, count: int) -> list[float]:
    raw = bytes(planes[plane * count + i] for i in range(count) for plane in range(8))
    return list(struct.unpack(f"<{count}d", raw))


def test_values_keep_every_bit() -> None:
    values = [0.1, -0.0, 1e308, 5e-324, math.inf, math.nan, 1 / 3]
    raw = unpacked(pack_numbers([make_series(values)]))
    assert struct.pack("<7d", *floats(raw, 7)) == struct.pack("<7d", *values)


def test_rows_stand_in_the_page_only_where_runs_are_missing() -> None:
    dense = unpacked(pack_numbers([make_series([1.0, 2.0])]))
    sparse = unpacked(pack_numbers([make_series([1.0, 2.0], [1, 300])]))
    assert len(dense) == 16
    assert len(sparse) == 8 + 16
    assert sparse[:2] == bytes([1, 300 & 255])


def test_bounds_are_distances_from_the_value() -> None:
    one = make_series([10.0], lower=np.array([9.0]), upper=np.array([math.nan]))
    raw = unpacked(pack_numbers([one]))
    assert struct.unpack("<f", raw[8:12]) == (1.0,)
    assert math.isnan(struct.unpack("<f", raw[12:16])[0])


def test_the_page_asks_nobody_for_anything() -> None:
    page = render(make_report())
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?[^"'#\s]""", page.split("<script")[0])
    assert "http://www.w3.org/2000/svg" in page
    assert not set(re.findall(r"https?://[^\"'\s)]+", page)) - {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_the_policy_names_the_scripts_that_run_and_no_others() -> None:
    page = render(make_report(title="<script>x</script>"))
    runs = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    named = set(re.findall(r"'sha256-([^']+)'", page))
    digests = [hashlib.sha256(text.encode()).digest() for text in runs]
    assert {base64.b64encode(digest).decode() for digest in digests} == named
    assert "unsafe-inline'; script" not in page
    assert "unsafe-eval" not in page


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_text_of_a_store_stays_text(nasty: str) -> None:
    environment = {nasty: nasty}
    known = MetricDef(name="m", unit=nasty, direction=MetricDirection.LOWER)
    report = make_report(
        title=nasty, store=nasty, where=nasty, without=nasty, notes=(nasty,), baseline_name=nasty,
        runs=(make_run(0, id=nasty, branch=nasty, commit=nasty, experiment=nasty, status=nasty,
                       environment=0, refs=(nasty,)),),
        series=(make_series([1.0], scenario=nasty, name=nasty, tags={nasty: nasty}, metric=nasty,
                            definition=known,
                            left_out={nasty: 1}),),
        environments=(environment,), machines=(nasty,),
    )  # fmt: skip
    page = render(report)
    plain = render(make_report())
    assert page.count("<script") == plain.count("<script")
    assert page.count("</script") == plain.count("</script")
    assert page.count("<img") == 0
    page.encode()  # half a character would not do
    meta = meta_of(page)
    shown = nasty.encode("utf-8", "replace").decode()
    assert meta["title"] == shown
    assert meta["runs"]["id"] == [shown]  # type: ignore[index]


def test_options_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"--[a-z-]+(?= takes more)", render(make_report())))
    assert named == {"--runs", "--max-series"}
    assert named <= {option for one in report_command.params for option in one.opts}


def test_what_is_no_number_is_null_in_the_labels() -> None:
    environments = ({"load": math.nan, "deep": [math.inf]},)
    page = render(make_report(environments=environments, machines=(None,)))
    assert meta_of(page)["environments"] == [{"load": None, "deep": [None]}]


# --- in a browser ---


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    defs = {
        "time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER),
        "rate": MetricDef(name="rate", unit="ops/s", direction=MetricDirection.HIGHER),
    }
    with store.batch() as batch:
        for number in range(40):
            slow = 1.5 if number == 39 else 1.0
            level = 1.0 if number < 20 else 1.4
            points = tuple(
                Point(
                    name=name, scenario="linalg", tags={"size": "10"},
                    metrics={
                        "time": Metric(
                            value=0.0123 * slow * level * (1 + (number * 7 % 11) / 1000),
                            samples=tuple(0.0123 * slow * level * (1 + k / 500) for k in range(8)),
                        ),
                        "rate": Metric(value=1500.0 + number % 3),
                    },
                )
                for name in ("matmul", NASTY[1])
            )  # fmt: skip
            batch.save(
                Run(
                    id=f"run{number:02}", points=points, branch="main", commit=f"{number:040x}",
                    timestamp=START + timedelta(days=number), metric_defs=defs,
                    environment={"cpu": "X", "cores": 4, "os": "Linux 6", "note": NASTY[0]},
                    origin=Origin.SIMULATED if number == 5 else Origin.MEASURED,
                )
            )  # fmt: skip
    store.baselines.set("main", "run30")
    return store


@pytest.fixture(scope="module")
def page(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(
        render(gather_report(store, ReportRequest(title="A & B <i>"))), encoding="utf-8"
    )
    return path


def words(dom: str) -> str:
    body = re.sub(r"<(script|style|noscript)\b.*?</\1>", "", dom, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_overview_says_what_got_worse(browser: Browser, page: Path) -> None:
    dom = browser.dom(page)
    text = words(dom)
    assert "<title>A &amp; B &lt;i&gt;</title>" in dom
    assert "40 runs 4 series" in text
    assert "regression 2" in text
    assert re.search(r"linalg/matmul\[size=10\] .*?time .*?↑ \+\d+\.\d%", text)
    assert "Change points" in text
    assert not re.search(r"\b(null|undefined)\b", text)
    assert "1 run is simulated, not measured" in text
    assert "broken" not in re.findall(r"<title>(.*?)</title>", dom)[0]
    assert "<img" not in dom


def test_a_trend_is_drawn_with_its_marks(browser: Browser, page: Path) -> None:
    dom = browser.dom(page, "#trends/1")
    chart = re.findall(r'<svg class="chart".*?</svg>', dom, re.DOTALL)[0]
    assert chart.count('class="mark') >= 1  # the step
    assert "<title>baselines/main</title>" in chart
    assert "var(--band)" in chart  # the middle half of the samples
    assert chart.count("<circle") >= 39  # measured runs are dots, the simulated one a square
    assert chart.count("<rect") == 1
    assert "ms" in words(chart)


def test_the_runs_table_holds_only_what_is_in_sight(browser: Browser, page: Path) -> None:
    text = words(browser.dom(page, "#runs"))
    assert "run39" in text
    assert "run00" not in text.split("Newest first")[0]  # below what is in sight
    assert "1.500" in text  # kops/s


def test_two_runs_are_compared_with_samples_and_environment(browser: Browser, page: Path) -> None:
    text = words(browser.dom(page, "#compare"))
    assert "Samples" in text
    assert "8 samples, median" in text
    assert "no difference in 4 facts" in text
    other = words(browser.dom(page, "#compare/3/2"))
    assert "These two runs were not judged" in other


def test_places_that_do_not_exist_show_the_overview(browser: Browser, page: Path) -> None:
    for place in ("#trends/999", "#compare/9999", "#nothing", "#runs/<b>"):
        assert "Latest run against" in words(browser.dom(page, place))


def test_a_store_without_runs_has_a_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(render(gather_report(Store(tmp_path / "store"))), encoding="utf-8")
    for place in ("", "#runs", "#trends", "#compare", "#environments"):
        assert "0 runs 0 series" in words(browser.dom(path, place))


def test_values_that_are_no_numbers_are_named(browser: Browser, tmp_path: Path) -> None:
    odd = make_series([1.0, math.nan, math.inf, -1e300, 0.0, 1e-310])
    path = tmp_path / "odd.html"
    runs = tuple(make_run(n) for n in range(6))
    path.write_text(render(make_report(runs=runs, series=(odd,), without="x")), encoding="utf-8")
    text = words(browser.dom(path, "#runs"))
    assert "NaN" in text
    assert "∞" in text
    trends = words(browser.dom(path, "#trends"))
    assert "not a number 2" in trends
    assert "least −1.000e+300 s" in trends  # in picoseconds it would be infinite
