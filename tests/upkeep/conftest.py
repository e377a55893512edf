"""A store in memory under a clock that tests move: grace periods pass at once."""

import itertools

import pytest

from graven import Store, clock
from graven.backends.memory import MemoryBackend

DAY = 86_400.0
_numbers = itertools.count(1)


class MovedClock:
    """Both the clients' clock and the storage's."""

    def __init__(self):
        self.ns = 1_800_000_000 * 1_000_000_000

    def time_ns(self):
        self.ns += 1_000_000  # each look takes a millisecond: stamps differ
        return self.ns

    def monotonic(self):
        return self.ns / 1e9

    def sleep(self, seconds):
        self.ns += int(seconds * 1e9)

    def forward(self, seconds):
        self.sleep(seconds)


@pytest.fixture
def time():
    keeper = MovedClock()
    with clock.kept_by(keeper):
        yield keeper


@pytest.fixture
def place(time):
    """A backend in memory that is no other test's."""
    name = f"upkeep-{next(_numbers)}"
    yield MemoryBackend(name)
    MemoryBackend.forget(name)


@pytest.fixture
def open_store(place):
    """Opens the one store, each time as another client would."""

    def open_store(backend=None, **options):
        options.setdefault("views", "none")
        return Store(place.url, backend=backend or place, **options)

    return open_store


@pytest.fixture
def store(open_store):
    return open_store()
