"""URLs in several links, as fsspec chains them: ``zip://folder::sftp://host/a.zip``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What they keep would be shown instead of what others have written since. graven keeps what
# never changes in a cache of its own.
CACHES = frozenset(["simplecache", "filecache", "blockcache", "cached"])

_LINK = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(?:://|$)")


def scheme_of(link: str) -> str:
    """The scheme of one link (``zip`` of ``zip`` and of ``zip://x``), or ''."""
    match = _LINK.match(link)
    return match[1].lower() if match else ""


def without_caches(url: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The URL without fsspec's caches, and the options that are left.

    Options of a link stand under its scheme; those that do not are of the first link. Of a
    single link they all come back without its scheme.
    """
    links = url.split("::")
    left = [link for link in links if scheme_of(link) not in CACHES]
    schemes = {scheme_of(link) for link in left}
    out = {
        name: value
        for name, value in options.items()
        if name in schemes or (left[:1] == links[:1] and name not in CACHES)
    }
    if len(left) == 1:
        inner = out.pop(scheme_of(left[0]), None)
        out |= inner if isinstance(inner, Mapping) else {}
    return "::".join(left), out
