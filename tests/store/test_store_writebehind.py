"""Writes in other threads: a few at a time; an error reaches whoever asks next."""

import threading

import pytest

from graven.store.writebehind import WriteBehind


@pytest.mark.parametrize("at_once", [0, 1])
def test_writes_come_in_their_order_one_at_a_time(at_once):
    behind = WriteBehind(at_once)
    done, threads = [], set()
    for number in range(20):

        def write(number=number):
            threads.add(threading.current_thread())
            done.append(number)

        behind.do(write)
        assert len(done) >= number
    behind.wait()
    assert done == list(range(20))
    assert (threading.current_thread() in threads) is (at_once == 0)


def test_as_many_as_allowed_are_under_way_and_no_more():
    behind = WriteBehind(3)
    meeting = threading.Barrier(3, timeout=30)
    now, most = [0], []
    lock = threading.Lock()

    def write():
        with lock:
            now[0] += 1
            most.append(now[0])
        meeting.wait()  # nobody gets on until three are here
        with lock:
            now[0] -= 1

    for _ in range(9):
        behind.do(write)
    behind.wait()
    assert len(most) == 9
    assert max(most) == 3


@pytest.mark.parametrize("at_once", [0, 1])
def test_an_error_is_raised_once_and_stops_the_next_write(at_once):
    behind = WriteBehind(at_once)
    done = []

    def fail():
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        behind.do(fail)
        behind.do(lambda: done.append(1))
    assert done == []
    behind.do(lambda: done.append(2))
    behind.wait()
    behind.wait()
    assert done == [2]


def test_an_error_is_told_when_the_others_are_over():
    behind = WriteBehind(3)
    failed, done = threading.Event(), []

    def fail():
        failed.set()
        raise OSError("no room")

    def slow():
        failed.wait(30)
        done.append(1)

    behind.do(slow)
    behind.do(slow)
    behind.do(fail)
    with pytest.raises(OSError, match="no room"):
        behind.wait()
    assert done == [1, 1]
