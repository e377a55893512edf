"""What every backend must do that can be read, those that nobody can write to included.

A subclass says how to make a place that holds certain bodies::

    class TestMine(ReadOnlyBackendSuite):
        def fill(self, tmp_path, bodies): ...

Backends that can be written to take `graven.testing.suites.BackendSuite`, which has
these tests too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from graven.backends.base import Backend, Entry
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.testing.calls import reads, writes

KEYS = [
    "store.json",
    "packs/0193-ab.pack",
    "objects/ab/cdef-0123",
    "refs/baselines/m%61in.json",
    "runs/zahlen äöü ß.json",
    "runs/日本語.json",
    "runs/a b'c\"d$(e)&f;g*h?.json",
    "runs/.hidden",
    "runs/" + "n" * 250,
    "a/b/c/d/e/f/g/h",
    "-starts-with-a-dash",
]
BAD_KEYS = [
    "",
    "/etc/passwd",
    "..",
    "../up",
    "packs/../../up",
    "packs/..",
    "./here",
    "packs//twice",
    "packs/",
    "packs/.",
    "nul\x00byte",
    "line\nbreak",
    "back\\slash",
    "c:/drive",
    "half\ud800",
    "packs/.tmp-mine",
    "n" * 256,
    "é" * 128,
    "/".join(["d"] * 33),
    "/".join(["n" * 200] * 6),
]
BODIES = [b"", b"\x00", b"text\n", bytes(range(256)) * 300]

DIGITS = b"0123456789"

Filled = Callable[[Mapping[str, bytes]], Backend]


class ReadingSuite:
    """The reading half of the conformance suite."""

    def fill(self, tmp_path: Path, bodies: Mapping[str, bytes]) -> Backend:
        """Open a place that holds ``bodies``, put there without the backend's help."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self, tmp_path: Path) -> Iterator[Filled]:
        """Makes the backend of a test, which may fill it once, and closes it."""
        with ExitStack() as stack:

            def fill(bodies: Mapping[str, bytes]) -> Backend:
                backend = self.fill(tmp_path, bodies)
                stack.callback(backend.close)
                return backend

            yield fill

    def test_every_way_to_read_gives_the_same_bytes(self, filled: Filled) -> None:
        bodies = {key: BODIES[number % len(BODIES)] for number, key in enumerate(KEYS)}
        backend = filled(bodies)
        for key, body in bodies.items():
            size = len(body)
            assert backend.get(key) == body
            assert backend.get_with_version(key)[0] == body
            assert backend.get_range(key, 0, size + 1) == body
            assert backend.get_ranges(key, [(0, size), (1, size)]) == [body, body[1:]]
            assert backend.get_tail(key, size + 1) == (body, size)

    @pytest.mark.parametrize(
        ("start", "length"), [(0, 4), (3, 4), (6, 4), (9, 9), (10, 1), (99, 5), (4, 0), (0, 10)]
    )
    def test_a_range_is_a_slice(self, filled: Filled, start: int, length: int) -> None:
        backend = filled({"a": DIGITS})
        assert backend.get_range("a", start, length) == DIGITS[start : start + length]

    def test_ranges_are_slices_in_the_order_asked(self, filled: Filled) -> None:
        backend = filled({"a": DIGITS})
        spans = [(6, 4), (0, 4), (9, 9), (99, 5), (4, 0), (0, 10), (0, 4)]
        wanted = [DIGITS[start : start + length] for start, length in spans]
        assert backend.get_ranges("a", spans) == wanted
        assert backend.get_ranges("a", []) == []

    @pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 1000])
    def test_a_tail_comes_with_the_whole_size(self, filled: Filled, length: int) -> None:
        backend = filled({"a": DIGITS, "empty": b""})
        assert backend.get_tail("a", length) == (DIGITS[max(0, 10 - length) :], 10)
        assert backend.get_tail("empty", length) == (b"", 0)

    def test_negative_ranges_are_refused(self, filled: Filled) -> None:
        backend = filled({"a": DIGITS})
        for start, length in ((-1, 2), (0, -1)):
            with pytest.raises(InvalidInput):
                backend.get_range("a", start, length)
            with pytest.raises(InvalidInput):
                backend.get_ranges("a", [(0, 1), (start, length)])
        with pytest.raises(InvalidInput):
            backend.get_tail("a", -1)

    def test_what_is_missing_is_not_found(self, filled: Filled) -> None:
        backend = filled({"packs/there": b"x"})
        for key in ("packs/nothing", "nowhere/at/all", "packs", "packs/there/below"):
            for call in reads(backend, key):
                with pytest.raises(NotFound) as caught:
                    call()
                assert caught.value.kind == "key-missing"
                assert key in str(caught.value)
            assert backend.head(key) is None

    def test_keys_that_could_lead_astray_are_refused_everywhere(self, filled: Filled) -> None:
        backend = filled({})
        for key in BAD_KEYS:
            for call in (*reads(backend, key), *writes(backend, key)):
                with pytest.raises(InvalidInput) as caught:
                    call()
                assert caught.value.kind == "bad-key"
        assert list(backend.list("")) == []

    def test_folders_that_could_lead_astray_are_refused(self, filled: Filled) -> None:
        backend = filled({})
        for folder in ("..", "/", "packs/..", "a//b", "../"):
            for call in (backend.names, backend.listing_token, backend.list):
                with pytest.raises(InvalidInput):
                    call(folder)
        with pytest.raises(InvalidInput):
            backend.list("packs")  # half a name is no folder

    def test_a_listing_is_whole_sorted_and_sized(self, filled: Filled) -> None:
        keys = ["packs/b", "packs/a-b", "packs/a/c", "packs/a.b", "packs/ä", "packs0/x"]
        backend = filled({key: b"x" * number for number, key in enumerate([*keys, "top"])})
        before = backend.now_ms()
        found = list(backend.list("packs/"))
        expected = sorted(key for key in keys if key.startswith("packs/"))
        assert [entry.key for entry in found] == expected
        assert {entry.key: entry.size for entry in found} == {
            key: keys.index(key) for key in expected
        }
        assert [entry.key for entry in backend.list("")] == sorted([*keys, "top"])
        if backend.capabilities.trusted_clock:
            assert all(abs(entry.modified_ms - before) < 60_000 for entry in found)
        assert list(backend.list("nowhere/")) == []

    def test_head_tells_what_a_listing_tells(self, filled: Filled) -> None:
        backend = filled({key: key.encode() for key in KEYS})
        for key in KEYS:
            entry = backend.head(key)
            assert isinstance(entry, Entry)
            assert (entry.key, entry.size) == (key, len(key.encode()))
        assert [entry.key for entry in backend.list("")] == sorted(KEYS)

    def test_names_are_those_of_one_folder(self, filled: Filled) -> None:
        keys = ("top", "packs/a", "packs/b", "packs/deep/c", "packs2/d")
        backend = filled(dict.fromkeys(keys, b"x"))
        assert sorted(backend.names("packs")) == ["a", "b"]
        assert sorted(backend.names("packs/")) == ["a", "b"]
        assert backend.names("") == ["top"]
        assert backend.names("packs/deep") == ["c"]
        assert backend.names("nowhere") == []
        assert backend.names_after("packs", "a") == ["b"]
        assert backend.names_after("packs", "") == backend.names("packs")
        assert backend.names_after("nowhere", "") == []

    def test_a_thousand_keys_are_listed_once_each(self, filled: Filled) -> None:
        names = [f"{number:04d}.pack" for number in range(1001)]
        backend = filled({f"packs/{name}": b"x" for name in names})
        assert sorted(backend.names("packs")) == names
        assert [entry.key for entry in backend.list("packs/")] == [f"packs/{n}" for n in names]


