"""Readers of result files: bytes of other tools in, `graven.model.Run` out.

Each format is one module with a `Format` named ``FORMAT``; `registry` finds them,
`source` reads and decodes a file within bounds, `assemble` puts the user's words and
git's facts to what the reader found. Nothing here knows stores.

    for place in expand(["results/"]):
        if isinstance(place, Skipped): ...
        for item in iter_path(place):
            if isinstance(item, Failure | Skipped): ...
            else: save(item.run, raw=item.raw)

Names load when they are first used: what compares runs asks for `fingerprint`, and
should not load six readers for it.
"""

from importlib import import_module

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from graven.ingest.base import Failure, Folder, Format, Ingested, Overrides, Place, Skipped
    from graven.ingest.capture import capture_environment
    from graven.ingest.environment import fingerprint
    from graven.ingest.gitfacts import GitFacts, ancestors, git_facts, merge_base
    from graven.ingest.paths import detect, expand, is_result, iter_path, read_path
    from graven.ingest.registry import AUTO, broken_formats, format_named, formats
    from graven.ingest.source import Source

_HOMES = {
    "graven.ingest.base": (
        "Failure",
        "Folder",
        "Format",
        "Ingested",
        "Overrides",
        "Place",
        "Skipped",
    ),
    "graven.ingest.capture": ("capture_environment",),
    "graven.ingest.environment": ("fingerprint",),
    "graven.ingest.gitfacts": (
        "GitFacts",
        "ancestors",
        "git_facts",
        "merge_base",
    ),
    "graven.ingest.paths": (
        "detect",
        "expand",
        "is_result",
        "iter_path",
        "read_path",
    ),
    "graven.ingest.registry": (
        "AUTO",
        "broken_formats",
        "format_named",
        "formats",
    ),
    "graven.ingest.source": ("Source",),
}

__all__ = [
    "AUTO",
    "Failure",
    "Folder",
    "Format",
    "GitFacts",
    "Ingested",
    "Overrides",
    "Place",
    "Skipped",
    "Source",
    "ancestors",
    "broken_formats",
    "capture_environment",
    "detect",
    "expand",
    "fingerprint",
    "format_named",
    "formats",
    "git_facts",
    "is_result",
    "iter_path",
    "merge_base",
    "read_path",
]


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            value: object = getattr(import_module(home), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
