"""Pictures of series."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from report_parts import run, series, step

from graven.errors import NotFound
from graven.model import MetricDef, MetricDirection
from graven.report.plot import PlotStyle, draw


def svg(report, **how):
    return draw(report, "svg", PlotStyle(**how)).decode("utf-8")


@pytest.fixture
def report(plain_report):
    """One series of each origin, with a step and a baseline."""
    runs = (run(0), run(1, refs=("baselines/main", "tags/v1")), run(2, origin="simulated"))
    one = replace(plain_report.series[0], steps=(step(run_id="r2", timestamp=runs[2].timestamp),))
    other = series([2.0, 2.5, 2.25], tags={"n": "20"})
    return replace(plain_report, runs=runs, series=(one, other))


def texts(monkeypatch, report, **how):
    """All texts that are drawn."""
    from matplotlib.text import Text

    found = []
    old = Text.draw

    def note(self, renderer, *args, **kwargs):
        found.append(self.get_text())
        assert not self.get_parse_math()
        return old(self, renderer, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", note)
    draw(report, "png", PlotStyle(**how))
    return found


def test_each_form_is_what_it_says(report):
    png = draw(report, "png", PlotStyle(width=5, height=3, dpi=100))
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == (500, 300)
    assert draw(report, "svg").startswith(b"<?xml")
    assert draw(report, "pdf").startswith(b"%PDF")


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_same_numbers_are_the_same_bytes(report, form):
    assert draw(report, form) == draw(report, form)


def test_it_says_what_is_drawn(report, monkeypatch):
    found = texts(monkeypatch, report)
    assert "linalg/matmul time" in found
    assert "time (s, lower is better)" in found
    assert "n=10 (simulated: hollow)" in found
    assert {"step", "baseline main", "+50.0%", "time (UTC)"} <= set(found)


def test_steps_can_be_left_out_and_rejected_ones_are(report, monkeypatch):
    assert "step" not in texts(monkeypatch, report, steps=False)
    rejected = replace(report.series[0], steps=(step(state="rejected"),))
    assert "step" not in texts(monkeypatch, replace(report, series=(rejected,)))


def test_a_scale_that_people_read(report, monkeypatch):
    small = series([1e-5, 2e-5, 3e-5])
    assert "time (µs, lower is better)" in texts(monkeypatch, replace(report, series=(small,)))


def test_the_dark_theme_is_dark(report):
    assert "#14171c" in svg(report, dark=True)
    assert "#14171c" not in svg(report)


def test_series_of_a_group_share_a_colour(report):
    many = tuple(
        series([1.0, 2.0, 3.0], tags={"hw": hw, "n": n}) for hw in "ab" for n in ("1", "2", "3")
    )
    report = replace(report, series=many)
    apart, grouped = svg(report), svg(report, group_by="hw")
    assert "#009e73" in apart
    assert "#009e73" not in grouped


def test_text_of_a_store_is_no_mathematics_and_no_markup(report, monkeypatch, evil):
    odd = ("$\\frac{1}{2}$", "$", "_hidden", "a\nb\x07", evil, "中文\ud800")
    many = tuple(series([1.0, 2.0, 3.0], tags={"n": name}) for name in odd)
    hard = replace(report, series=many, title="$x^2$")
    found = texts(monkeypatch, hard)
    assert "n=$\\frac{1}{2}$ (simulated: hollow)" in found
    assert "<script" not in svg(hard)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, np.nan, np.inf], [1e289, -1e289, 1.7e308], [5e-324, 0.0, 1e-300], [0.0, 0.0, 0.0],
        [-1.0, -2.0, -3.0], [np.nan, np.nan, 1.0],
    ],
)  # fmt: skip
def test_odd_numbers(report, values):
    one = series(values, lower=np.array(values) - 1, upper=np.array(values) + 1)
    assert draw(replace(report, series=(one,)), "png")


def test_what_cannot_be_drawn_is_counted(report, monkeypatch):
    found = texts(monkeypatch, replace(report, series=(series([1.0, np.inf, 1e300]),)))
    assert any("2 too large to draw" in text for text in found)


def test_no_number_at_all(report):
    with pytest.raises(NotFound, match="no number to draw"):
        draw(replace(report, series=(series([np.nan, np.inf, np.nan]),)), "png")


def test_one_run(report):
    one = series([1.0], rows=np.array([1]))
    assert draw(replace(report, series=(one,)), "png")


@pytest.mark.parametrize("rows", [[0], [2], [0, 1, 2]])
def test_the_first_and_the_last_of_all_days(report, rows):
    ends = (datetime.min, datetime(2026, 1, 1), datetime.max)
    runs = [
        replace(one, timestamp=end.replace(tzinfo=UTC))
        for one, end in zip(report.runs, ends, strict=True)
    ]
    one = series([1.0] * len(rows), rows=np.array(rows))
    assert draw(replace(report, runs=tuple(runs), series=(one,)), "png")


def test_the_settings_of_others_stay_and_do_not_matter(report):
    import matplotlib as mpl

    before = draw(report, "svg")
    with mpl.rc_context({"font.size": 30, "text.usetex": False, "axes.grid": False}):
        assert draw(report, "svg") == before
        assert mpl.rcParams["font.size"] == 30


def test_an_unknown_direction_is_not_told(report, monkeypatch):
    known = MetricDef(name="time", unit="", direction=MetricDirection.INFO)
    one = series([1.0, 2.0, 3.0], definition=known)
    assert "time" in texts(monkeypatch, replace(report, series=(one,)))
