"""A stream read ahead: all of it, its error, or no more of it than was wanted."""

import io
import os
import random
import threading

import pytest

from graven.ids import hash_bytes
from graven.objects.chunks import cut
from graven.objects.intake import Intake

MIB = 1024 * 1024
DATA = random.Random(9).randbytes(30 * MIB)


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "graven-intake"]


def test_groups_are_the_chunks_of_the_whole():
    intake = Intake(io.BytesIO(DATA))
    with intake.groups() as groups:
        found = [item for group in groups for item in group]
    assert [item.data for item in found] == list(cut(DATA))
    assert all(item.id == hash_bytes(item.data) for item in found)
    assert (intake.size, intake.blake3) == (len(DATA), hash_bytes(DATA))
    assert not workers()


def test_an_empty_stream_has_no_groups():
    intake = Intake(io.BytesIO())
    with intake.groups() as groups:
        assert list(groups) == []
    assert (intake.size, intake.blake3) == (0, hash_bytes(b""))


def test_who_stops_early_leaves_no_thread_and_a_source_that_rests():
    source = io.BytesIO(DATA)
    with pytest.raises(ZeroDivisionError), Intake(source).groups() as groups:
        next(groups)
        raise ZeroDivisionError
    assert not workers()
    assert source.tell() < len(DATA)  # no more than what lies ahead was read


def test_a_source_that_is_silent_keeps_nobody():
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as source, open(writing, "wb") as feed:
        with Intake(source).groups():
            waiting = workers()
        feed.write(b"x")
    for worker in waiting:
        worker.join()
    assert not workers()