class ReadOnlyBackendSuite(ReadingSuite):
    """The conformance suite of backends that refuse every write."""

    def test_every_write_is_refused_and_changes_nothing(self, filled: Filled) -> None:
        backend = filled({"packs/a": b"x"})
        assert not backend.capabilities.create
        assert not backend.capabilities.swap
        _, version = backend.get_with_version("packs/a")
        refused: list[Callable[[], object]] = [
            lambda: backend.put("packs/a", b"y"),
            lambda: backend.put("packs/b", b"y", durable=False),
            lambda: backend.put_if_absent("packs/b", b"y"),
            lambda: backend.put_if_version("packs/a", b"y", version),
            lambda: backend.delete("packs/a"),
            lambda: backend.delete_if_version("packs/a", version),
            lambda: backend.remove_temporaries(0),
        ]
        for write in refused:
            with pytest.raises(BackendUnavailable) as caught:
                write()
            assert caught.value.kind == "read-only"
        assert backend.names("packs") == ["a"]
        assert backend.get("packs/a") == b"x"

    def test_closed_it_opens_again_when_asked(self, filled: Filled) -> None:
        backend = filled({"packs/a": b"x"})
        token = backend.listing_token("packs")
        backend.close()
        backend.close()  # twice is fine
        assert backend.get("packs/a") == b"x"
        assert backend.listing_token("packs") == token
