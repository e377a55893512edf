"""A stream that somebody gave, whose faults say which stream it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graven.errors import GravenError, InvalidInput
from graven.objects.chunks import Readable


class GuardedSource:
    """Reads another stream; what goes wrong there is `InvalidInput` here.

    A stream that has nothing *yet* must not be taken for one that has ended.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._name = str(getattr(source, "name", "the stream"))

    def read(self, size: int, /) -> bytes:
        """As the stream's own.

        Raises:
            InvalidInput: it fails, gives text, or gives nothing because it does not wait.
        """
        piece: object = self._asked(lambda: self._source.read(size))
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise self._refusal(f"gives {type(piece).__name__}, not bytes")
        if len(piece) > size:
            raise self._refusal("gives more than it was asked for")
        return bytes(piece)

    def readinto(self, room: memoryview, /) -> int:
        """As the stream's own, or by way of its ``read``."""
        own = getattr(self._source, "readinto", None)
        if own is None:
            piece = self.read(len(room))
            room[: len(piece)] = piece
            return len(piece)
        return int(self._asked(lambda: own(room)))

    def _asked(self, question: Callable[[], Any]) -> Any:
        try:
            found = question()
        except GravenError:  # an attachment of another store, say
            raise
        except (OSError, ValueError) as error:  # closed, not made for reading
            raise self._refusal(f"cannot be read: {_reason(error)}") from error
        if found is None:
            raise self._refusal("has nothing to read yet and does not wait (O_NONBLOCK)")
        return found

    def _refusal(self, fault: str) -> InvalidInput:
        return InvalidInput(
            f"{self._name} {fault}",
            kind="file-unreadable",
            hint="nothing was stored",
            file=self._name,
        )


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
