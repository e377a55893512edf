"""What the readers of result files share with their caller: words, not behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from graven.errors import GravenError
from graven.ingest.source import Source
from graven.model import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the user said. It wins over the file, and the file over guesses.

    Attributes:
        tags: added to every point (a point's own tag of that name is replaced).
        time: when the run ran, aware.
        direction: metric name to ``higher``, ``lower`` or ``info``.
        run_id: name of the run; for a source of one run only.
    """

    branch: str | None = None
    commit: str | None = None
    time: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    machine: str | None = None
    experiment: str | None = None
    group: str | None = None
    direction: dict[str, str] = field(default_factory=dict)
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """One run that was read.

    Attributes:
        source: path of the file, as given (for a folder, of the file within).
        format: name of the format that read it.
        raw: the file's bytes, to keep beside the run; None where the run holds all of
            them, or where they hold secrets.
        raw_name: file name for ``raw``.
        notes: what was dropped, thinned out or odd, one sentence each.
    """

    run: Run
    source: str
    format: str
    raw: bytes | None
    raw_name: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One file that could not be read, among others that may be fine."""

    source: str
    error: GravenError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Something to read. ``met``: nobody named it, it lay in a folder that was named."""

    path: Path
    met: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file met in a folder that no format knows, or a folder that cannot be listed."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """How a format reads a folder of result files.

    Attributes:
        recognises: whether the folder is this format's; looks at names only.
        members: the result files in it, in a fixed order. Each goes through the
            format's ``read`` as a source of its own.
    """

    recognises: Callable[[Path], bool]
    members: Callable[[Path], Iterator[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind of result file: the value an entry point of ``graven.ingest`` names.

    Attributes:
        name: as in ``--format``.
        description: one line for people.
        recognises: whether the source is this format's, told by its content; must not
            raise for any bytes.
        read: the run of one source. Raises InvalidInput naming the field (the file is
            named by the caller); says what it drops with ``source.note``; takes
            ``source.run_id`` where the file has no id, and ``source.modified`` where it
            has no time, then listing ``timestamp`` in ``guessed``.
        folder: for formats that also come as folders.
        lossless: the run holds all that the file says, so the file need not be kept.
    """

    name: str
    description: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], Run]
    folder: Folder | None = None
    lossless: bool = False
