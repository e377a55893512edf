"""Globs: ``*`` any text, ``?`` one character, ``[ab]``, ``[!ab]`` one of or none of these."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))  # in time that grows with the text alone


def fits_glob(text: object, pattern: str) -> bool:
    """True if all of a text fits; what is no text fits nothing."""
    return isinstance(text, str) and _compiled(pattern).match(text) is not None
