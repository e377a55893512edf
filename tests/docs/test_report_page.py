"""docs/report.md: its commands are run, in order, and print what the page shows."""

import shutil

import pytest
from doc_pages import run_page

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to type in")


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    run_page("report.md", tmp_path, at_least=30)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"report.html", "report.xlsx", "precision.md", "models.xlsx", "latency.svg"} <= names
