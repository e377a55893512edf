"""What a person points at: a file, a results folder, a folder with all sorts of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graven.errors import GravenError, InvalidInput, NotFound
from graven.ingest.assemble import assemble, check_overrides
from graven.ingest.base import Failure, Format, Ingested, Overrides, Skipped
from graven.ingest.gitfacts import GitFacts
from graven.ingest.registry import AUTO, find_format, format_named, formats, unrecognised
from graven.ingest.source import Source


def detect(path: str | Path) -> Format:
    """The format of a file or folder, told by its content.

    Raises:
        NotFound: no such file.
        InvalidInput: no format knows it; the hint lists those there are.
    """
    path = Path(path)
    if _is_folder(path):
        return _detect_folder(path)
    return _detect(Source(path))


def _detect(source: Source) -> Format:
    known = find_format(source)
    if known is None:
        raise unrecognised(source)
    return known


def _detect_folder(path: Path) -> Format:
    for known in formats().values():
        if known.folder is not None and known.folder.recognises(path):
            return known
    names = ", ".join(f.name for f in formats().values() if f.folder is not None)
    raise InvalidInput(
        f"{path}: no known kind of results folder",
        kind="unknown-format",
        hint=f"known kinds of folders: {names}; or give the files in it",
        file=str(path),
    )


def iter_path(
    path: str | Path,
    *,
    format: str = AUTO,
    overrides: Overrides | None = None,
    git: GitFacts | None = None,
) -> Iterator[Ingested | Failure]:
    """Read a file or a results folder, one run at a time.

    A file that cannot be read is a `Failure`; the others go on.

    Args:
        format: name of a format, or ``auto``.
        overrides: what the user said; wins over the file.
        git: what git says of the working folder; used where file and user are silent.

    Raises:
        InvalidInput: ``format`` or ``overrides`` themselves are wrong.
    """
    overrides = overrides or Overrides()
    check_overrides(overrides)
    named = None if format == AUTO else format_named(format)
    return _iter_path(Path(path), named, overrides, git)


def _iter_path(
    path: Path, named: Format | None, overrides: Overrides, git: GitFacts | None
) -> Iterator[Ingested | Failure]:
    if not _is_folder(path):
        yield _read_one(Source(path), named, overrides, git)
        return
    try:
        known = named or _detect_folder(path)
        members = _members(path, known)
        if overrides.run_id is not None and len(members) > 1:
            raise InvalidInput(
                f"{path}: holds {len(members)} runs, which cannot share one run id",
                kind="bad-field",
                hint="leave the id out, or name one file",
                field="run_id",
                file=str(path),
            )
    except GravenError as error:
        yield Failure(source=str(path), error=error)
        return
    shared: dict[str, Any] = {}
    for member in members:
        yield _read_one(Source(member, shared), known, overrides, git)


def _members(path: Path, known: Format) -> list[Path]:
    if known.folder is None:
        raise InvalidInput(
            f"{path}: is a folder, and {known.name} results are files",
            kind="not-a-file",
            file=str(path),
        )
    try:
        members = list(known.folder.members(path))
    except OSError as error:
        raise InvalidInput(
            f"{path}: cannot be listed: {(error.strerror or str(error)).lower()}",
            kind="unreadable-file",
            file=str(path),
        ) from None
    if not members:
        raise InvalidInput(
            f"{path}: holds no {known.name} result file", kind="empty-folder", file=str(path)
        )
    return members


def _read_one(
    source: Source, named: Format | None, overrides: Overrides, git: GitFacts | None
) -> Ingested | Failure:
    try:
        return assemble(source, named or _detect(source), overrides, git)
    except GravenError as error:
        return Failure(source=str(source.path), error=error)


def read_path(
    path: str | Path,
    *,
    format: str = AUTO,
    overrides: Overrides | None = None,
    git: GitFacts | None = None,
) -> list[Ingested]:
    """All runs of a file or results folder; see `iter_path` for the arguments.

    Raises:
        NotFound: no such file.
        InvalidInput: names the file and the field, for the first file that is wrong.
    """
    found: list[Ingested] = []
    for item in iter_path(path, format=format, overrides=overrides, git=git):
        if isinstance(item, Failure):
            raise item.error
        found.append(item)
    return found


def expand(paths: Iterable[str | Path]) -> Iterator[Path | Skipped]:
    """What there is to read at ``paths``: files, and folders that are one format's whole.

    A file that is named is always given back. In a folder every file that some format
    recognises is; others are `Skipped`; hidden files and folders are passed over. A
    results folder (asv) is one item, wherever it is met.

    Raises:
        NotFound: a path that does not exist.
    """
    for path in map(Path, paths):
        if not _is_folder(path):
            if not _exists(path):
                raise NotFound(f"{path}: no such file", kind="file-missing", file=str(path))
            yield path
        else:
            yield from _expand_folder(path)


def _expand_folder(folder: Path) -> Iterator[Path | Skipped]:
    if any(f.folder is not None and f.folder.recognises(folder) for f in formats().values()):
        yield folder
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield Skipped(path=folder, reason=f"cannot be listed: {(error.strerror or '').lower()}")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            if not entry.is_symlink():  # a link may lead back up
                yield from _expand_folder(entry)
        elif find_format(Source(entry)) is not None:
            yield entry
        else:
            yield Skipped(path=entry, reason="no known format")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
