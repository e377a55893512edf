"""What a client has last seen of small files: bodies, absences, names, and how old they are."""

import pytest

from graven import clock
from graven.client.memo import Memo

KEY = "refs/baselines/main.json"


class Clock:
    def __init__(self):
        self.seconds = 1_800_000_000

    def time_ns(self):
        return self.seconds * 10**9


@pytest.fixture
def memo(tmp_path):
    return Memo(str(tmp_path / "seen"))


def test_the_age_is_by_the_clock_that_kept_it(memo):
    time = Clock()
    with clock.kept_by(time):
        memo.keep(KEY, b"body", "v1")
        time.seconds += 90
        assert memo.recall(KEY) == (b"body", "v1", 90.0)
        time.seconds -= 100
        assert memo.recall(KEY).age == -10.0


def test_an_absence_is_remembered_too(memo):
    assert memo.recall(KEY) is None
    memo.keep(KEY, None, "")
    assert memo.recall(KEY).data is None


def test_names_are_those_of_the_last_look_and_of_bodies_seen_since(memo):
    memo.keep_names("refs/baselines", ["a.json"])
    memo.keep(KEY, b"body", "v1")
    assert memo.recall_names("refs/baselines") == ["a.json", "main.json"]
    memo.forget()
    assert memo.recall_names("refs/baselines") == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\nx", b"{}\nx", b'{"at": "x"}\nx', b"\xff\n"])
def test_a_damaged_file_is_as_if_nobody_had_looked(memo, tmp_path, damage):
    memo.keep(KEY, b"body", "v1")
    (file,) = (tmp_path / "seen").iterdir()
    file.write_bytes(damage)
    assert memo.recall(KEY) is None
