"""The keys that all readers use for a machine, and its fingerprint.

=========== ===== ====================================================
key         type  what
=========== ===== ====================================================
machine     text  host name, or the name the user gave the machine
cpu         text  model as the system prints it
cores       int   logical processors
arch        text  ``x86_64``, ``arm64`` ... as the system prints it
os          text  name of the system, its release may follow
ram         int   bytes
python      text  version of the interpreter that was measured
=========== ===== ====================================================

Beside them, what else a tool says stands in a map under the tool's name.
What changes from minute to minute (load, clock rate) belongs into the run's
metadata: equal environments are stored once.
"""

from __future__ import annotations

from typing import Any

from graven.model.machine import FINGERPRINT_HEX, count_of, fingerprint, ram_bytes

__all__ = ["FINGERPRINT_HEX", "count_of", "describe", "fingerprint", "ram_bytes"]


def describe(
    *,
    machine: object = None,
    cpu: object = None,
    cores: object = None,
    arch: object = None,
    os: object = None,
    ram: object = None,
    python: object = None,
) -> dict[str, Any]:
    """The common keys from whatever a tool has; what says nothing is left out."""
    texts = {"machine": machine, "cpu": cpu, "arch": arch, "os": os, "python": python}
    found: dict[str, Any] = {
        key: text.strip() for key, text in texts.items() if isinstance(text, str) and text.strip()
    }
    numbers = {"cores": count_of(cores), "ram": ram_bytes(ram)}
    return found | {key: number for key, number in numbers.items() if number}
