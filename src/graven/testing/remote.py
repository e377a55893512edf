"""A bucket without a network: a backend in memory that says it is remote."""

from __future__ import annotations

from graven.backends.memory import MemoryBackend
from graven.testing.faulty import FaultyBackend


class RemoteMemory(MemoryBackend):
    """Keys in memory, treated by a store as those of a bucket.

    Args:
        name: what to share, as for `MemoryBackend`.
        endpoint: tells apart places that have one URL.
    """

    remote = True
    concurrency = 4

    def __init__(self, name: str = "", endpoint: str = "here") -> None:
        super().__init__(f"{endpoint}/{name}" if name else "")
        self.url = f"memory://{name}"
        self.place = f"{endpoint} {self.url}"
        self.ahead_ms = 0  # of this machine's clock

    def listing_token(self, folder: str) -> str | None:
        """None, as buckets have none."""
        super().listing_token(folder)
        return None

    def now_ms(self) -> int:
        """The clock of the storage."""
        return super().now_ms() + self.ahead_ms

    def heard_ms(self) -> int | None:
        """It comes with every answer."""
        return self.now_ms()


def counted(name: str, endpoint: str = "here") -> FaultyBackend:
    """A remote memory whose calls are counted, and fail on demand."""
    return FaultyBackend(RemoteMemory(name, endpoint))
