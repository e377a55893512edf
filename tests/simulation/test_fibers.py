"""Functions that run only when it is their turn."""

import threading

import pytest

from graven.testing.simulation import fibers
from graven.testing.simulation.fibers import Fiber


def test_it_runs_from_pause_to_pause():
    seen = []

    def body():
        for number in range(3):
            seen.append(number)
            fiber.pause()

    fiber = Fiber(body, "f")
    assert seen == []
    for number in range(3):
        fiber.resume()
        assert seen == list(range(number + 1))
        assert not fiber.ended
    fiber.resume()
    assert fiber.ended
    fiber.resume()


def test_what_it_raises_is_raised_where_it_was_resumed():
    def body():
        raise KeyError("x")

    fiber = Fiber(body, "f")
    with pytest.raises(KeyError):
        fiber.resume()
    assert fiber.ended


def test_one_that_waits_for_anothers_lock_is_named(monkeypatch):
    monkeypatch.setattr(fibers, "BLOCKED_SECONDS", 0.05)
    lock = threading.Lock()

    def body():
        with lock:
            holder.pause()

    def wait():
        with lock:
            pass

    holder, waiter = Fiber(body, "holder"), Fiber(wait, "waiter")
    holder.resume()
    with pytest.raises(RuntimeError, match="waiter waits for a lock"):
        waiter.resume()
    holder.resume()
