"""The rows of a pack's metadata."""

import pytest

from graven.formats.header import grow_commit, shrink_commit


@pytest.mark.parametrize(
    ("commit", "stored"),
    [
        (None, None),
        ("ab" * 20, b"\xab" * 20),
        ("ab" * 32, b"\xab" * 32),
        ("AB" * 20, "AB" * 20),
        ("ab" * 19, "ab" * 19),
        ("9fceb02", "9fceb02"),
        ("", ""),
        ("v1.0", "v1.0"),
        ("g" * 40, "g" * 40),
    ],
)
def test_full_hashes_take_half_the_room_and_come_back(commit, stored):
    assert shrink_commit(commit) == stored
    assert grow_commit(stored) == commit
