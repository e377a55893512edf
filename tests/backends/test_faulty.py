import pytest

from graven.backends.local import LocalBackend
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, NotFound
from graven.testing.faulty import FaultyBackend, SimulatedCrash, SteppingLocalBackend
from graven.testing.suites import BackendSuite


class TestFaultyWithoutFaults(BackendSuite):
    """The wrapper changes nothing as long as no fault is set."""

    rounds = 3

    def open(self, tmp_path):
        return FaultyBackend(LocalBackend(tmp_path / "store", fsync=False))

    def poke(self, backend, key, data):
        path = backend.inner.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def peek(self, backend, key):
        path = backend.inner.root / key
        return path.read_bytes() if path.exists() else None


def test_calls_are_recorded_in_order():
    backend = FaultyBackend(MemoryBackend())
    backend.put("a", b"x")
    backend.get("a")
    backend.names("")
    with pytest.raises(NotFound):
        backend.get("b")
    assert backend.calls == [("put", "a"), ("get", "a"), ("names", ""), ("get", "b")]
    assert backend.writes == [("put", "a")]


def test_an_error_before_leaves_things_as_they_were():
    backend = FaultyBackend(MemoryBackend())
    backend.fail(2)
    backend.put("a", b"1")
    with pytest.raises(BackendUnavailable) as caught:
        backend.put("a", b"2")
    assert caught.value.kind == "timeout"
    assert backend.inner.get("a") == b"1"
    backend.put("a", b"3")
    assert backend.inner.get("a") == b"3"


def test_a_lost_answer_hides_a_write_that_happened():
    backend = FaultyBackend(MemoryBackend())
    backend.lose_answer(method="put_if_absent")
    backend.names("")
    with pytest.raises(BackendUnavailable):
        backend.put_if_absent("a", b"1")
    assert backend.inner.get("a") == b"1"
    assert backend.put_if_absent("a", b"1") is None


def test_only_the_named_method_counts_and_any_error_can_be_raised():
    backend = FaultyBackend(MemoryBackend())
    backend.fail(2, method="get", error=lambda: NotFound("gone again"))
    backend.put("a", b"1")
    assert backend.get("a") == b"1"
    backend.put("a", b"2")
    with pytest.raises(NotFound, match="gone again"):
        backend.get("a")


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_dead_do_nothing_more(when):
    backend = FaultyBackend(MemoryBackend())
    backend.crash(2, when=when)
    backend.put("a", b"1")
    with pytest.raises(SimulatedCrash):
        backend.put("b", b"1")
    for call in (lambda: backend.get("a"), lambda: backend.delete("a")):
        with pytest.raises(SimulatedCrash):
            call()
    assert sorted(backend.inner.names("")) == (["a"] if when == "before" else ["a", "b"])


STEPS = ["write", "sync", "rename", "sync-folder"]


@pytest.mark.parametrize("fsync", [True, False])
def test_the_steps_of_a_write_are_these(tmp_path, fsync):
    expected = STEPS if fsync else ["write", "rename"]
    backend = SteppingLocalBackend(tmp_path, fsync=fsync)
    backend.put("packs/a", b"x")
    assert backend.steps == expected
    backend.steps.clear()
    version = backend.put_if_absent("packs/b", b"x")
    assert backend.steps == expected
    backend.steps.clear()
    backend.put_if_version("packs/b", b"y", version)
    assert backend.steps == expected
    backend.steps.clear()
    backend.put("runs/a", b"x", durable=False)
    assert backend.steps == ["write", "rename"]


WAYS = {
    "put": (lambda b: b.put("packs/a", b"new"), b"old"),
    "put_if_absent": (lambda b: b.put_if_absent("packs/a", b"new"), None),
    "put_if_version": (
        lambda b: b.put_if_version("packs/a", b"new", b.get_with_version("packs/a")[1]),
        b"old",
    ),
}


@pytest.mark.parametrize("step", range(1, 5))
@pytest.mark.parametrize("way", WAYS)
def test_death_at_any_step_leaves_the_old_or_the_new(tmp_path, way, step):
    write, old = WAYS[way]
    if old is not None:
        LocalBackend(tmp_path).put("packs/a", old)
    with pytest.raises(SimulatedCrash):
        write(SteppingLocalBackend(tmp_path, crash_after=step))

    survivor = LocalBackend(tmp_path)
    path = tmp_path / "packs/a"
    assert (path.read_bytes() if path.exists() else None) == (b"new" if step >= 3 else old)
    assert survivor.names("packs") == [entry.key[6:] for entry in survivor.list("packs/")]
    assert set(survivor.names("packs")) <= {"a"}
    # What stays behind is found, and the next writer is not in its way.
    left = survivor.temporaries()
    # A link is a second name beside the temporary one.
    assert len(left) == (1 if step < (4 if way == "put_if_absent" else 3) else 0)
    assert all(key.startswith("packs/.tmp-") and age < 60_000 for key, age in left)
    assert survivor.remove_temporaries(older_than_ms=3_600_000) == 0
    assert survivor.remove_temporaries(older_than_ms=-60_000) == len(left)
    assert survivor.temporaries() == []
    write(survivor)
    assert path.read_bytes() == b"new"
