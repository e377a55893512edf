"""Names of attachments: data, never paths. How one becomes a path is said here, once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from graven.errors import InvalidInput
from graven.ids import normal, percent_encode

ATTACHMENT_KINDS = ("artifacts", "logs", "results", "derived", "tables", "tensors", "annotations")
MAX_ATTACHMENT_NAME = 1024
MAX_PART_BYTES = 255  # of a file name, on nearly every file system

_UNSAFE = frozenset('%\\:*?"<>|')  # what Windows gives a meaning, and our own escape


def check_attachment_name(name: str) -> str:
    """Accept the name of an attachment: ``<kind>/<anything>``; it is data, never a path.

    Raises:
        InvalidInput: another kind, empty, too long, or holding control characters.
    """
    kind, _, rest = name.partition("/") if isinstance(name, str) else ("", "", "")
    problem = None
    if kind not in ATTACHMENT_KINDS or not rest:
        problem = f"must begin with {', '.join(k + '/' for k in ATTACHMENT_KINDS)}"
    elif len(name) > MAX_ATTACHMENT_NAME:
        problem = f"is longer than {MAX_ATTACHMENT_NAME} characters"
    elif any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        problem = "holds a control character"
    if problem:
        raise InvalidInput(
            f"attachment name {str(name)[:60]!r} {problem}",
            kind="bad-name",
            hint=f"such as {_example(name)!r}" if problem.startswith("must") else None,
            field="name",
        )
    return normal(name)


def _example(name: str) -> str:
    """The name as it may have been meant: the kind of another number, or none."""
    kind, _, rest = name.partition("/") if isinstance(name, str) else ("", "", "")
    meant = next((k for k in ATTACHMENT_KINDS if kind and k.startswith(kind.lower()[:4])), None)
    return f"{meant}/{rest or 'NAME'}" if meant else f"artifacts/{str(name)[:60] or 'NAME'}"


def under(kind: str, name: str) -> str:
    """The full name of a log, result ...: given with its kind in front or without it.

    Raises:
        InvalidInput: it cannot be a name.
    """
    prefix = f"{kind}/"
    if not isinstance(name, str):
        return check_attachment_name(name)
    return check_attachment_name(name if name.startswith(prefix) else prefix + name)


def folders_among(names: Iterable[str]) -> set[str]:
    """What leads to some name as folders do: of ``artifacts/x/y`` ``artifacts/x``."""
    found: set[str] = set()
    for name in names:
        parts = name.split("/")
        found.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return found


def safe_path(name: str, *, beside_folder: bool = False) -> tuple[str, ...]:
    """Parts of a relative path for an attachment: never leads up, never absolute.

    Different names have different paths, and usual ones look as they are. What has a meaning
    to a file system (``..``, empty parts, colons, backslashes, device names) becomes ``%xx``.

    Args:
        name: the attachment's.
        beside_folder: other names go on where this one ends, so its path has a folder
            there: it gets a ``%`` behind it, as no other path has.

    Raises:
        InvalidInput: a part is too long for a file name.
    """
    parts = tuple(_safe_part(part) for part in name.split("/"))
    if beside_folder:
        parts = (*parts[:-1], f"{parts[-1]}%")
    longest = max(len(part.encode()) for part in parts)
    if longest > MAX_PART_BYTES:
        raise InvalidInput(
            f"attachment {name[:60]!r} has no file name: a part of it takes {longest} bytes",
            kind="bad-name",
            hint="'graven cat' writes it anywhere",
            field="name",
        )
    return parts


def _safe_part(part: str) -> str:
    if not part:
        return "%"  # no escape looks so, and no other part may be called this
    last = len(part) - 1
    encode_first = part in (".", "..") or _is_device(part)
    out: list[str] = []
    for position, char in enumerate(part):
        ends_badly = position == last and char in ". "
        if char in _UNSAFE or ends_badly or (position == 0 and encode_first):
            out.extend(f"%{byte:02x}" for byte in char.encode())
        else:
            out.append(char)
    return "".join(out)


def _is_device(part: str) -> bool:
    stem = part.split(".", 1)[0].rstrip(" ").lower()
    # The one reason for which a letter in front is ever encoded.
    return stem[:1].isascii() and stem[:1].isalpha() and percent_encode(stem).startswith("%")
