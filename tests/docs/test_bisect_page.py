"""docs/bisect.md: its commands are run, in order, and print what the page shows."""

import shutil

import pytest
from doc_pages import run_page

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("git") is None, reason="no shell, or no git"
)


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    run_page("bisect.md", tmp_path, at_least=4)
