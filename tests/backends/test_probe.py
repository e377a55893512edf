"""The probe sees what a service ignores, says it in words, and leaves nothing behind."""

import dataclasses

import pytest

from graven.backends.base import Capabilities
from graven.backends.findings import Outcome
from graven.backends.local import LocalBackend
from graven.backends.memory import MemoryBackend
from graven.backends.probe import PROBE_FOLDER, probe_conditions, proves_swap
from graven.backends.wrappers import ReadOnlyBackend
from graven.errors import BackendUnavailable
from graven.formats import layout
from graven.testing.careless import CarelessBackend
from graven.testing.faulty import FaultyBackend, SimulatedCrash

QUESTIONS = [
    "write",
    "create-twice",
    "create-over-empty",
    "list-after-write",
    "read-after-overwrite",
    "stale-swap",
    "equal-bodies",
    "stale-delete",
    "clock",
    "delete",
    "list-after-delete",
    "swap-of-a-missing-key",
]
NO_CONDITIONS = Capabilities(create=False, swap=False, durable=False, trusted_clock=False)


def outcomes(backend):
    return {found.name: found.outcome for found in probe_conditions(backend).findings}


def wrong(backend):
    return [name for name, outcome in outcomes(backend).items() if outcome is Outcome.WRONG]


def remains(backend):
    return [entry.key for entry in MemoryBackend.list(backend, "")]


def refused(kind="denied"):
    return lambda: BackendUnavailable("access denied", kind=kind)


def test_its_folder_is_known_to_the_layout():
    assert PROBE_FOLDER == layout.PROBE
    backend = FaultyBackend(MemoryBackend())
    probe_conditions(backend)
    keys = {key for method, key in backend.calls if method not in ("list", "names")}
    assert {layout.classify(key) for key in keys} == {layout.FileKind.PROBE}


def test_a_good_place_keeps_all_it_declares():
    backend = MemoryBackend()
    found = probe_conditions(backend)
    assert [finding.name for finding in found.findings] == QUESTIONS
    assert {finding.outcome for finding in found.findings} == {Outcome.OK}
    assert found.holds
    assert found.skew_seconds is not None
    assert remains(backend) == []


def test_a_local_folder_has_equal_versions_for_equal_bodies(tmp_path):
    found = probe_conditions(LocalBackend(tmp_path / "store"))
    assert found.holds
    assert found.find("equal-bodies").outcome is Outcome.NOTED
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("ignores", "names"),
    [
        ("create", ["create-twice", "create-over-empty"]),
        ("create-over-empty", ["create-over-empty"]),
        ("swap", ["stale-swap"]),
        ("swap-of-a-missing-key", ["swap-of-a-missing-key"]),
        ("delete", ["stale-delete"]),
        ("listing", ["list-after-write"]),
        ("clock", ["clock"]),
    ],
)
def test_what_is_ignored_is_found(ignores, names):
    backend = CarelessBackend(ignores=frozenset([ignores]))
    assert wrong(backend) == names
    assert remains(backend) == []


def test_a_stale_read_is_found():
    found = wrong(CarelessBackend(ignores=frozenset(["overwrite"])))
    assert "read-after-overwrite" in found


def test_what_was_not_declared_cannot_be_wrong():
    backend = CarelessBackend(capabilities=NO_CONDITIONS)
    found = outcomes(backend)
    cannot = [name for name, outcome in found.items() if outcome is Outcome.CANNOT]
    assert cannot == ["create-twice", "create-over-empty", "stale-swap", "stale-delete", "clock"]
    assert wrong(backend) == []
    assert found["read-after-overwrite"] is Outcome.OK
    assert remains(backend) == []


def test_a_service_without_conditional_delete_can_all_else():
    can = dataclasses.replace(MemoryBackend().capabilities, swap_delete=False)
    found = outcomes(CarelessBackend(capabilities=can))
    assert found.pop("stale-delete") is Outcome.CANNOT
    assert set(found.values()) == {Outcome.OK}


