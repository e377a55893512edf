"""Numbers with their units, in a size that people read."""

from __future__ import annotations

import math

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"), (1e-12, "ps"))
BYTES = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))

_LARGEST_SCALED = 1e290  # in a smaller unit what is above would be infinite
_EXACT = 1e15  # whole numbers below are shown to the last digit

Scale = tuple[float, str]
"""(divisor, unit as shown)."""


def scale_for(values: list[float], unit: str | None) -> Scale:
    """One scale for values that stand beside each other: that of the smallest but zero."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    size = min(sizes, default=1.0)
    unit = "" if unit in (None, "1") else str(unit)
    if max(sizes, default=0.0) > _LARGEST_SCALED:
        return 1.0, unit
    if unit == "s":
        return next((step for step in _SECONDS if size >= step[0] * 0.9995), _SECONDS[-1])
    if unit in ("B", "B/s"):
        divisor, name = next((step for step in BYTES if size >= step[0]), BYTES[-1])
        return divisor, name + unit[1:]
    if "/" in unit:
        divisor, prefix = next((step for step in _LARGE if size >= step[0]), _LARGE[-1])
        return divisor, prefix + unit if unit[0].isalpha() else f"{prefix} {unit}".strip()
    return 1.0, unit


def format_number(value: float, scale: Scale = (1.0, "")) -> str:
    """Four significant digits and the unit."""
    divisor, unit = scale
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    scaled = value / divisor
    if scaled == 0 or (divisor == 1.0 and value == int(value) and unit not in ("s", "B")):
        text = f"{int(value):,}" if abs(value) < _EXACT else f"{value:.3e}"
    elif 1e-3 <= abs(scaled) < 1e7:
        rounded = abs(float(f"{scaled:.3e}"))  # 0.99999 has the digits of 1.000
        digits = max(0, 3 - math.floor(math.log10(rounded)))
        text = f"{scaled:,.{min(digits, 6)}f}"
    else:
        text = f"{scaled:.3e}"
    return f"{text} {unit}" if unit else text


def human(value: float, unit: str | None) -> str:
    """One value on its own scale: ``12.30 µs``, ``4.100 MiB``."""
    return format_number(value, scale_for([value], unit))


def percent(change: float | None) -> str:
    """``+5.2%``; nothing where no ratio exists."""
    if change is None:
        return ""
    if math.isinf(change):
        return "+∞%" if change > 0 else "-∞%"
    shown = change * 100
    if abs(shown) >= 1000:
        return f"{shown:+,.0f}%"
    return f"{shown:+.1f}%" if abs(shown) >= 0.05 or shown == 0 else f"{shown:+.2f}%"
