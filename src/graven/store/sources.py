"""What can be attached: bytes, an open binary file, the path of a file or of a folder."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from graven.errors import GravenError, InvalidInput, NotFound
from graven.formats import layout
from graven.objects.chunks import Readable

Source: TypeAlias = "bytes | bytearray | memoryview | str | os.PathLike[str] | Readable"


def folder_of(source: Source) -> str | None:
    """The path of a folder, None for every other source.

    Raises:
        NotFound: no such file. InvalidInput: neither a file nor a folder.
    """
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = os.fspath(source)
    if not path or "\0" in path:
        raise InvalidInput(f"not a path: {path!r}", kind="bad-source", field="source")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise NotFound(f"no file {path!r}", kind="file-missing", file=path) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        return path
    if not stat.S_ISREG(mode):
        raise InvalidInput(
            f"{path!r} is neither a file nor a folder",
            kind="not-a-file",
            hint="'-' reads from a pipe; in Python open it and pass the open file",
            file=path,
        )
    return None


def refuse_own(source: Source, root: str | None) -> None:
    """Refuse to keep a store's own files in it: they change while they are read.

    What else somebody keeps in the store's folder may be attached.

    Args:
        source: what is to be attached.
        root: the store's folder; None: it has none.

    Raises:
        InvalidInput: the source is the store, or a part of it.
    """
    if root is None or not isinstance(source, (str, os.PathLike)):
        return
    path, top = os.path.realpath(os.fspath(source)), os.path.realpath(root)
    below = os.path.relpath(path, top).split(os.sep) if path.startswith(top) else [os.pardir]
    if below[0] == os.curdir or layout.is_own(below[0]):
        raise InvalidInput(
            f"{os.fspath(source)!r} belongs to the store that it is to be kept in",
            kind="own-file",
            hint="'graven clone' and 'graven bundle' copy a store",
            file=os.fspath(source),
        )


@contextmanager
def opened(source: Source) -> Iterator[Readable]:
    """A binary file to read the source from; closed again if it was opened here.

    Raises:
        InvalidInput: not a source at all, a text stream, a file that cannot be opened.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            handle = open(source, "rb")  # noqa: SIM115  closed below, and its fault is translated
        except OSError as error:
            raise _unreadable(os.fspath(source), error) from error
        with handle:
            yield handle
    elif hasattr(source, "read"):
        if not isinstance(_nothing_of(source), bytes):
            raise InvalidInput(
                "the stream gives text, not bytes",
                kind="bad-source",
                hint="open the file with 'rb', or pass text.encode()",
                field="source",
            )
        yield source
    else:
        raise InvalidInput(
            f"{type(source).__name__} cannot be attached",
            kind="bad-source",
            hint="bytes, the path of a file or folder, or an open binary file",
            field="source",
        )


def _nothing_of(source: Readable) -> object:
    """What a stream calls nothing: bytes or text."""
    try:
        return source.read(0)
    except GravenError:
        raise
    except (OSError, ValueError) as error:  # closed, or not made for reading
        raise InvalidInput(
            f"the stream cannot be read: {error}", kind="bad-source", field="source"
        ) from error


def _unreadable(path: str, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"{path!r} cannot be read: {error.strerror}", kind="file-unreadable", file=path
    )
