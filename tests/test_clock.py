"""Stamps always rise; times keep every microsecond."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven import clock
from graven.errors import BackendUnavailable, InvalidInput
from graven.testing import strategies as own

HOUR = 3_600_000
BASE = 1_800_000_000_000

steps = st.lists(
    st.one_of(
        st.tuples(st.just("time"), st.integers(BASE - HOUR // 4, BASE + HOUR // 4)),
        st.tuples(
            st.just("observe"), st.integers(0, BASE + HOUR // 4).map(lambda ms: (ms << 16) + 5)
        ),
        st.tuples(st.just("tick"), st.just(0)),
    )
)


@given(steps)
def test_stamps_rise_above_all_that_was_seen(script):
    now = [BASE]
    ticking = clock.HybridClock(lambda: now[0], floor=7)
    highest = 7
    for what, value in script:
        if what == "time":
            now[0] = value
        elif what == "observe":
            ticking.observe(value)
            highest = max(highest, value)
        else:
            stamp = ticking.tick()
            assert stamp > highest
            assert stamp >> 16 >= now[0]
            highest = stamp


def test_a_stamp_is_the_time_and_a_counter():
    ticking = clock.HybridClock(lambda: BASE)
    assert [ticking.tick() for _ in range(3)] == [(BASE << 16) + i for i in range(3)]
    assert clock.stamp_to_datetime(BASE << 16) == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert clock.format_stamp(BASE << 16) == f"{BASE:012x}0000"


def test_a_clock_more_than_an_hour_behind_is_refused():
    ahead = (BASE + HOUR) << 16
    assert clock.HybridClock(lambda: BASE, floor=ahead).tick() == ahead + 1
    late = clock.HybridClock(lambda: BASE, floor=(BASE + HOUR + 1) << 16)
    with pytest.raises(BackendUnavailable, match=r"clock is 1\.0 h behind") as caught:
        late.tick()
    assert caught.value.kind == "clock-skew"


def test_a_refused_tick_does_not_move_the_clock():
    now = [BASE]
    ticking = clock.HybridClock(lambda: now[0], floor=(BASE + 2 * HOUR) << 16)
    for _ in range(3):
        with pytest.raises(BackendUnavailable):
            ticking.tick()
    now[0] = BASE + HOUR
    assert ticking.tick() == ((BASE + 2 * HOUR) << 16) + 1


@given(own.datetimes())
def test_times_keep_every_microsecond(moment):
    assert clock.micros_to_datetime(clock.micros(moment)) == moment
    assert clock.parse_time(moment.isoformat()) == moment


def test_the_bounds_of_time_are_those_of_datetime():
    assert clock.micros_to_datetime(clock.MIN_MICROS) == datetime.min.replace(tzinfo=UTC)
    assert clock.micros_to_datetime(clock.MAX_MICROS) == datetime.max.replace(tzinfo=UTC)


def test_a_time_without_a_zone_is_local():
    naive = datetime(2026, 11, 21, 9, 30)
    assert clock.parse_time("2026-11-21T09:30:00") == naive.astimezone()
    aware = naive.replace(tzinfo=UTC) + timedelta(hours=1)
    assert clock.make_aware(aware) is aware


@pytest.mark.parametrize("text", ["", "now", "1795253400", "2026-13-01", "2026-11-21T25:00"])
def test_other_text_is_no_time(text):
    with pytest.raises(InvalidInput, match="not an ISO 8601 time"):
        clock.parse_time(text)


class Stopped:
    """A clock that stands until somebody waits."""

    def __init__(self, ns):
        self.ns = ns

    def time_ns(self):
        return self.ns

    def monotonic(self):
        return self.ns / 1e9

    def sleep(self, seconds):
        self.ns += round(seconds * 1e9)


def test_time_is_read_from_whoever_keeps_it_here():
    keeper = Stopped(BASE * 1_000_000)
    with clock.kept_by(keeper):
        clock.sleep(2.5)
        assert clock.wall_ms() == BASE + 2_500
        assert clock.wall_seconds() == clock.monotonic() == BASE / 1000 + 2.5
        assert clock.now() == clock.micros_to_datetime((BASE + 2_500) * 1000)
        assert clock.HybridClock().tick() == (BASE + 2_500) << 16
    assert clock.wall_ms() != BASE + 2_500


def test_another_thread_keeps_the_time_of_the_system():
    seen = []
    with clock.kept_by(Stopped(0)):
        thread = threading.Thread(target=lambda: seen.append(clock.wall_ms()))
        thread.start()
        thread.join()
        assert clock.wall_ms() == 0
    assert seen[0] > 0
