"""The formats there are: ours, and those that other packages add.

A package adds one with an entry point in the group ``graven.ingest`` whose value is
a `Format`. Ours are looked up by name here, so that they work from a source tree
too; other packages' are loaded only when none of ours fits, and one that does not
load is reported by `broken_formats` and stands in nobody's way.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from graven.errors import GravenError, InvalidInput
from graven.ingest.base import Format
from graven.ingest.source import Source, is_wide
from graven.model import Run

GROUP = "graven.ingest"
AUTO = "auto"

# In the order they are tried; each recognises its own by fields no other has.
_OURS = {
    "calibrax": "graven.ingest.calibrax",
    "pytest-benchmark": "graven.ingest.pytest_benchmark",
    "pyperf": "graven.ingest.pyperf",
    "hyperfine": "graven.ingest.hyperfine",
    "google-benchmark": "graven.ingest.google_benchmark",
    "asv": "graven.ingest.asv",
}


@cache
def our_formats() -> dict[str, Format]:
    """Formats of this package, by name."""
    return {name: import_module(module).FORMAT for name, module in _OURS.items()}


@cache
def _others() -> tuple[dict[str, Format], dict[str, str]]:
    from importlib.metadata import entry_points

    loaded: dict[str, Format] = {}
    broken: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value)):
        if _OURS.get(entry.name) == entry.module:
            continue
        found = _load(entry)
        if isinstance(found, str):
            broken[entry.name] = found
        elif entry.name in _OURS or found.name in _OURS:
            broken[entry.value] = f"{found.name!r} is the name of a built-in format"
        else:
            loaded[found.name] = found
    return loaded, broken


def _load(entry: Any) -> Format | str:
    """The format an entry point names, or why there is none."""
    try:
        found = entry.load()
    except Exception as error:  # a stranger's module may raise anything while it is imported
        return f"{type(error).__name__}: {error}"
    if not isinstance(found, Format):
        return f"{entry.value} is a {type(found).__name__}, not a graven.ingest.Format"
    return found


def formats() -> dict[str, Format]:
    """All formats by name, ours first."""
    return our_formats() | _others()[0]


def broken_formats() -> dict[str, str]:
    """Entry points that could not be used, and why."""
    return dict(_others()[1])


def forget() -> None:
    """Look at the entry points again (after a package was installed; in tests)."""
    _others.cache_clear()


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        InvalidInput: there is none; the hint lists those there are.
    """
    found = our_formats().get(name) or formats().get(name)
    if found is not None:
        return found
    if reason := broken_formats().get(name):
        raise InvalidInput(
            f"the format {name!r} cannot be loaded: {reason}",
            kind="broken-format",
            hint="mend or remove the package that brings it",
            format=name,
        )
    raise InvalidInput(
        f"unknown format: {name!r}",
        kind="unknown-format",
        hint=f"known are {', '.join(formats())}",
        format=name,
    )


def find_format(source: Source) -> Format | None:
    """The first format that recognises the source's content."""
    for known in our_formats().values():
        if known.recognises(source):
            return known
    return next((f for f in _others()[0].values() if _recognises(f, source)), None)


def _recognises(known: Format, source: Source) -> bool:
    try:
        return bool(known.recognises(source))
    except Exception as error:  # a stranger's code must not stop the formats after it
        source.note(f"the format {known.name!r} failed to look at the file: {error}")
        return False


def read_run(known: Format, source: Source) -> Run:
    """The run that the format reads, with the failures of others' formats as errors of the file.

    Raises:
        InvalidInput: names the field.
    """
    if our_formats().get(known.name) is known:
        return known.read(source)
    try:
        return known.read(source)
    except GravenError:
        raise
    except Exception as error:  # a stranger's reader, whose faults must not stop the files after it
        raise InvalidInput(
            f"the format {known.name!r} failed: {type(error).__name__}: {error}",
            kind="broken-format",
            hint="tell the author of the package that brings the format",
            format=known.name,
        ) from error


def unrecognised(source: Source) -> InvalidInput:
    """The error for a source that no format knows, with the likeliest reason."""
    if source.looks_like_json() or is_wide(source.head) or not source.head.strip():
        _ = source.document  # says what is wrong with the text or the JSON, if that is it
    known = ", ".join(formats())
    hint = _near_miss(source) or f"known formats: {known}; name one with --format to see more"
    broken = broken_formats()
    if broken:
        hint += f" (not loaded: {', '.join(f'{n}: {why}' for n, why in broken.items())})"
    return InvalidInput(
        f"{source.path}: no known format", kind="unknown-format", hint=hint, file=str(source.path)
    )


def _near_miss(source: Source) -> str | None:
    record = source.map
    if "machine" in record and "version" in record and len(record) < 10:
        return "this is asv's machine.json; give the folder that it is in"
    entries = [value for value in record.values() if isinstance(value, dict)]
    if entries and all("param_names" in entry for entry in entries):
        return "this is asv's benchmarks.json; give the results folder that it is in"
    return None
