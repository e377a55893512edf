"""Repacking by itself, in a process of its own: never in the way of the command that wrote."""

from __future__ import annotations

import os
import subprocess
import sys

from graven import clock
from graven.cli.session import Session
from graven.errors import GravenError
from graven.formats import layout
from graven.porcelain.repack import many_packs
from graven.store import Store

SWITCH = "GRAVEN_AUTO_REPACK"
PAUSE_SECONDS = 600.0
"""At least so long between two attempts from one machine: the small packs that a repack has
merged stay that long."""
_MARKER = "auto-repack"

_started: list[subprocess.Popen[bytes]] = []  # held, or Python warns that they still run


def tend(session: Session, store: Store) -> None:
    """Start a repack of a store with many packs, unless one was started a moment ago.

    Whatever goes wrong here is no matter of the command that was asked for.
    """
    if session.environ.get(SWITCH) == "0":
        return
    try:
        if many_packs(store) and _claim(store):
            _start(session, store)
    except (GravenError, OSError):
        return


def _claim(store: Store) -> bool:
    """Note the attempt; False if there was one within the pause."""
    client = store.parts.client
    if client is not None:
        folder = os.path.dirname(client.catalog_path or "")
    elif store.path is not None:
        folder = os.path.join(store.path, layout.CACHE)
    else:
        return False
    marker = os.path.join(folder, _MARKER)
    try:
        if abs(clock.wall_seconds() - os.stat(marker).st_mtime) < PAUSE_SECONDS:
            return False
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
    with open(marker, "w", encoding="ascii"):
        return True


def _start(session: Session, store: Store) -> None:
    command = [sys.executable, "-m", "graven", "--quiet", "--store", store.url, "repack", "--auto"]
    _started.append(
        subprocess.Popen(
            command,
            env={**session.environ, SWITCH: "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a closed terminal does not end it
        )
    )
