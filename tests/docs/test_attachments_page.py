"""docs/attachments.md: its commands and its Python are run, in order, and give what it shows."""

import doctest
import re
import shutil

import pytest
from doc_pages import DOCS, Shell, run_steps, steps_of

ROOT = DOCS.parent
BLOCK = re.compile(r"```(console|pycon)\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to type in")


def test_the_page_shows_what_happens(tmp_path, monkeypatch):
    for module in ("numpy", "pyarrow", "duckdb", "polars"):
        pytest.importorskip(module)
    shutil.copytree(ROOT / "tests" / "ingest" / "data", tmp_path / "results")
    shell = Shell(tmp_path)
    for name in ("GRAVEN_CACHE_DIR", "GRAVEN_STATE_DIR"):
        monkeypatch.setenv(name, shell.environment[name])
    monkeypatch.chdir(tmp_path)
    python = doctest.DocTestParser()
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.FAIL_FAST
    )
    names = {}
    blocks = BLOCK.findall((DOCS / "attachments.md").read_text("utf-8"))
    assert len(blocks) > 15
    told = []
    for number, (kind, text) in enumerate(blocks):
        if kind == "console":
            run_steps(shell, steps_of([text]))
            continue
        test = python.get_doctest(text, names, f"block {number}", "attachments.md", 0)
        failed, _ = runner.run(test, out=told.append, clear_globs=False)
        assert not failed, "".join(told)
        names = test.globs
    for store in ("store", "copy"):
        names[store].close()
