"""What a person points at: a file, a results folder, a folder with all sorts of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from graven.errors import GravenError, InvalidInput, NotFound
from graven.ingest.assemble import assemble, check_overrides
from graven.ingest.base import Failure, Format, Ingested, Overrides, Place, Skipped
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
    path: str | Path | Place,
    *,
    format: str = AUTO,
    overrides: Overrides | None = None,
    git: GitFacts | None = None,
) -> Iterator[Ingested | Failure | Skipped]:
    """Read a file or a results folder, one run at a time; no file twice.

    A file that cannot be read is a `Failure`; the others go on. A file that nobody named
    and no format knows is `Skipped`, but one that is JSON by its name and cannot be read
    fails: it may be what an interrupted benchmark left.

    Args:
        path: what to read; a `Place` of `expand` says whether it was named.
        format: name of a format, or ``auto``.
        overrides: what the user said; wins over the file.
        git: what git says of the working folder; used where file and user are silent.

    Raises:
        InvalidInput: ``format`` or ``overrides`` themselves are wrong.
    """
    overrides = overrides or Overrides()
    check_overrides(overrides)
    named = None if format == AUTO else format_named(format)
    place = path if isinstance(path, Place) else Place(path=Path(path))
    return _iter_place(place, named, overrides, git)


def _iter_place(
    place: Place, named: Format | None, overrides: Overrides, git: GitFacts | None
) -> Iterator[Ingested | Failure | Skipped]:
    path = place.path
    if not _is_folder(path):
        source = Source(path)
        skipped = _skip(source) if place.met else None
        yield skipped or _read_one(source, named, overrides, git)
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


def _skip(source: Source) -> Skipped | None:
    """Why a file that nobody named is passed over; None if it is to be read."""
    if not source.path.is_file():  # opening a pipe would wait for a writer
        return Skipped(path=source.path, reason="is no file")
    if find_format(source) is not None:
        return None
    reason: InvalidInput | NotFound
    try:
        reason = unrecognised(source)
    except (InvalidInput, NotFound) as error:
        if source.path.name.endswith((".json", ".json.gz")):
            return None  # reading it says the same, as a failure
        reason = error
    plain = reason.kind == "unknown-format"
    return Skipped(path=source.path, reason="no known format" if plain else reason.message)


def is_result(place: Place) -> bool:
    """Whether the place is one to read rather than one to pass over."""
    return not place.met or _is_folder(place.path) or _skip(Source(place.path)) is None


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
        if isinstance(item, Ingested):  # what is named is never skipped
            found.append(item)
    return found


def expand(paths: Iterable[str | Path]) -> Iterator[Place | Skipped]:
    """What there may be to read at ``paths``: files, and folders that are one format's whole.

    Hidden files and folders are passed over; a results folder (asv) is one place, wherever
    it is met. No file is opened to tell its format: `iter_path` does that, once.

    Raises:
        NotFound: a path that does not exist.
    """
    for path in map(Path, paths):
        if not _is_folder(path):
            if not _exists(path):
                raise NotFound(f"{path}: no such file", kind="file-missing", file=str(path))
            yield Place(path=path)
        else:
            yield from _expand_folder(path)


def _expand_folder(folder: Path) -> Iterator[Place | Skipped]:
    if any(f.folder is not None and f.folder.recognises(folder) for f in formats().values()):
        yield Place(path=folder, met=True)
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
        else:
            yield Place(path=entry, met=True)


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
