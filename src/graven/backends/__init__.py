"""Places that hold a store, behind one protocol: `graven.backends.base.Backend`."""

from __future__ import annotations

import os
import re

from graven.backends.base import Backend, Capabilities, Entry
from graven.errors import InvalidInput

__all__ = ["Backend", "Capabilities", "Entry", "open_backend"]

# Two letters at least, since "C:" is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)


def open_backend(url: str | os.PathLike[str], *, readonly: bool = False) -> Backend:
    """The backend for a path, a ``file://`` URL, or ``memory://NAME``.

    Nothing is read or written yet, so a place that is not there shows later.

    Raises:
        InvalidInput: not such a place (kind ``unknown-scheme`` or ``bad-url``).
    """
    text = os.fspath(url)
    match = _SCHEME.fullmatch(text)
    scheme = match[1].lower() if match else ""
    if match and scheme == "memory":
        from graven.backends.memory import MemoryBackend
        from graven.backends.wrappers import ReadOnlyBackend

        space = MemoryBackend(match[2])
        return ReadOnlyBackend(space) if readonly else space
    if match and scheme != "file":
        raise InvalidInput(
            f"cannot keep a store at {scheme}:// yet",
            kind="unknown-scheme",
            hint="use a folder; buckets come with a later version",
            scheme=scheme,
        )
    if not text or "\0" in text:
        raise InvalidInput(f"not the path of a folder: {text!r}", kind="bad-url")
    from graven.backends.local import LocalBackend

    return LocalBackend(_file_path(match[2], text) if match else text, readonly=readonly)


def _file_path(rest: str, text: str) -> str:
    from urllib.request import url2pathname

    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise InvalidInput(
            f"not a file URL of this machine: {text!r}",
            kind="bad-url",
            hint="write it like file:///home/me/store",
        )
    return url2pathname(slash + path)
