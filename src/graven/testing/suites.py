"""What every backend must do, as tests to inherit from.

A subclass says how to open the place and how to look at it past the backend::

    class TestMine(BackendSuite):
        def open(self, tmp_path): ...
        def poke(self, backend, key, data): ...
        def peek(self, backend, key): ...
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from graven.backends.base import Backend, Capabilities
from graven.errors import BackendUnavailable
from graven.testing.racing import race
from graven.testing.reading_suite import BODIES, KEYS, ReadingSuite

BIG = bytes(range(251)) * 20_900  # 5.2 MB, and no part of it looks like its neighbour


class BackendSuite(ReadingSuite):
    """The conformance suite. ``open`` may be called twice and must find the same keys."""

    racers = 16
    rounds = 20
    enforces_delete = True
    """False for a stand-in that takes no heed of the conditions of a delete; nothing else."""

    def open(self, tmp_path: Path) -> Backend:
        """Open the place that belongs to ``tmp_path``."""
        raise NotImplementedError

    def poke(self, backend: Backend, key: str, data: bytes) -> None:
        """Write a body without the backend's help."""
        raise NotImplementedError

    def peek(self, backend: Backend, key: str) -> bytes | None:
        """Read a body without the backend's help; None when there is none."""
        raise NotImplementedError

    def fill(self, tmp_path: Path, bodies: Mapping[str, bytes]) -> Backend:
        """See `ReadingSuite.fill`."""
        backend = self.open(tmp_path)
        for key, body in bodies.items():
            self.poke(backend, key, body)
        return backend

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[Backend]:
        """A backend on an empty place."""
        backend = self.open(tmp_path)
        yield backend
        backend.close()
        backend.close()  # twice is fine

    @pytest.fixture
    def creating(self, backend: Backend) -> Backend:
        """A backend that says it can create if absent."""
        if not backend.capabilities.create:
            pytest.skip("this backend declares no create-if-absent")
        return backend

    @pytest.fixture
    def deleting(self, swapping: Backend) -> Backend:
        """A backend that says it can delete on a condition, on a server that heeds it."""
        if not swapping.capabilities.swap_delete:
            pytest.skip("this backend declares no compare-and-delete")
        if not self.enforces_delete:
            pytest.skip("this server ignores the conditions of deletes")
        return swapping

    @pytest.fixture
    def swapping(self, backend: Backend) -> Backend:
        """A backend that says it can swap."""
        if not backend.capabilities.swap:
            pytest.skip("this backend declares no compare-and-swap")
        return backend

    # Reading and writing.

    def test_put_and_get_each_agree_with_the_storage_itself(self, backend: Backend) -> None:
        for number, key in enumerate(KEYS):
            body = BODIES[number % len(BODIES)]
            backend.put(key, body)
            assert self.peek(backend, key) == body
            self.poke(backend, key, body + b"!")
            assert backend.get(key) == body + b"!"

    def test_what_one_handle_wrote_anotherreads(self, backend: Backend, tmp_path: Path) -> None:
        backend.put("packs/a", b"one")
        other = self.open(tmp_path)
        assert other.get("packs/a") == b"one"
        other.put("packs/a", b"two")
        assert backend.get("packs/a") == b"two"
        other.close()

    @pytest.mark.parametrize("durable", [True, False])
    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_any_kind_of_bytes_is_taken(
        self, backend: Backend, kind: Callable[[bytes], bytes], durable: bool
    ) -> None:
        backend.put("a", kind(b"first"), durable=durable)
        assert self.peek(backend, "a") == b"first"
        if backend.capabilities.create:
            assert backend.put_if_absent("b", kind(b"second"), durable=durable) is not None
            assert self.peek(backend, "b") == b"second"
        if backend.capabilities.swap:
            assert backend.put_if_version("b", kind(b"third"), backend.get_with_version("b")[1])
            assert self.peek(backend, "b") == b"third"

    def test_a_buffer_changed_afterwards_changes_nothing(self, backend: Backend) -> None:
        buffer = bytearray(b"before")
        backend.put("a", buffer)
        buffer[:] = b"after!"
        assert backend.get("a") == b"before"

    def test_put_replaces_longer_and_shorter(self, backend: Backend) -> None:
        for body in (b"middle", b"s", b"", b"much longer than before", b"x"):
            backend.put("packs/a", body)
            assert self.peek(backend, "packs/a") == body
            assert backend.get("packs/a") == body

    def test_a_big_body_arrives_whole(self, backend: Backend) -> None:
        backend.put("packs/big", BIG)
        assert self.peek(backend, "packs/big") == BIG
        assert backend.get("packs/big") == BIG
        assert backend.get_range("packs/big", 5_000_000, 1000) == BIG[5_000_000:5_001_000]

    # Conditional writes.

    def test_put_if_absent_leaves_what_is_there(self, creating: Backend) -> None:
        backend = creating
        version = backend.put_if_absent("refs/a", b"first")
        assert version is not None
        assert backend.get_with_version("refs/a") == (b"first", version)
        assert backend.put_if_absent("refs/a", b"second") is None
        assert self.peek(backend, "refs/a") == b"first"
        self.poke(backend, "refs/b", b"")  # an empty body is there, too
        assert backend.put_if_absent("refs/b", b"second") is None
        assert self.peek(backend, "refs/b") == b""

    def test_a_swap_needs_the_version_of_now(self, swapping: Backend) -> None:
        first = swapping.put_if_absent("refs/a", b"one")
        assert first is not None
        second = swapping.put_if_version("refs/a", b"two", first)
        assert second is not None
        assert swapping.get_with_version("refs/a") == (b"two", second)
        assert swapping.put_if_version("refs/a", b"lost", first) is None
        assert swapping.put_if_version("refs/a", b"lost", "no such version") is None
        assert self.peek(swapping, "refs/a") == b"two"

    def test_a_swap_sees_what_others_wrote(self, swapping: Backend) -> None:
        version = swapping.put_if_absent("refs/a", b"one")
        assert version is not None
        self.poke(swapping, "refs/a", b"two")
        assert swapping.put_if_version("refs/a", b"lost", version) is None
        _, version = swapping.get_with_version("refs/a")
        assert swapping.put_if_version("refs/a", b"three", version) is not None
        assert self.peek(swapping, "refs/a") == b"three"

    def test_a_swap_never_creates(self, swapping: Backend) -> None:
        version = swapping.put_if_absent("refs/a", b"one")
        assert version is not None
        swapping.delete("refs/a")
        assert swapping.put_if_version("refs/a", b"two", version) is None
        assert swapping.put_if_version("nowhere/a", b"two", version) is None
        assert self.peek(swapping, "refs/a") is None
        assert self.peek(swapping, "nowhere/a") is None

    def test_equal_sizes_in_one_moment_are_told_apart(self, swapping: Backend) -> None:
        version = swapping.put_if_absent("refs/a", b"0000")
        for number in range(1, 200):
            assert version is not None
            stale, version = version, swapping.put_if_version("refs/a", b"%04d" % number, version)
            assert swapping.put_if_version("refs/a", b"lost", stale) is None
        assert self.peek(swapping, "refs/a") == b"0199"

    def test_deletes(self, backend: Backend) -> None:
        self.poke(backend, "packs/a", b"x")
        backend.delete("packs/a")
        assert self.peek(backend, "packs/a") is None
        for key in ("packs/a", "nowhere/a", "packs"):
            backend.delete(key)  # missing is fine
        backend.put("packs/a", b"back again")
        assert backend.get("packs/a") == b"back again"

    def test_a_guarded_delete_needs_the_version_of_now(self, deleting: Backend) -> None:
        old = deleting.put_if_absent("packs/a", b"one")
        assert old is not None
        new = deleting.put_if_version("packs/a", b"other", old)
        assert new is not None
        assert not deleting.delete_if_version("packs/a", old)
        assert self.peek(deleting, "packs/a") == b"other"
        assert deleting.delete_if_version("packs/a", new)
        assert not deleting.delete_if_version("packs/a", new)
        assert not deleting.delete_if_version("nowhere/a", new)
        assert self.peek(deleting, "packs/a") is None

    def test_the_version_of_a_listing_guards_a_delete(self, deleting: Backend) -> None:
        deleting.put("packs/a", b"one")
        (entry,) = deleting.list("packs/")
        assert deleting.head("packs/a") == entry
        deleting.put("packs/a", b"longer")
        assert not deleting.delete_if_version("packs/a", entry.version)
        (entry,) = deleting.list("packs/")
        assert deleting.delete_if_version("packs/a", entry.version)
        assert self.peek(deleting, "packs/a") is None

    def test_what_is_not_declared_is_refused_aloud(self, backend: Backend) -> None:
        assert isinstance(backend.capabilities, Capabilities)
        backend.put("refs/a", b"one")
        _, version = backend.get_with_version("refs/a")
        if backend.capabilities.swap:
            assert backend.put_if_version("refs/a", b"two", version) is not None
        else:
            with pytest.raises(BackendUnavailable) as caught:
                backend.put_if_version("refs/a", b"two", version)
            assert caught.value.kind == "no-swap"
            assert self.peek(backend, "refs/a") == b"one"
        if not (backend.capabilities.swap and backend.capabilities.swap_delete):
            with pytest.raises(BackendUnavailable) as caught:
                backend.delete_if_version("refs/a", backend.get_with_version("refs/a")[1])
            assert caught.value.kind == "no-swap"
            assert self.peek(backend, "refs/a") is not None
        if not backend.capabilities.create:
            with pytest.raises(BackendUnavailable):
                backend.put_if_absent("refs/b", b"one")

    # Listings.

    def test_a_deleted_name_is_no_longer_listed(self, backend: Backend) -> None:
        for key in ("packs/a", "packs/b"):
            self.poke(backend, key, b"x")
        backend.delete("packs/a")
        assert backend.names("packs") == ["b"]

    def test_a_token_that_stays_means_names_that_stay(self, backend: Backend) -> None:
        changes: list[Callable[[], object]] = [
            lambda: backend.put("packs/a", b"x"),
            lambda: backend.delete("packs/a"),
            lambda: self.poke_token(backend, "packs/c"),
        ]
        if backend.capabilities.create:
            changes.append(lambda: backend.put_if_absent("packs/b", b"x"))
        for change in changes:
            before = backend.listing_token("packs")
            change()
            after = backend.listing_token("packs")
            assert before is None or before != after

    def poke_token(self, backend: Backend, key: str) -> None:
        """A change of names made in the way another process would make it."""
        backend.put(key, b"x")

    # Many at once.

    def test_of_many_creators_one_wins(self, creating: Backend) -> None:
        backend = creating
        for number in range(self.rounds):
            key = f"refs/{number}"
            bodies = [b"%d" % racer * 100 for racer in range(self.racers)]
            wins = race([partial(backend.put_if_absent, key, body) for body in bodies])
            winners = [body for body, version in zip(bodies, wins, strict=True) if version]
            assert winners == [self.peek(backend, key)]

    def test_of_many_swappers_one_wins(self, swapping: Backend) -> None:
        assert swapping.put_if_absent("refs/a", b"start") is not None
        for number in range(self.rounds):
            _, version = swapping.get_with_version("refs/a")
            bodies = [b"%d-%d" % (number, racer) for racer in range(self.racers)]
            wins = race(
                [partial(swapping.put_if_version, "refs/a", body, version) for body in bodies]
            )
            winners = [body for body, new in zip(bodies, wins, strict=True) if new]
            assert winners == [self.peek(swapping, "refs/a")]

    def test_of_a_swap_and_a_guarded_delete_one_wins(self, deleting: Backend) -> None:
        for number in range(self.rounds):
            key = f"refs/{number}"
            version = deleting.put_if_absent(key, b"start")
            assert version is not None
            swap: Callable[[], object] = partial(deleting.put_if_version, key, b"new", version)
            gone: Callable[[], object] = partial(deleting.delete_if_version, key, version)
            wins = race([swap, gone] * (self.racers // 2))
            assert sum(map(bool, wins)) == 1
            assert self.peek(deleting, key) == (b"new" if any(wins[::2]) else None)

    def test_a_counter_loses_no_step(self, swapping: Backend) -> None:
        assert swapping.put_if_absent("refs/n", b"0") is not None

        def add() -> None:
            while True:
                body, version = swapping.get_with_version("refs/n")
                if swapping.put_if_version("refs/n", b"%d" % (int(body) + 1), version):
                    return

        race([add] * self.racers)
        assert self.peek(swapping, "refs/n") == b"%d" % self.racers

    def test_readers_never_see_half_a_write(self, backend: Backend) -> None:
        bodies = [bytes([letter]) * size for letter, size in ((65, 300_000), (66, 100_000))]
        backend.put("runs/a", bodies[0])
        done = threading.Event()

        def write() -> None:
            try:
                for number in range(40):
                    backend.put("runs/a", bodies[number % 2], durable=False)
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                assert backend.get("runs/a") in bodies
                assert backend.get_with_version("runs/a")[0] in bodies
                tail, size = backend.get_tail("runs/a", 10)
                assert (tail, size) in [(body[-10:], len(body)) for body in bodies]
                assert [entry.size for entry in backend.list("runs/")] in (
                    [[len(body)] for body in bodies]
                )
                assert backend.names("runs") == ["a"]

        race([write, read, read, read])

    def test_many_writers_lose_nothing(self, backend: Backend) -> None:
        def write(racer: int) -> None:
            for number in range(25):
                backend.put(f"packs/{racer}-{number}", b"%d" % racer, durable=False)

        race([partial(write, racer) for racer in range(self.racers)])
        assert len(backend.names("packs")) == self.racers * 25
        assert all(
            self.peek(backend, f"packs/{racer}-24") == b"%d" % racer for racer in range(self.racers)
        )
