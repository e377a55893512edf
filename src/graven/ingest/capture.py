"""The machine we are on, in the keys of `graven.ingest.environment`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from graven.ingest.environment import describe

_CPUINFO = Path("/proc/cpuinfo")
_CPU_KEYS = ("model name", "hardware", "cpu model", "cpu")


def capture_environment() -> dict[str, Any]:
    """Machine, system and interpreter as they are now. Never fails: what is unknown is left out."""
    return describe(
        machine=platform.node(),
        cpu=_cpu_model(),
        cores=os.cpu_count(),
        arch=platform.machine(),
        os=f"{platform.system()} {platform.release()}",
        ram=_ram(),
        python=platform.python_version(),
    )


def _cpu_model() -> str:
    if platform.system() == "Darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.processor()
    try:
        text = _CPUINFO.read_text(errors="replace")
    except OSError:
        return platform.processor()
    lines = [line.partition(":") for line in text.splitlines()]
    found = {key.strip().lower(): value.strip() for key, _, value in reversed(lines)}
    return next((found[key] for key in _CPU_KEYS if found.get(key)), platform.processor())


def _ram() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no sysconf, or not these names
        return None


def _sysctl(name: str) -> str:
    import subprocess

    try:
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name],
            capture_output=True, text=True, errors="replace", timeout=5, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
