"""Reports as files: the form by the ending, and never half a file in sight of a reader."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from graven.errors import InvalidInput, NotFound
from graven.report.group_model import GroupComparison
from graven.report.model import Report

FORMS = ("html", "md", "csv", "json", "xlsx")
GROUP_FORMS = ("md", "csv", "json", "xlsx")
NOT_FOR_TERMINALS = ("html", "xlsx")
_ENDINGS = {
    ".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".csv": "csv",
    ".json": "json", ".xlsx": "xlsx",
}  # fmt: skip


def form_of(path: str) -> str:
    """The form that a file's ending names.

    Raises:
        InvalidInput: none has this ending.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _ENDINGS:
        raise InvalidInput(
            f"{path}: no form of a report ends in {ending or 'nothing'!r}",
            kind="unknown-form",
            hint=f"end it in {', '.join('.' + form for form in FORMS)}, or say --format",
            field="output",
        )
    return _ENDINGS[ending]


def write_report(report: Report, form: str, file: BinaryIO) -> None:
    """Write a report in one of `FORMS`.

    Raises:
        InvalidInput: xlsx, and the extra ``xlsx`` is not installed.
    """
    if form == "html":
        from graven.report import html

        _write(file, [html.render(report)])
    elif form == "xlsx":
        from graven.report import workbook

        workbook.write(report, file)
    elif form == "md":
        from graven.report import markdown

        _write(file, markdown.render(report))
    elif form == "csv":
        from graven.report import tables

        _write(file, tables.render(report))
    else:
        from graven.report import strict_json

        _write(file, strict_json.render(report))


def write_groups(found: GroupComparison, form: str, file: BinaryIO) -> None:
    """Write groups side by side in one of `GROUP_FORMS`.

    Raises:
        InvalidInput: another form; xlsx, and the extra ``xlsx`` is not installed.
    """
    from graven.report import groups

    if form not in GROUP_FORMS:
        raise InvalidInput(
            f"groups are not compared as {form}",
            kind="unknown-form",
            hint=f"one of {', '.join(GROUP_FORMS)}",
            field="format",
        )
    if form == "xlsx":
        groups.write_workbook(found, file)
    else:
        pieces = {"md": groups.markdown, "csv": groups.tables, "json": groups.document}
        _write(file, pieces[form](found))


def _write(file: BinaryIO, pieces: Iterable[str]) -> None:
    for piece in pieces:
        file.write(piece.encode("utf-8", "replace"))


def write_file(path: str, write: Callable[[BinaryIO], object]) -> int:
    """Replace a file by what ``write`` writes, in one step; the number of bytes.

    What is no plain file (a pipe, a device) is written to as it is.

    Raises:
        NotFound: there is no such folder. InvalidInput: the path is a folder.
        OSError: it cannot be written; then the old file is still there.
    """
    target = os.path.realpath(path)  # a link stays one
    if os.path.isdir(target) or path.endswith(os.sep):
        raise InvalidInput(
            f"{path}: is a folder", kind="not-a-file", hint="name a file", field="output"
        )
    if not os.path.isdir(os.path.dirname(target)):
        raise NotFound(f"no folder {os.path.dirname(target)!r}", kind="folder-missing", file=path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as file:
            write(file)
        return 0
    with _replaced(target) as file:
        write(file)
        file.flush()
        return os.fstat(file.fileno()).st_size


@contextmanager
def _replaced(target: str) -> Iterator[BinaryIO]:
    handle, temporary = tempfile.mkstemp(prefix=".graven-", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            os.chmod(temporary, _mode_of(target))
            yield file
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell
            os.unlink(temporary)
        raise


def _mode_of(target: str) -> int:
    """Who may read it: as before, or as any new file."""
    try:
        return stat.S_IMODE(os.stat(target).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
