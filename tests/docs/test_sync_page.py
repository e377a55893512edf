"""docs/sync.md: its commands are run, in order, and print what the page shows."""

import shutil
from pathlib import Path

import pytest
from doc_pages import run_page

RESULTS = Path(__file__).resolve().parents[1] / "ingest" / "data"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to type in")


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    shutil.copytree(RESULTS, tmp_path / "results")
    run_page("sync.md", tmp_path, at_least=31)