def test_a_place_to_read_from_is_left_alone():
    backend = FaultyBackend(ReadOnlyBackend(MemoryBackend()))
    (found,) = probe_conditions(backend).findings
    assert (found.name, found.outcome) == ("write", Outcome.CANNOT)
    assert [method for method, _ in backend.calls] == ["put"]


@pytest.mark.parametrize("method", ["put_if_absent", "delete", "names", "put_if_version"])
def test_what_is_denied_is_a_finding(method):
    backend = FaultyBackend(MemoryBackend())
    for nth in range(1, 40):
        backend.fail(nth, method=method, error=refused())
    found = probe_conditions(backend)
    assert not found.holds
    assert any("access denied" in finding.words for finding in found.findings)
    if method == "delete":
        assert found.find("clean-up").words.startswith("cannot remove probe/")


def test_a_place_that_goes_away_is_an_error_after_cleaning():
    whole = FaultyBackend(MemoryBackend())
    probe_conditions(whole)
    cleaning = [method for method, _ in whole.calls[-2:]]
    assert cleaning == ["delete", "delete"]
    for nth in range(1, len(whole.calls) - 1):
        backend = FaultyBackend(MemoryBackend())
        backend.fail(nth, error=refused("unreachable"))
        with pytest.raises(BackendUnavailable):
            probe_conditions(backend)
        assert remains(backend.inner) == []


def test_the_number_of_requests_is_bounded():
    backend = FaultyBackend(MemoryBackend())
    probe_conditions(backend)
    assert len(backend.calls) <= 45


def test_the_cheap_question_takes_five_requests():
    backend = FaultyBackend(MemoryBackend())
    assert proves_swap(backend).outcome is Outcome.OK
    methods = [method for method, _ in backend.calls]
    assert methods == [*["put_if_absent"] * 2, *["put_if_version"] * 2, "delete"]
    assert remains(backend.inner) == []


@pytest.mark.parametrize("ignores", ["create", "swap"])
def test_the_cheap_question_finds_what_loses_updates(ignores):
    backend = CarelessBackend(ignores=frozenset([ignores]))
    found = proves_swap(backend)
    assert found.outcome is Outcome.WRONG
    assert "ignores the condition" in found.words
    assert remains(backend) == []


class RetryingOnLoss(MemoryBackend):
    """Loses the first answers of each kind and sends again, as a driver does."""

    def put_if_absent(self, key, data, *, durable=True):
        super().put_if_absent(key, data)
        return super().put_if_absent(key, data)

    def put_if_version(self, key, data, version):
        super().put_if_version(key, data, version)
        return super().put_if_version(key, data, version)


def test_lost_answers_are_not_taken_for_a_broken_service():
    assert proves_swap(RetryingOnLoss()).outcome is Outcome.OK
    assert probe_conditions(RetryingOnLoss()).holds


@pytest.mark.parametrize("nth", range(1, 6))
def test_the_cheap_question_raises_what_is_no_answer(nth):
    backend = FaultyBackend(MemoryBackend())
    backend.fail(nth, error=refused())
    if nth == 5:  # the cleaning: the answer is known by then
        assert proves_swap(backend).outcome is Outcome.OK
        return
    with pytest.raises(BackendUnavailable):
        proves_swap(backend)
    assert remains(backend.inner) == []


def test_what_a_killed_probe_leaves_is_named_by_fsck():
    import graven

    inner = MemoryBackend()
    backend = FaultyBackend(inner)
    backend.crash(3, method="put_if_version")
    with pytest.raises(SimulatedCrash):
        probe_conditions(backend)
    assert remains(inner)
    inner.put("probe/readme.txt", b"somebody else's")
    report = graven.Store("memory://", backend=inner).fsck()
    assert report.ok
    assert sorted(line.split(": ")[1] for line in report.garbage) == [
        "left by a probe of the storage; may be deleted",
        "left by a probe of the storage; may be deleted",
        "not a name of graven's",
    ]
