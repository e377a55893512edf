"""Folders as one manifest: entries by path, each file an object of its own.

Symbolic links are kept as links and never followed. What is neither file, folder nor link
(sockets, devices, pipes) has no content that could be kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from graven.errors import Corrupt, InvalidInput, NotFound
from graven.formats.manifest import Manifest, encode_manifest
from graven.ids import ObjectId
from graven.store.attachments import FOLDER

MAX_LINK_STEPS = 40  # as kernels have it: who needs more goes in circles
_NAMED = 5  # files that a hint names

Parts = tuple[str, ...]


class Entry(NamedTuple):
    """One thing in a folder: a file has ``object_id``, a link ``target``, a folder neither.

    Only folders that are empty are entries; the others follow from the paths.
    """

    path: Parts
    size: int = 0
    executable: bool = False
    object_id: ObjectId | None = None
    target: str | None = None

    @property
    def name(self) -> str:
        """The path as people write it."""
        return "/".join(self.path)


class KeptFile(NamedTuple):
    """What came of a file's bytes."""

    object_id: ObjectId
    size: int


def read_tree(
    top: str,
    put: Callable[[BinaryIO, str], KeptFile],
    warn: Callable[[str], None],
    *,
    leave_out: os.stat_result | None = None,
) -> list[Entry]:
    """Everything below a folder, sorted by path.

    Args:
        top: the folder.
        put: stores the content of an open file; is told its path for messages.
        warn: told what is left out.
        leave_out: a folder that is not taken in: the store itself.

    Raises:
        InvalidInput: a name that is no text, a file or folder that cannot be read.
    """
    entries = []
    stack: list[tuple[str, Parts]] = [(top, ())]
    while stack:
        folder, path = stack.pop()
        found = _scan(folder)
        if not found and path:
            entries.append(Entry(path))
        for name, mode in found:
            full, inner = os.path.join(folder, name), (*path, _check_text(name, folder))
            if stat.S_ISDIR(mode):
                if leave_out is not None and _is_same(full, leave_out):
                    warn(f"{full} is left out: it is the store itself")
                else:
                    stack.append((full, inner))
            elif stat.S_ISLNK(mode):
                entries.append(Entry(inner, target=_check_text(_target(full), full)))
            elif stat.S_ISREG(mode):
                entries.append(_read_file(full, inner, put))
            else:
                warn(f"{full} is left out: it is {_special(mode)}")
    entries.sort(key=lambda entry: entry.path)
    return entries


