"""Machine and environment of a run, as asv tells result files apart by them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graven import ids
from graven.export.asv.names import inert_text

DEFAULT_MACHINE = "default"
DEFAULT_ENVIRONMENT = "default"

# asv's field of machine.json, and where a run may have it.
_MACHINE_FIELDS = {
    "arch": ("arch", "architecture"),
    "cpu": ("cpu", "cpu_model", "cpu_model_name"),
    "num_cpu": ("cores", "num_cpu", "cpu_count", "num_cpus"),
    "os": ("os", "platform"),
    "ram": ("ram", "memory"),
}
# Facts of the machine or of the moment: they do not make another environment.
_NOT_SOFTWARE = frozenset(
    [key for keys in _MACHINE_FIELDS.values() for key in keys]
    + ["machine", "host", "hostname", "host_name", "node", "processor", "cpu_freq", "mhz"]
    + ["mhz_per_cpu", "load_avg", "load_avg_1min", "uptime", "boot_time", "caches", "date"]
)
_PYTHON_KEYS = ("python", "python_version")
_VERSION = re.compile(r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?\+?")
_HASH_HEX = 8


@dataclass(frozen=True, slots=True)
class Environment:
    """What of a run's environment goes into asv's files.

    Attributes:
        machine: the machine's own name, as the run has it.
        name: asv's environment name; equal software has equal names, other software others.
        python: version of Python, "" if unknown.
        params: what tells graphs of one machine apart, text to text.
    """

    machine: str
    name: str
    python: str
    params: tuple[tuple[str, str], ...]


def read_environment(facts: Mapping[str, Any]) -> Environment:
    """Machine and environment name of a run's ``environment``."""
    software = {key: value for key, value in facts.items() if key not in _NOT_SOFTWARE}
    python = _python(facts)
    params = [("python", python)] if python else []
    stem = f"py{python}" if python else "env"
    if not software:
        name = DEFAULT_ENVIRONMENT
    elif python and software.keys() <= set(_PYTHON_KEYS):
        name = stem
    else:
        digest = ids.hash_bytes(_canonical(software)).hex()[:_HASH_HEX]
        name = f"{stem}-{digest}"
        # asv takes the mean of files whose params are equal: another environment must differ.
        params.append(("env", digest))
    return Environment(machine_name(facts), name, python, tuple(params))


def machine_name(facts: Mapping[str, Any]) -> str:
    """The name a run gives its machine, else "default"."""
    name = facts.get("machine")
    return name if isinstance(name, str) and name else DEFAULT_MACHINE


def machine_facts(facts: Mapping[str, Any]) -> dict[str, str]:
    """Asv's fields of machine.json where the run has them; inert text, since pages show it."""
    found: dict[str, str] = {}
    for field, keys in _MACHINE_FIELDS.items():
        for key in keys:
            value = facts.get(key)
            if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                found[field] = inert_text(str(value))
                break
    return found


def _python(facts: Mapping[str, Any]) -> str:
    for key in _PYTHON_KEYS:
        value = facts.get(key)
        if isinstance(value, str) and len(value) <= 20 and _VERSION.fullmatch(value):
            return value
    return ""


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, default=str).encode()
