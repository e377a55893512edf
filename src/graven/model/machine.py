"""What kind of machine an environment describes: its fingerprint.

The keys are those of `graven.ingest.environment`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

FINGERPRINT_HEX = 16
_ARCH = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64"}
_OS = {"macos": "darwin", "mac": "darwin", "osx": "darwin", "win32": "windows"}
_RAM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B?)\s*", re.IGNORECASE)
_TRADEMARK = re.compile(r"\((?:r|tm|c)\)|\(\d+ cores?\)", re.IGNORECASE)


def count_of(value: object) -> int | None:
    """A positive whole number, also from text ("8"); None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 < value < 2**53 else None


def ram_bytes(value: object) -> int | None:
    """Bytes of memory from a number or a text such as ``8.2G``; None if it is neither."""
    if isinstance(value, str):
        match = _RAM.fullmatch(value)
        if not match or len(match[1]) > 20:
            return None
        power = " KMGT".index(match[2].upper() or " ")
        value = float(match[1]) * 1024.0**power
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return round(value) if 0 < value < 2**60 else None


def fingerprint(environment: Mapping[str, Any]) -> str | None:
    """What kind of machine it was: 16 hex digits, or None where the CPU is not known.

    Made of the CPU's model, the number of cores, the architecture, the name of the
    system and the memory to the nearest power of two of GiB; the host's name is no
    part of it, so that equal machines of a fleet compare. Runs with different
    fingerprints do not.
    """
    cpu = environment.get("cpu")
    if not isinstance(cpu, str) or not cpu.strip():
        return None
    ram = ram_bytes(environment.get("ram"))
    arch = _word(environment.get("arch"))
    system = re.match(r"[a-z]*\d*", _word(environment.get("os")))
    os = system[0] if system else ""
    facts = [
        " ".join(_TRADEMARK.sub(" ", cpu).lower().split()),
        count_of(environment.get("cores")),
        _ARCH.get(arch, arch),
        _OS.get(os, os),
        None if ram is None else round(math.log2(ram / 2**30)),
    ]
    import blake3

    text = json.dumps(["graven fingerprint 1", *facts], separators=(",", ":"))
    return blake3.blake3(text.encode("ascii")).hexdigest()[:FINGERPRINT_HEX]


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
