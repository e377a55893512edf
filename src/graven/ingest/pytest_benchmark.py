"""pytest-benchmark JSON: ``--benchmark-json=F`` and the files of ``.benchmarks/``.

The value is the median: one preempted round moves the mean of microseconds by a
factor, and the plugin's ``ops`` with it. All times are seconds per iteration.
"""

from __future__ import annotations

import re
from typing import Any

from graven.ingest.base import Format
from graven.ingest.environment import describe
from graven.ingest.fields import (
    below,
    maybe_flag,
    maybe_map,
    maybe_number,
    maybe_numbers,
    maybe_text,
    need,
    need_text,
    read_moment,
    text_form,
    thin,
)
from graven.ingest.source import Source
from graven.ingest.units import define
from graven.model import Metric, MetricDirection, Point, Run
from graven.model.reading import fail, read_list, read_map, read_number, read_text

_NAME = "pytest-benchmark"
_PLACEHOLDERS = frozenset({"unknown", "unversioned", "(unknown)", "(detached head)", ""})
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_CPU_VOLATILE = ("hz_actual", "hz_actual_friendly", "hz_advertised", "hz_advertised_friendly")
_CPU_DROPPED = ("flags", *_CPU_VOLATILE)


def recognises(source: Source) -> bool:
    """Benchmarks beside the plugin's description of machine or commit."""
    record = source.map
    return isinstance(record.get("benchmarks"), list) and (
        "machine_info" in record or "commit_info" in record
    )


def read(source: Source) -> Run:
    """One run of the whole file."""
    record = read_map(source.document, "document")
    entries = read_list(need(record, "benchmarks"), "benchmarks")
    if not entries:
        fail("benchmarks", "is empty: no benchmark was run")
    points, extra = [], {}
    for i, entry in enumerate(entries):
        where = f"benchmarks[{i}]"
        fields = read_map(entry, where)
        points.append(_point(fields, where, source))
        info = maybe_map(fields, "extra_info", where)
        if info:
            extra[text_form(fields.get("fullname", ""), where)] = info
    stamp = record.get("datetime")
    return Run(
        id=source.run_id,
        # The plugin writes UTC; versions before 3.1 leave the offset out.
        timestamp=read_moment(stamp, "datetime", zone_known=True) if stamp else source.modified,
        points=tuple(points),
        environment=_environment(maybe_map(record, "machine_info")),
        metadata=_metadata(record, extra),
        metric_defs={"time": define("time", "s", tool=MetricDirection.LOWER)},
        guessed=() if stamp else ("timestamp",),
        **_commit(maybe_map(record, "commit_info")),
    )


def _point(entry: dict[str, Any], where: str, source: Source) -> Point:
    name = need_text(entry, "name", where)
    fullname = maybe_text(entry, "fullname", where) or name
    params = entry.get("params")
    tags = {}
    if params is not None:
        at = below(where, "params")
        tags = {k: _tag(text_form(v, below(at, k))) for k, v in read_map(params, at).items()}
    elif entry.get("param") is not None:  # before 3.0 there is only the text of them all
        tags = {"param": read_text(entry["param"], below(where, "param"))}
    bare = _without_params(fullname, name) if tags else fullname
    group = maybe_text(entry, "group", where)
    at = below(where, "stats")
    stats = read_map(need(entry, "stats", where), at)
    return Point(
        name=bare,
        scenario=group or bare.partition("::")[0],
        tags=tags,
        metrics={"time": _metric(stats, at, source)},
    )


def _tag(text: str) -> str:
    """A parameter without the address in its repr, which would make each run a new series."""
    return _ADDRESS.sub("", text) if text.startswith("UNSERIALIZABLE[") else text


def _without_params(fullname: str, name: str) -> str:
    """``path::test`` of ``path::test[a-1]``; a bracket in the path is none of ours."""
    base = name.partition("[")[0]
    if base and fullname.endswith(name):
        return fullname[: len(fullname) - len(name)] + base
    path, sep, test = fullname.rpartition("::")
    return path + sep + (test.partition("[")[0] or test)


def _metric(stats: dict[str, Any], where: str, source: Source) -> Metric:
    samples = maybe_numbers(stats, "data", where)
    return Metric(
        value=read_number(need(stats, "median", where), below(where, "median")),
        lower=maybe_number(stats, "q1", where),
        upper=maybe_number(stats, "q3", where),
        samples=None if samples is None else thin(samples, source),
        estimator="median",
    )


def _environment(info: dict[str, Any]) -> dict[str, Any]:
    cpu = info.get("cpu")
    cpu = dict(cpu) if isinstance(cpu, dict) else {}
    rest = {key: value for key, value in info.items() if key not in ("node", "cpu")}
    rest["cpu"] = {key: value for key, value in cpu.items() if key not in _CPU_DROPPED}
    system, release = info.get("system"), info.get("release")
    return describe(
        machine=info.get("node"),
        cpu=cpu.get("brand_raw") or cpu.get("brand") or info.get("processor"),
        cores=cpu.get("count"),
        arch=info.get("machine"),
        os=f"{system} {release or ''}" if isinstance(system, str) else None,
        python=info.get("python_version"),
    ) | ({_NAME: rest} if info else {})


def _metadata(record: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if record.get("version") is not None:
        own["version"] = record["version"]
    commit = record.get("commit_info")
    if isinstance(commit, dict):
        own |= {key: commit[key] for key in ("project", "error") if commit.get(key) is not None}
    if extra:
        own["extra_info"] = extra
    return {_NAME: own} if own else {}


def _commit(info: dict[str, Any]) -> dict[str, Any]:
    commit, branch = _stated(info, "id"), _stated(info, "branch")
    facts: dict[str, Any] = {"commit": commit, "branch": branch}
    if commit is None:
        return facts  # time and dirty flag speak of a commit that nobody knows
    when = _stated(info, "time")
    if when is not None:
        facts["commit_time"] = read_moment(when, "commit_info.time", zone_known=True)
    facts["dirty"] = maybe_flag(info, "dirty", "commit_info")
    return facts


def _stated(info: dict[str, Any], key: str) -> str | None:
    text = maybe_text(info, key, "commit_info")
    return None if text is None or text.strip().lower() in _PLACEHOLDERS else text


FORMAT = Format(
    name=_NAME,
    description="pytest-benchmark --benchmark-json and saved files",
    recognises=recognises,
    read=read,
)
