"""Small files of this machine's cache: each write replaces the whole file, or does nothing."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress


def write_quietly(path: str, data: bytes) -> None:
    """Replace a file, its folder made if need be.

    A folder that cannot be written keeps nothing, and nobody is told: it is a cache.
    """
    folder = os.path.dirname(path)
    with suppress(OSError):  # a cache that cannot be written is no fault
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
