"""Folders of work under way, and what is left of those whose process was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from graven import clock
from graven.backends import locks

_YOUNG_SECONDS = 60.0  # between making the folder and locking it
_OLD_SECONDS = 7 * 86_400.0  # where there are no locks, age must tell


@contextmanager
def work_folder(parent: str, prefix: str) -> Iterator[str]:
    """A folder for the time of the work; what killed ones have left beside it is removed.

    Raises:
        OSError: ``parent`` cannot be written.
    """
    remove_leftovers(parent, prefix)
    folder = tempfile.mkdtemp(prefix=prefix, dir=parent)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        # Tells others that we live; the system lets go of it when the process dies.
        stack.enter_context(locks.folder_lock(folder, exclusive=True))
        yield folder


def remove_leftovers(parent: str, prefix: str) -> list[str]:
    """Remove the work folders whose process is gone; their paths."""
    removed = []
    with suppress(OSError):  # it cannot be listed: the work itself will say why
        for entry in os.scandir(parent):
            if (
                entry.name.startswith(prefix)
                and entry.is_dir(follow_symlinks=False)
                and _is_dead(entry)
            ):
                shutil.rmtree(entry.path, ignore_errors=True)
                removed.append(entry.path)
    return removed


def _is_dead(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # gone meanwhile, or not ours
        age = clock.wall_seconds() - entry.stat().st_mtime
        if age < _YOUNG_SECONDS:
            return False
        held = locks.is_held(entry.path)
        return age > _OLD_SECONDS if held is None else not held
    return False
