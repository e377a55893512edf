"""What series are called in a picture."""

from __future__ import annotations

import numpy as np

from graven.report.model import ReportSeries
from graven.report.plot_labels import label_series, printable


def series(name="sort", metric="time", **tags):
    return ReportSeries(
        scenario="cpu", name=name, tags=tags, metric=metric, rows=np.arange(0), values=np.zeros(0)
    )


def test_what_is_shared_is_said_once():
    labels = label_series([series(n="1", hw="a"), series(n="2", hw="a")])
    assert labels.title == "cpu/sort time, hw=a"
    assert labels.names == ("n=1", "n=2")
    assert labels.groups == ("0", "1")


def test_one_series_is_called_by_its_metric():
    assert label_series([series()]).names == ("time",)


def test_points_and_metrics_that_differ():
    labels = label_series([series("a"), series("b", metric="wall")])
    assert labels.names == ("a, time", "b, wall")
    assert labels.metric == "value"


def test_the_tag_of_the_groups_leads():
    labels = label_series([series(a="1", hw="x"), series(a="2", hw="y")], "hw")
    assert labels.names == ("hw=x, a=1", "hw=y, a=2")
    assert labels.groups == ("x", "y")


def test_text_fits_a_picture():
    assert printable("_x\n") == " _x?"
    assert len(printable("x" * 500)) == 96
