"""``graven plot``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("form", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_the_ending_says_the_form(call, store, tmp_path, form, head):
    answer = call("plot", "time", "-o", f"p.{form}", "--theme", "dark")
    assert (answer.code, answer.out) == (0, "")
    assert f"p.{form}: 1 series of 3 runs, " in answer.err
    assert (tmp_path / f"p.{form}").read_bytes().startswith(head)


def test_json_says_what_was_drawn(call, store, tmp_path):
    (record,) = call("plot", "time", "-o", "p.svg", "--json").records()
    assert record == {
        "schema": "graven.plot/1", "path": "p.svg", "format": "svg", "runs": 3, "series": 1,
        "bytes": (tmp_path / "p.svg").stat().st_size, "left_out": [],
    }  # fmt: skip


def test_mistakes_are_told(call, store):
    for words, code, text in (
        (("time", "-o", "p.gif"), 2, "end it in .png, .svg, .pdf"),
        (("tim", "-o", "p.png"), 3, "there is time"),
        (("*", "-o", "p.png"), 2, "several units"),
        (("time", "-o", "p.png", "--group-by", "hw"), 2, "tag.KEY"),
        (("time", "-o", "no/p.png"), 3, "no folder"),
        (("time",), 2, "'-o'"),
    ):
        answer = call("plot", *words)
        assert (answer.code, text in answer.err) == (code, True), (words, answer.err)


def test_the_home_of_the_person_stays_as_it_is(store, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "matplotlibrc").write_text("font.size: 40\naxes.grid: False\n")
    keep = {n: v for n, v in os.environ.items() if not n.startswith(("XDG_", "MPL", "GRAVEN_"))}
    done = subprocess.run(
        [sys.executable, "-m", "graven", "plot", "time", "-o", "p.svg"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**keep, "HOME": str(home), "GRAVEN_CACHE_DIR": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
    assert (tmp_path / "cache" / "matplotlib").is_dir()


def test_nothing_else_loads_matplotlib(store, tmp_path):
    code = (
        "import sys; from graven.cli.start import run;"
        "run(['report', '-o', 'r.csv', '--quiet']); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
