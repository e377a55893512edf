"""Places that hold a store, behind one protocol: `graven.backends.base.Backend`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from graven.backends.base import Backend, Capabilities, Entry
from graven.errors import InvalidInput

__all__ = ["Backend", "Capabilities", "Entry", "open_backend"]

# Two letters at least, since "C:" is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
# At least one link before another with a scheme; "a::b" may be a folder.
_CHAIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:://.*)?::[A-Za-z][A-Za-z0-9+.-]+://.*", re.DOTALL)

# Scheme to the module whose `open_driver(url, storage_options)` knows its service; all
# other schemes are asked of fsspec.
_DRIVERS = {
    "s3": "s3.opening",
    "s3a": "s3.opening",
    "gs": "gcs.opening",
    "gcs": "gcs.opening",
    "az": "azure.opening",
    "abfs": "azure.opening",
    "abfss": "azure.opening",
}


def open_backend(
    url: str | os.PathLike[str],
    *,
    readonly: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> Backend:
    """The backend for a path or URL: a folder, an archive (``zip://PATH``, or a
    file that ends in ``.zip``), ``memory://NAME``, a bucket, or what fsspec knows
    (``sftp://``, chains such as ``zip://FOLDER::s3://BUCKET/a.zip``).

    Nothing is read or written yet, so a place that is not there shows later.

    Args:
        url: where.
        readonly: refuse every write.
        storage_options: what the scheme's fsspec library takes (key, secret,
            endpoint_url ...); the environment is asked for what is not given.

    Raises:
        InvalidInput: not such a place (kind ``unknown-scheme`` or ``bad-url``), or its
            library is not installed (``driver-missing``).
    """
    text = os.fspath(url)
    if _CHAIN.fullmatch(text):
        from graven.backends.anyfs.chains import without_caches

        text, storage_options = without_caches(text, storage_options or {})
        if "::" in text:
            return _open_remote("", text, storage_options, readonly=readonly)
    match = _SCHEME.fullmatch(text)
    scheme = match[1].lower() if match else ""
    if match and scheme == "memory":
        from graven.backends.memory import MemoryBackend
        from graven.backends.wrappers import ReadOnlyBackend

        space = MemoryBackend(match[2])
        return ReadOnlyBackend(space) if readonly else space
    if match and scheme not in ("file", "zip"):
        return _open_remote(scheme, text, storage_options or {}, readonly=readonly)
    path = text
    if match:
        path = match[2] if scheme == "zip" else _file_path(match[2], text)
    if not path or "\0" in path:
        raise InvalidInput(f"not the path of a folder: {text!r}", kind="bad-url")
    if scheme == "zip" or (path.lower().endswith(".zip") and os.path.isfile(path)):
        from graven.backends.archive.backend import ArchiveBackend

        return ArchiveBackend(path)
    from graven.backends.local import LocalBackend

    return LocalBackend(path, readonly=readonly)


def _open_remote(
    scheme: str, url: str, storage_options: Mapping[str, Any], *, readonly: bool
) -> Backend:
    from graven.backends.remote import RemoteBackend
    from graven.backends.wrappers import ReadOnlyBackend

    module = import_module(f"graven.backends.{_DRIVERS.get(scheme, 'anyfs.driver')}")
    backend = RemoteBackend(module.open_driver(url, storage_options))
    return ReadOnlyBackend(backend) if readonly else backend


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
