"""One write at a time, in another thread; its error reaches whoever asks next."""

import threading

import pytest

from graven.store.writebehind import WriteBehind


@pytest.mark.parametrize("threaded", [True, False])
def test_writes_come_in_their_order_one_at_a_time(threaded):
    behind = WriteBehind(threaded=threaded)
    done, threads = [], set()
    for number in range(20):

        def write(number=number):
            threads.add(threading.current_thread())
            done.append(number)

        behind.do(write)
        assert len(done) >= number
    behind.wait()
    assert done == list(range(20))
    assert (threading.current_thread() in threads) is not threaded


@pytest.mark.parametrize("threaded", [True, False])
def test_an_error_is_raised_once_and_stops_the_next_write(threaded):
    behind = WriteBehind(threaded=threaded)
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
