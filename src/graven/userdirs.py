"""Folders of the person who runs graven: what may be thrown away, and what may not."""

from __future__ import annotations

import os

CACHE_VARIABLE = "GRAVEN_CACHE_DIR"
STATE_VARIABLE = "GRAVEN_STATE_DIR"


def cache_dir() -> str:
    """Catalogs and objects of remote stores; all of it can be fetched again."""
    from platformdirs import user_cache_dir

    return os.environ.get(CACHE_VARIABLE) or user_cache_dir("graven", appauthor=False)


def state_dir() -> str:
    """What is not in any store yet: the outbox. Never a cache, which people delete."""
    from platformdirs import user_state_dir

    return os.environ.get(STATE_VARIABLE) or user_state_dir("graven", appauthor=False)
