"""docs/sql.md: its commands and its Python are run, in order, and give what it shows."""

import doctest
import re
import shutil

import pytest
from doc_pages import DOCS, Shell, run_steps, steps_of

from graven.frames import SCHEMAS

BLOCK = re.compile(r"```(console|pycon)\n(.*?)```", re.DOTALL)
ROW = re.compile(r"^\| (\w+) \| (run_id|kind)(.*) \|$", re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to type in")


def test_the_page_shows_what_happens(tmp_path, monkeypatch):
    for module in ("pyarrow", "duckdb", "polars", "pandas", "deltalake"):
        pytest.importorskip(module)
    shell = Shell(tmp_path)
    for name in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
        monkeypatch.setenv(name, shell.environment[name])
    monkeypatch.chdir(tmp_path)
    python = doctest.DocTestParser()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.FAIL_FAST)
    names = {}
    blocks = BLOCK.findall((DOCS / "sql.md").read_text("utf-8"))
    assert len(blocks) > 10
    told = []
    for number, (kind, text) in enumerate(blocks):
        if kind == "console":
            run_steps(shell, steps_of([text]))
            continue
        test = python.get_doctest(text, names, f"block {number}", "sql.md", 0)
        failed, _ = runner.run(test, out=told.append, clear_globs=False)
        assert not failed, "".join(told)
        names = test.globs
    names["store"].close()


def test_the_page_names_every_column():
    rows = {table: first + rest for table, first, rest in ROW.findall(
        (DOCS / "sql.md").read_text("utf-8"))}  # fmt: skip
    named = {
        table: [part.split()[0] for part in re.sub(r"\([^)]*\)", "", text).split(",")]
        for table, text in rows.items()
    }
    assert named == {table: schema.names for table, schema in SCHEMAS.items()}
