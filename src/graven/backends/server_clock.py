"""The clock of a service, as the answers that came from it tell."""

from __future__ import annotations

from urllib.parse import urlsplit

from graven import clock
from graven.backends import driver
from graven.backends.driver import Transient

MAX_AGE_SECONDS = 300.0
_MAX_DISAGREEMENT = 2.0


class ServerClock:
    """Keeps the last ``Date`` heard and counts on from there. Safe to share between threads.

    A ``Date`` has whole seconds and was written before it arrived, so the time told here is
    never ahead of the service's, and behind by a second and the way at most: on the safe side
    for whoever asks whether something is old enough to be removed.
    """

    def __init__(self) -> None:
        self._heard: tuple[int, float, float] | None = None  # replaced whole, never changed

    def hear(self, date: str) -> None:
        """Take the ``Date`` header of an answer that has just come; ignores what is none."""
        from email.utils import parsedate_to_datetime

        try:
            seconds = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        self._heard = (int(seconds * 1000), clock.monotonic(), clock.wall_seconds())

    def now_ms(self) -> int | None:
        """Milliseconds since 1970, or None when it is too long ago that any was heard."""
        heard = self._heard
        if heard is None:
            return None
        then_ms, monotonic, wall = heard
        gone = clock.monotonic() - monotonic
        # The monotonic clock stands still while a machine sleeps.
        slept = abs(clock.wall_seconds() - wall - gone) > _MAX_DISAGREEMENT
        return None if slept or gone > MAX_AGE_SECONDS else then_ms + int(gone * 1000)


def fetch_date(endpoint: str, path: str) -> str:
    """The ``Date`` of an answer, whatever it says otherwise; empty if it has none.

    Args:
        endpoint: ``http://host:port`` or with https.
        path: what is asked for, without a signature.

    Raises:
        Transient: no answer came.
    """
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(endpoint)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=driver.CONNECT_SECONDS)
    try:
        connection.request("HEAD", path)
        return connection.getresponse().getheader("Date", "")
    except (OSError, HTTPException) as error:
        raise Transient(f"no answer from {endpoint}", unreachable=True) from error
    finally:
        connection.close()
