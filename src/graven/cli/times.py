"""Times as people type them."""

from graven import clock
from graven.errors import InvalidInput

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from datetime import datetime

_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_span(text: str, option: str) -> int:
    """A span like ``36h``, ``7d``, ``2w``, in seconds.

    Raises:
        InvalidInput: none of these.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _SECONDS and number.isascii() and number.isdigit() and len(number) < 7:
        return int(number) * _SECONDS[unit]
    raise InvalidInput(
        f"{option}: not a span of time: {text[:60]!r}",
        kind="bad-time",
        hint="write it like 36h, 7d, 2w",
    )


def parse_moment(text: str, option: str) -> "datetime":
    """An ISO time, a day (its first moment, local), or an age like ``36h``, ``7d``, ``2w``.

    Raises:
        InvalidInput: none of these.
    """
    number, unit = text[:-1], text[-1:]
    if unit in _SECONDS and number.isascii() and number.isdigit() and len(number) < 7:
        from datetime import timedelta

        return clock.now() - timedelta(seconds=int(number) * _SECONDS[unit])
    try:
        return clock.parse_time(text)
    except InvalidInput as error:
        raise InvalidInput(
            f"{option}: {error.message}",
            kind=error.kind,
            hint="write a time like 2026-11-21T09:30 or an age like 36h, 7d, 2w",
        ) from None
