"""The errors graven raises, told apart by what the caller does next.

Each class has an exit code (the command line ends with it) and each error a
``kind``, a short word that is stable across releases, a ``hint`` for the
person, and ``fields`` for the program.

=================== ====== ==========================================
class               exit   what the caller does
=================== ====== ==========================================
InvalidInput        2      mend the call or the file
NotFound            3      ask again with another name
Conflict            4      look at both values, decide, try again
Corrupt             5      stop, run ``graven fsck``
BackendUnavailable  6      wait or repair the place, then try again
FormatTooNew        7      use a newer graven
=================== ====== ==========================================

A parent among the built-in errors is there where a program written for plain
files expects one (``FileNotFoundError`` for a missing run).

Warnings are for what did not stop the work: `GravenWarning` and those under it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from typing import Self


class GravenError(Exception):
    """Base of all errors that graven raises on purpose.

    Args:
        message: the fault first, its subject in quotes, no full stop.
        kind: stable code, only ever added to (``"run-missing"``).
        hint: what the person can do about it, or None.
        fields: facts for programs (file, field, expected, actual ...).
    """

    exit_code = 70
    default_kind = "internal"

    def __init__(
        self, message: str, *, kind: str | None = None, hint: str | None = None, **fields: object
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind or self.default_kind
        self.hint = hint
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    def inside(self, place: str, **fields: object) -> Self:
        """The same error, told by somebody who knows where it happened.

        ``place`` leads the message; ``fields`` that the error has itself stay as they are.
        """
        return type(self)(
            f"{place}: {self.message}",
            kind=self.kind,
            hint=self.hint,
            **{**fields, **self.fields},
        )

    def to_dict(self) -> dict[str, object]:
        """The error as one JSON-ready record."""
        record: dict[str, object] = {
            "error": type(self).__name__,
            "kind": self.kind,
            "message": self.message,
            "exit_code": self.exit_code,
        }
        if self.hint:
            record["hint"] = self.hint
        for name, value in self.fields.items():
            record[name] = value if isinstance(value, (int, float, bool)) else str(value)
        return record


class InvalidInput(GravenError, ValueError):
    """Bytes, a value or an argument that cannot be accepted. Nothing was changed."""

    exit_code = 2
    default_kind = "invalid-input"


class NotFound(GravenError, KeyError, FileNotFoundError):
    """The thing asked for is not there (also: a prefix that fits several things)."""

    exit_code = 3
    default_kind = "not-found"

    # KeyError prints the repr of its argument; ours is a sentence.
    __str__ = GravenError.__str__


class Conflict(GravenError):
    """Somebody else changed it first, or a rule forbids the change without force."""

    exit_code = 4
    default_kind = "conflict"


class Corrupt(GravenError):
    """Stored bytes are not what their name or header says."""

    exit_code = 5
    default_kind = "corrupt"


class BackendUnavailable(GravenError, OSError):
    """The place that holds the store did not do what it was asked (full, read-only, gone)."""

    exit_code = 6
    default_kind = "backend-unavailable"

    __str__ = GravenError.__str__


class FormatTooNew(GravenError):
    """Written by a newer graven, in a form this one does not know."""

    exit_code = 7
    default_kind = "format-too-new"


class GravenWarning(UserWarning):
    """Something is not as it should be, and what was asked for was done all the same."""


class QueuedWarning(GravenWarning):
    """A run is not in the store yet: it waits in this machine's outbox."""
