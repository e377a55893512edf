"""The query language over Run objects, in plain Python: what SQL's answers are held against.

Nothing here is taken from `graven.catalog`: it reads the tree and the runs alone.
"""

import math
import re
from collections.abc import Mapping
from functools import cmp_to_key
from statistics import median

from graven import clock
from graven.model.machine import fingerprint
from graven.query.terms import Among, And, Compare, Exists, Not, Or

HEX = set("0123456789abcdef")
KINDS = {bool: 2, list: 2, dict: 2, int: 0, float: 0, str: 1}


class Saved:
    """A run as the store has it."""

    def __init__(self, run, stamp, derived=None, baselines=()):
        self.run = run
        self.stamp = stamp
        self.derived = derived or {}
        self.baselines = set(baselines)
        self.ids = {run.id}  # of all runs; `select` sets it


class RunId(str):
    """An id that knows those of all runs: one that is named whole is nobody's beginning."""

    ids = frozenset()

    @classmethod
    def of(cls, saved):
        made = cls(saved.run.id)
        made.ids = saved.ids
        return made


KINDS[RunId] = KINDS[str]


def fits(part, saved):
    """Whether the run fits a part of the tree."""
    if part is None:
        return True
    if isinstance(part, And):
        return all(fits(inner, saved) for inner in part.parts)
    if isinstance(part, Or):
        return any(fits(inner, saved) for inner in part.parts)
    if isinstance(part, Not):
        return not fits(part.part, saved)
    values = values_of(part.field, saved)
    if isinstance(part, Exists):
        return bool(values)
    if isinstance(part, Among):
        return any(equal(part.field, value, one) for value in values for one in part.values)
    assert isinstance(part, Compare)
    if part.operator == "=":
        return any(equal(part.field, value, part.value) for value in values)
    if part.operator == "~":
        return any(glob(value, part.value.text) for value in values)
    return any(ordered(part.field, value, part.operator, part.value) for value in values)


def values_of(field, saved):
    """All values of a field: none if the run has none, several of tags."""
    run = saved.run
    name = field.name
    if name == "tag":
        return {point.tags[field.key] for point in run.points if field.key in point.tags}
    if name == "baseline":
        return saved.baselines
    if name == "metric":
        value = metric_value(run, field.key)
        return [] if value is None else [value]
    if name == "param":
        value = look_up(run.params, field.key)
    elif name == "derived":
        value = look_up(saved.derived, field.key)
    else:
        value = {
            "run": RunId.of(saved), "branch": run.branch, "commit": run.commit,
            "time": clock.micros(run.timestamp), "experiment": run.experiment,
            "status": run.status, "origin": str(run.origin), "group": run.group,
            "points": len(run.points), "dirty": run.dirty,
            "machine": fingerprint(run.environment),
        }[name]  # fmt: skip
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return []
    return [value]


def metric_value(run, wanted):
    numbers = [
        metric.value
        for point in run.points
        for name, metric in point.metrics.items()
        if wanted in (name, f"{point.name}/{name}", f"{point.scenario}/{point.name}/{name}")
        and not math.isnan(metric.value)
    ]
    value = median(numbers) if numbers else math.nan
    return None if math.isnan(value) else value


def look_up(record, key):
    if not isinstance(record, Mapping):
        return None
    if key in record:
        return record[key]
    parts = key.split(".")
    for size in range(len(parts) - 1, 0, -1):
        found = look_up(record.get(".".join(parts[:size])), ".".join(parts[size:]))
        if found is not None:
            return found
    return None


def plain(value):
    """Integers that 64 bits do not hold are kept as floats."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return float(value)
    return value


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal(field, value, literal):
    if field.name == "run":
        whole = literal.text in value.ids
        return value == literal.text if whole else value.startswith(literal.text)
    if field.name == "machine":
        return value.startswith(literal.text.lower())
    if field.name == "commit":
        low = literal.text.lower()
        return value == literal.text or (
            bool(low) and set(low) <= HEX and len(low) <= 64 and value.startswith(low)
        )
    if field.name in ("time", "points", "dirty"):
        return int(value) == literal.number
    if isinstance(value, bool):
        return not literal.quoted and literal.text == ("true" if value else "false")
    if isinstance(value, str):
        return value == literal.text
    return is_number(value) and literal.number is not None and plain(value) == literal.number


def ordered(field, value, operator, literal):
    if field.name == "tag" and literal.number is not None:
        if not re.fullmatch(
            r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf", value, re.A | re.I
        ):
            return False
        value = float(value) if not re.fullmatch(r"[+-]?\d+", value) else int(value)
        if abs(value) == math.inf and "inf" not in literal.text.lower() and value != value:
            return False
    if literal.number is not None:
        if not is_number(value):
            return False
        left, right = plain(value), literal.number
    else:
        if not isinstance(value, str):
            return False
        left, right = value, literal.text
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        operator
    ]


def glob(value, pattern):
    """Globs by hand: `*`, `?`, sets."""
    if not isinstance(value, str):
        return False
    return _match(value, 0, pattern, 0)


def _match(text, i, pattern, j):
    if j == len(pattern):
        return i == len(text)
    char = pattern[j]
    if char == "*":
        return any(_match(text, k, pattern, j + 1) for k in range(i, len(text) + 1))
    if i == len(text):
        return False
    if char == "?":
        return _match(text, i + 1, pattern, j + 1)
    return text[i] == char and _match(text, i + 1, pattern, j + 1)


def select(query, order, all_saved):
    """Ids of the runs that fit, in order."""
    all_saved = list(all_saved)
    for saved in all_saved:
        saved.ids = {one.run.id for one in all_saved}
    chosen = [saved for saved in all_saved if fits(query.root, saved)]

    def compare(one, other):
        for key in order:
            left, right = sort_value(key.field, one), sort_value(key.field, other)
            if (left is None) != (right is None):
                return 1 if left is None else -1
            if left != right:
                return (-1 if left < right else 1) * (-1 if key.descending else 1)
        left = (-clock.micros(one.run.timestamp), -one.stamp, one.run.id)
        right = (-clock.micros(other.run.timestamp), -other.stamp, other.run.id)
        return (left > right) - (left < right)

    return [saved.run.id for saved in sorted(chosen, key=cmp_to_key(compare))]


def sort_value(field, saved):
    """Numbers before texts before everything else."""
    values = list(values_of(field, saved))
    if not values:
        return None
    value = values[0]
    if field.name == "dirty":
        return (0, int(value))
    kind = KINDS[type(value)]
    if isinstance(value, bool):
        return (2, "true" if value else "false")
    if kind == 2:
        return (2, "[" if isinstance(value, list) else "{")
    return (kind, plain(value))