def _scan(folder: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(folder) as found:
            return sorted((e.name, e.stat(follow_symlinks=False).st_mode) for e in found)
    except OSError as error:
        raise _unreadable(folder, error) from error


def _read_file(full: str, path: Parts, put: Callable[[BinaryIO, str], KeptFile]) -> Entry:
    try:
        handle = open(full, "rb", opener=_plainly)  # noqa: SIM115  closed below
    except OSError as error:
        raise _unreadable(full, error) from error
    with handle as source:
        mode = os.fstat(source.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise InvalidInput(f"{full!r} changed while the folder was read", kind="file-changed")
        kept = put(source, full)
    return Entry(path, kept.size, bool(mode & stat.S_IXUSR), kept.object_id)


def _plainly(path: str, flags: int) -> int:
    """Open neither a link nor a pipe that was put in a file's place since."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError as error:  # it is gone, or something else stands there now
        raise _unreadable(link, error) from error


def _is_same(path: str, other: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.lstat(path), other)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"{path!r} cannot be read: {error.strerror}",
        kind="file-unreadable",
        hint="nothing was attached",
        file=path,
    )


def _check_text(name: str, where: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"a name in {where!r} is no UTF-8 text: {name!r}", kind="bad-file-name", file=where
        ) from None
    return name


def _special(mode: int) -> str:
    for test, what in (
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISCHR, "a device"),
    ):
        if test(mode):
            return what
    return "no file"


def encode_folder(entries: Sequence[Entry]) -> bytes:
    """The manifest of a folder; equal content has one object however often it occurs."""
    links: dict[ObjectId, int] = {}
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"path": list(entry.path)}
        if entry.target is not None:
            row["target"] = entry.target
        elif entry.object_id is not None:
            row["link"] = links.setdefault(entry.object_id, len(links))
            row["size"] = entry.size
            if entry.executable:
                row["executable"] = True
        rows.append(row)
    return encode_manifest(FOLDER, {"entries": rows}, list(links))


def decode_folder(manifest: Manifest) -> list[Entry]:
    """The entries of a folder, checked: safe to be made below some other folder.

    Raises:
        Corrupt: it is no folder, or one that names what no folder can hold.
    """
    if manifest.type != FOLDER:
        raise Corrupt(f"object is a {manifest.type!r}, no folder", kind="wrong-kind")
    try:
        entries = [_entry(row, manifest.links) for row in manifest.data["entries"]]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise Corrupt(f"folder object is malformed: {error}", kind="bad-object") from None
    _check_paths(entries)
    return entries


def _entry(row: Mapping[str, Any], links: Sequence[ObjectId]) -> Entry:
    path = tuple(row["path"] if isinstance(row["path"], list) else ())
    for part in path:
        if not isinstance(part, str) or part in ("", ".", "..") or "/" in part or "\0" in part:
            raise ValueError(f"{part!r} is no name of a file")
    if not path:
        raise ValueError("an entry without a name")
    if "target" in row:
        target = row["target"]
        if not isinstance(target, str) or not target or "\0" in target:
            raise ValueError(f"{target!r} is no target of a link")
        return Entry(path, target=target)
    if "link" not in row:
        return Entry(path)
    link, size = row["link"], row["size"]
    if type(link) is not int or link < 0 or type(size) is not int or size < 0:
        raise ValueError(f"{'/'.join(path)!r} has no object")
    return Entry(path, size, row.get("executable") is True, links[link])


def _check_paths(entries: Sequence[Entry]) -> None:
    taken = {entry.path for entry in entries}
    if len(taken) != len(entries):
        raise Corrupt("folder object names a path twice", kind="bad-object")
    for path in taken:
        for length in range(1, len(path)):
            if path[:length] in taken:
                name = "/".join(path[:length])
                raise Corrupt(f"folder object has {name!r} as file and folder", kind="bad-object")


def find_entry(entries: Sequence[Entry], path: str) -> Entry:
    """The file at a path within a folder; links within it are followed.

    Raises:
        NotFound: no such file. InvalidInput: it is no file, or a link that leads out.
    """
    by_path = {entry.path: entry for entry in entries}
    wanted = follow(by_path, tuple(part for part in path.split("/") if part != "."))
    entry = None if wanted is None else by_path.get(wanted)
    if wanted is None:
        raise InvalidInput(f"{path!r} leads out of the folder", kind="link-leads-out", path=path)
    if entry is not None and entry.object_id is not None:
        return entry
    if entry is not None or any(e.path[: len(wanted)] == wanted for e in entries):
        raise InvalidInput(f"{path!r} is a folder", kind="is-folder", path=path)
    names = sorted(entry.name for entry in entries)
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    raise NotFound(
        f"no file {path!r} in the folder",
        kind="entry-missing",
        hint=f"there is {', '.join(names[:_NAMED])}{more}" if names else "it is empty",
        path=path,
    )


def follow(by_path: Mapping[Parts, Entry], path: Parts) -> Parts | None:
    """Where a path leads once all links on it are followed; None: out of the folder.

    A link may pass through others, so ``..`` is counted from where it really stands.
    """
    waiting = list(reversed(path))
    here: Parts = ()
    steps = 0
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                return None
            here = here[:-1]
            continue
        entry = by_path.get((*here, part))
        if entry is None or entry.target is None:
            here = (*here, part)
            continue
        steps += 1
        if steps > MAX_LINK_STEPS or not _is_relative(entry.target):
            return None
        waiting.extend(reversed(entry.target.split("/")))
    return here


def _is_relative(target: str) -> bool:
    # Also what Windows would take for a drive or a share.
    return not (target.startswith(("/", "\\")) or "\\" in target or target[1:2] == ":")


def links_that_stay(entries: Sequence[Entry]) -> Iterator[tuple[Entry, bool]]:
    """The links, each with whether it may be made: all that it leads through lies within."""
    by_path = {entry.path: entry for entry in entries}
    for entry in entries:
        if entry.target is not None:
            yield entry, follow(by_path, entry.path) is not None
