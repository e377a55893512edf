"""What notebooks show: escaped, small, without scripts."""

import re
from html.parser import HTMLParser

from frames_oracle import EVIL, odd_runs

from graven.analysis.compare import compare_runs
from graven.model import Metric, Point, Run
from graven.testing.runs import sample_run

ALLOWED = {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}


class Reader(HTMLParser):
    """Collects tags and texts; any tag that is not allowed, or has attributes, is an error."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.open = [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, tag
        assert not attrs
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_runs_with_text_of_strangers():
    for run in odd_runs():
        read = Reader(run._repr_html_())
        assert any(run.id in text for text in read.texts)
    shown = " ".join(Reader(odd_runs()[1]._repr_html_()).texts)
    assert "<script>alert(1)</script>" in shown  # as text


def test_numbers_and_units():
    html = sample_run("r", 1.25)._repr_html_()
    assert [t for t in ("1.25", "0.75", "1.75", "<td>s</td>") if t not in html] == []
    odd = {"n": Metric(value=float("nan")), "i": Metric(value=float("inf"))}
    html = Run(points=(Point(name="p", scenario="s", metrics=odd),), id="r")._repr_html_()
    assert "<td>nan</td>" in html
    assert "<td>inf</td>" in html


def test_large_runs_stay_small():
    metrics = {f"m{n}": Metric(value=float(n)) for n in range(5000)}
    run = Run(points=(Point(name="x" * 10_000, scenario="s", metrics=metrics),), id="r")
    html = run._repr_html_()
    assert len(html) < 60_000
    assert "4,900 more rows" in html


def test_comparisons():
    evil = [sample_run(f"r{n}", 1.0 + n, branch=text) for n, text in enumerate(EVIL)]
    html = compare_runs(evil[0], evil[3])._repr_html_()
    read = Reader(html)
    assert {"+300.0%", "sort/quick"} <= set(read.texts)
    assert re.search(r"measured", html)


def test_rows_and_headers(store):
    for run in odd_runs():
        store.save(run)
    rows = store.select_rows("run,branch,time,metric.time,tag.k,param.deep")
    texts = Reader(rows._repr_html_()).texts
    assert "run-3" in texts
    for header in store.headers():
        assert header.run_id in Reader(header._repr_html_()).texts
