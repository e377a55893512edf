"""The folder asv keeps results in: which files are runs, and what their names mean.

::

    asv.conf.json                      says where the results are (a project's folder)
    results/benchmarks.json            what each benchmark is: type, unit, parameters
    results/<machine>/machine.json     what the machine is
    results/<machine>/<commit>-<environment>.json    one run
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from graven.errors import NotFound
from graven.ingest.fields import maybe_list, maybe_text, text_form
from graven.ingest.source import Source, naming
from graven.model.reading import read_map, read_text

_RESULT_NAME = re.compile(r"[0-9a-f]{7,64}-.+\.json")
_RESULTS_DIR = re.compile(r'^\s*"results_dir"\s*:\s*"([^"\\]+)"', re.MULTILINE)
_CONF, _BENCHMARKS, _MACHINE = "asv.conf.json", "benchmarks.json", "machine.json"
# The kinds asv tells by the name of the function, and their units.
_UNITS = {"time": "seconds", "timeraw": "seconds", "memory": "bytes", "peakmemory": "bytes"}
_PREFIXES = {"timeraw": "timeraw", "time": "time", "mem": "memory", "peakmem": "peakmemory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """What ``benchmarks.json`` says of one benchmark."""

    type: str
    unit: str
    param_names: tuple[str, ...] = ()
    version: str | None = None

    @classmethod
    def by_name(cls, name: str) -> Self:
        """What asv's own rule for names says: ``time_x`` is a time, ``mem_x`` a size."""
        prefix = name.rpartition(".")[2].partition("_")[0].lower()
        kind = _PREFIXES.get(prefix, "track")
        return cls(type=kind, unit=_UNITS.get(kind, "unit"))

    @classmethod
    def from_json(cls, name: str, entry: object) -> Self:
        """One entry; what it leaves out follows from the name."""
        record = read_map(entry, name)
        named = cls.by_name(name)
        kind = maybe_text(record, "type", name) or named.type
        version = record.get("version")
        return cls(
            type=kind,
            unit=maybe_text(record, "unit", name) or _UNITS.get(kind, "unit"),
            param_names=tuple(
                read_text(value, f"{name}.param_names[{i}]")
                for i, value in enumerate(maybe_list(record, "param_names", name))
            ),
            version=None if version is None else text_form(version, f"{name}.version"),
        )


def benchmarks_for(source: Source) -> dict[str, Benchmark] | None:
    """The definitions that belong to a result file, or None (and a note) without any.

    Raises:
        InvalidInput: ``benchmarks.json`` is there and damaged; units would be guesses.
    """
    path = source.path.absolute().parent.parent / _BENCHMARKS
    key = f"{_BENCHMARKS} {path}"
    if key not in source.shared:
        source.shared[key] = _read_benchmarks(path)
    found: dict[str, Benchmark] | None = source.shared[key]
    if found is None:
        source.note("there is no benchmarks.json; units are told by the benchmarks' names")
    return found


def _read_benchmarks(path: Path) -> dict[str, Benchmark] | None:
    try:
        document = Source(path).document
    except NotFound:
        return None
    with naming(path):
        record = read_map(document, "document")
        return {
            name: Benchmark.from_json(name, entry)
            for name, entry in record.items()
            if name != "version"
        }


def machine_for(source: Source) -> dict[str, Any]:
    """What ``machine.json`` beside a result file says, empty without one.

    Raises:
        InvalidInput: it is there and damaged.
    """
    path = source.path.absolute().parent / _MACHINE
    key = f"{_MACHINE} {path}"
    if key not in source.shared:
        try:
            with naming(path):
                source.shared[key] = read_map(Source(path).document, "document")
        except NotFound:
            source.shared[key] = {}
    found: dict[str, Any] = source.shared[key]
    return found


def is_results(folder: Path) -> bool:
    """Whether the folder is a project's, a results folder, or one machine's."""
    return _locate(folder) is not None


def result_files(folder: Path) -> Iterator[Path]:
    """The result files below a folder that `is_results`, by machine and name."""
    found = _locate(folder)
    if found is None:
        return
    if _is_machine(found):
        yield from _runs(found)
        return
    for machine in _folders(found):
        yield from _runs(machine)


def _locate(folder: Path) -> Path | None:
    """The results folder, or the machine's folder, that ``folder`` stands for."""
    if _is_results(folder) or _is_machine(folder):
        return folder
    if (folder / _CONF).is_file():
        for name in (_configured(folder / _CONF), "results", ".asv/results"):
            if name and _is_results(folder / name):
                return folder / name
    return None


def _configured(path: Path) -> str | None:
    # The file may hold comments, which no JSON reader takes; one setting is all we need.
    try:
        match = _RESULTS_DIR.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return match[1] if match else None


def _is_results(folder: Path) -> bool:
    has_definitions = (folder / _BENCHMARKS).is_file()
    return any(
        has_definitions or (machine / _MACHINE).is_file()
        for machine in _folders(folder)
        if any(_runs(machine))
    )


def _is_machine(folder: Path) -> bool:
    if not any(_runs(folder)):
        return False
    return (folder / _MACHINE).is_file() or (folder.absolute().parent / _BENCHMARKS).is_file()


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(e for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    except OSError:
        return []


def _runs(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(e.name for e in folder.iterdir() if _RESULT_NAME.fullmatch(e.name))
    except OSError:
        return
    for name in names:
        if (folder / name).is_file():
            yield folder / name
