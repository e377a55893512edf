"""Reports as files."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from graven.errors import InvalidInput, NotFound
from graven.porcelain.report_files import form_of, write_file


@pytest.mark.parametrize(
    ("path", "form"),
    [("a.html", "html"), ("a.HTM", "html"), ("x/a.markdown", "md"), ("a.b.csv", "csv"),
     ("a.json", "json"), ("a.xlsx", "xlsx")],
)  # fmt: skip
def test_the_ending_names_the_form(path, form):
    assert form_of(path) == form


@pytest.mark.parametrize("path", ["a.pdf", "a", ".html"])
def test_an_unknown_ending(path):
    with pytest.raises(InvalidInput, match="no form of a report") as caught:
        form_of(path)
    assert ".xlsx" in caught.value.hint


def test_the_file_is_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "r.md"
    path.write_text("old")

    def write(file):
        file.write(b"new")
        assert path.read_text() == "old"

    assert write_file(str(path), write) == 3
    assert path.read_text() == "new"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "r.md"
    path.write_text("old")

    def write(file):
        file.write(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_file(str(path), write)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.md"]


def test_folders_are_no_files(tmp_path):
    with pytest.raises(InvalidInput, match="is a folder"):
        write_file(str(tmp_path), lambda file: None)
    with pytest.raises(NotFound, match="no folder"):
        write_file(str(tmp_path / "no" / "r.md"), lambda file: None)


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")
def test_who_may_read_it_and_links_stay(tmp_path):
    path, link = tmp_path / "r.md", tmp_path / "link.md"
    write_file(str(path), lambda file: file.write(b"1"))
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    link.symlink_to(path)
    write_file(str(link), lambda file: file.write(b"2"))
    assert link.is_symlink()
    assert path.read_bytes() == b"2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="devices of POSIX")
def test_a_device_is_written_to_and_not_replaced():
    write_file(os.devnull, lambda file: file.write(b"1"))
    assert not os.path.isfile(os.devnull)
