"""The part of a bucket's URL behind the bucket: a folder that keys lie in."""

from __future__ import annotations

import re

from graven.errors import InvalidInput

MAX_FOLDER_BYTES = 512  # of the 1024 that a name may have

_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


def folder_root(folder: str, url: str) -> str:
    """What every name begins with: empty, or the folder with one closing ``/``.

    Args:
        folder: as it stands in the URL.
        url: fit for printing.

    Raises:
        InvalidInput: a folder that no name may lie in (kind ``bad-url``).
    """
    parts = [part for part in folder.split("/") if part]
    root = "".join(f"{part}/" for part in parts)
    if {".", ".."} & set(parts) or _FORBIDDEN.search(root):
        raise InvalidInput(f"not a folder of a bucket: {folder!r} in {url!r}", kind="bad-url")
    if len(root.encode()) > MAX_FOLDER_BYTES:
        raise InvalidInput(f"folder of over {MAX_FOLDER_BYTES} bytes: {url[:80]!r}", kind="bad-url")
    return root
