import pytest

from graven import clock
from graven.backends.driver import Transient
from graven.backends.server_clock import ServerClock, fetch_date


class Keeper:
    def __init__(self):
        self.wall = 1_000_000.0
        self.ticks = 5.0

    def time_ns(self):
        return int(self.wall * 1e9)

    def monotonic(self):
        return self.ticks

    def sleep(self, seconds):
        self.wall += seconds
        self.ticks += seconds


@pytest.fixture
def keeper():
    keeper = Keeper()
    with clock.kept_by(keeper):
        yield keeper


def test_it_counts_on_from_what_was_heard(keeper):
    server = ServerClock()
    assert server.now_ms() is None
    server.hear("Sat, 21 Nov 2026 17:31:43 GMT")
    assert server.now_ms() == 1795282303_000
    keeper.sleep(1.25)
    assert server.now_ms() == 1795282304_250
    server.hear("Sat, 21 Nov 2026 17:40:00 GMT")
    assert server.now_ms() == 1795282800_000


def test_what_is_no_date_changes_nothing(keeper):
    server = ServerClock()
    server.hear("Sat, 21 Nov 2026 17:31:43 GMT")
    for odd in ("", "yesterday", "Sat, 99 Nov 2026 17:31:43 GMT"):
        server.hear(odd)
    assert server.now_ms() == 1795282303_000


def test_long_ago_does_not_count(keeper):
    server = ServerClock()
    server.hear("Sat, 21 Nov 2026 17:31:43 GMT")
    keeper.sleep(301)
    assert server.now_ms() is None


def test_neither_does_what_was_heard_before_a_sleep_of_the_machine(keeper):
    server = ServerClock()
    server.hear("Sat, 21 Nov 2026 17:31:43 GMT")
    keeper.wall += 3600
    assert server.now_ms() is None


def test_a_date_comes_with_any_answer(ministack):
    server = ServerClock()
    server.hear(fetch_date(ministack.endpoint, "/no-such-bucket"))
    assert abs(server.now_ms() - clock.wall_ms()) < 60_000
    with pytest.raises(Transient) as caught:
        fetch_date("http://127.0.0.1:1", "/bucket")
    assert caught.value.unreachable
