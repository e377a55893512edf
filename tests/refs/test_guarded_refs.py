"""Compare-and-swap on names: no value is lost, and a lost answer is not a conflict."""

import pytest

from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, Conflict, Corrupt, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import hash_bytes
from graven.refs.guarded import GuardedRefs
from graven.testing.faulty import FaultyBackend
from graven.testing.racing import race

OBJECT = {name: hash_bytes(name.encode()).hex() for name in map(str, range(200))}


class Setting:
    """Refs on a backend of their own, with a dict for the `ref` objects."""

    def __init__(self, space="baselines"):
        self.backend = FaultyBackend(MemoryBackend())
        self.objects = {}
        self.refs = GuardedRefs(self.backend, space, self.put, self.objects.__getitem__)

    def put(self, data):
        object_id = hash_bytes(data)
        self.objects[object_id] = data
        return object_id

    def set(self, name, run, allowed=lambda _: None, **more):
        return self.refs.set_if(name, run, OBJECT[run], allowed=allowed, **more)


@pytest.fixture
def at():
    return Setting()


def runs(at, name="main"):
    refs = GuardedRefs(at.backend, at.refs.space, at.put, at.objects.__getitem__)
    return [value.run for value in refs.history(name)]


def test_values_form_a_chain(at):
    for n in range(5):
        value = at.set("main", str(n), by="ann", message=f"no. {n}")
        assert (value.seq, value.run, value.by) == (n + 1, str(n), "ann")
    assert runs(at) == ["4", "3", "2", "1", "0"]
    assert [v.seq for v in at.refs.history("main")] == [5, 4, 3, 2, 1]
    assert at.refs.read("main").object == OBJECT["4"]
    assert len(at.objects) == 4


def test_setting_what_stands_already_writes_nothing(at):
    first = at.set("main", "1")
    writes = list(at.backend.writes)
    assert at.set("main", "1", message="again") == first
    assert at.backend.writes == writes


def test_a_deleted_name_keeps_its_history(at):
    at.set("main", "1")
    gone = at.refs.set_if("main", None, None, allowed=lambda _: None)
    assert (gone.run, gone.object, gone.seq) == (None, None, 2)
    assert at.refs.names() == []
    assert at.set("main", "2").seq == 3
    assert runs(at) == ["2", None, "1"]


def test_refusals_change_nothing(at):
    at.set("main", "1")

    def allowed(current):
        raise Conflict("no", actual=current.run)

    with pytest.raises(Conflict):
        at.set("main", "2", allowed)
    assert runs(at) == ["1"]
    assert at.objects == {}


@pytest.mark.parametrize("method", ["put_if_absent", "put_if_version"])
def test_a_lost_answer_is_not_a_conflict(at, method):
    if method == "put_if_version":
        at.set("main", "0")
    at.backend.lose_answer(method=method)
    value = at.set("main", "1")
    assert at.refs.read("main") == value
    assert runs(at)[0] == "1"
    assert value.seq == len(runs(at))


@pytest.mark.parametrize("method", ["put_if_absent", "put_if_version"])
def test_a_request_that_never_arrived_is_sent_again(at, method):
    if method == "put_if_version":
        at.set("main", "0")
    at.backend.fail(method=method, when="before")
    value = at.set("main", "1")
    assert runs(at).count("1") == 1
    assert at.refs.read("main") == value


def test_a_lost_answer_is_found_behind_what_others_wrote_since(at):
    at.set("main", "0")
    swap = at.backend.inner.put_if_version
    others = GuardedRefs(at.backend.inner, "baselines", at.put, at.objects.__getitem__)
    once = []

    def swap_then_others(key, data, version):
        result = swap(key, data, version)
        if not once:
            once.append(1)
            for n in ("7", "8", "9"):
                others.set_if("main", n, OBJECT[n], allowed=lambda _: None)
        return result

    at.backend.inner.put_if_version = swap_then_others
    at.backend.lose_answer(method="put_if_version")
    assert at.set("main", "1").run == "1"
    assert runs(at) == ["9", "8", "7", "1", "0"]


def test_what_cannot_be_settled_is_unavailable_and_not_a_conflict(at):
    at.set("main", "0")
    at.backend.lose_answer(method="put_if_version")
    at.backend.fail(nth=2, method="get_with_version")
    with pytest.raises(BackendUnavailable) as caught:
        at.set("main", "1")
    assert caught.value.kind == "unknown"


def test_a_request_that_arrives_late_is_not_a_conflict_with_its_own_sender(at):
    """It times out, nothing is there when read back, and then it lands before the next."""
    at.set("main", "0")
    inner = at.backend.inner
    swap, late = inner.put_if_version, []

    def swap_late(key, data, version):
        if not late:
            late.append((key, data, version))
            raise BackendUnavailable("no answer", kind="timeout")
        swap(*late[0])
        return swap(key, data, version)

    def allowed(current):
        if current.run != "0":
            raise Conflict("moved", actual=current.run)

    inner.put_if_version = swap_late
    assert at.set("main", "1", allowed) == at.refs.read("main")
    assert runs(at) == ["1", "0"]


def test_a_failure_behind_one_in_doubt_leaves_it_in_doubt(at):
    at.backend.fail(method="put_if_absent")
    at.backend.fail(2, method="put_if_absent", error=lambda: BackendUnavailable("x", kind="busy"))
    with pytest.raises(BackendUnavailable) as caught:
        at.set("main", "1")
    assert caught.value.kind == "unknown"


def test_a_pruned_history_leaves_a_lost_answer_in_doubt(at, monkeypatch):
    monkeypatch.setattr("graven.formats.guarded.RECENT", 0)  # as if many had followed
    at.set("main", "0")
    swap = at.backend.inner.put_if_version
    others = GuardedRefs(at.backend.inner, "baselines", at.put, at.objects.__getitem__)

    def swap_then_others(key, data, version):
        at.backend.inner.put_if_version = swap
        swap(key, data, version)
        others.set_if("main", "7", OBJECT["7"], allowed=lambda _: None)
        at.refs._get_object = missing

    def missing(object_id):
        raise NotFound("no object")

    at.backend.inner.put_if_version = swap_then_others
    with pytest.raises(BackendUnavailable) as caught:
        at.set("main", "1")
    assert caught.value.kind == "unknown"


def test_a_lost_race_reads_no_history(at):
    at.set("main", "0")
    others = GuardedRefs(at.backend.inner, "baselines", at.put, at.objects.__getitem__)
    swap = at.backend.inner.put_if_version

    def others_first(key, data, version):
        at.backend.inner.put_if_version = swap
        others.set_if("main", "7", OBJECT["7"], allowed=lambda _: None)
        return swap(key, data, version)

    at.backend.inner.put_if_version = others_first
    at.refs._get_object = None  # whoever asks for an older value fails
    at.set("main", "1")
    assert runs(at)[:2] == ["1", "7"]


def test_another_failure_is_passed_on(at):
    at.backend.fail(
        method="put_if_absent", error=lambda: BackendUnavailable("full", kind="disk-full")
    )
    with pytest.raises(BackendUnavailable, match="full") as caught:
        at.set("main", "1")
    assert caught.value.kind == "disk-full"
    assert at.refs.read("main") is None


def test_sixteen_threads_on_one_name_lose_nothing(at):
    race([lambda n=n: [at.set("main", str(10 * n + i)) for i in range(3)] for n in range(16)])
    found = runs(at)
    assert sorted(found, key=int) == sorted(
        (str(10 * n + i) for n in range(16) for i in range(3)), key=int
    )
    assert [v.seq for v in at.refs.history("main")] == list(range(48, 0, -1))


def test_of_sixteen_who_expect_the_same_one_wins(at):
    at.set("main", "0")
    outcomes = []

    def attempt(n):
        def allowed(current):
            if current.object != OBJECT["0"]:
                raise Conflict("moved", actual=current.object)

        try:
            outcomes.append(at.set("main", str(n), allowed).run)
        except Conflict:
            outcomes.append(None)

    race([lambda n=n: attempt(n) for n in range(1, 17)])
    (winner,) = [run for run in outcomes if run is not None]
    assert runs(at) == [winner, "0"]


def test_damaged_and_strange_files_do_not_hide_the_others(at):
    at.set("main", "1")
    at.set("other", "2")
    inner = at.backend.inner
    inner.put(layout.guarded_key("baselines", "other"), b"{")
    inner.put("refs/baselines/a%2fb.json", b"{}")
    inner.put("refs/baselines/readme.txt", b"hello")
    assert at.refs.names() == ["main", "other"]
    assert at.refs.read("main").run == "1"
    with pytest.raises(Corrupt, match=r"refs/baselines/other\.json"):
        at.refs.read("other")


def test_a_pruned_history_ends_with_not_found(at):
    for n in "012":
        at.set("main", n)
    at.objects.clear()

    def get(object_id):
        raise NotFound(f"no object {object_id.hex()}")

    refs = GuardedRefs(at.backend, "baselines", at.put, get)
    history = refs.history("main")
    assert next(history).run == "2"
    with pytest.raises(NotFound):
        next(history)


def test_half_a_character_in_a_message_changes_nothing(at):
    with pytest.raises(InvalidInput, match="lone surrogate"):
        at.set("main", "1", message="\udcff")
    assert at.refs.read("main") is None


@pytest.mark.parametrize("name", ["../x", "a/b", "", "CON"])
def test_names_are_checked(at, name):
    with pytest.raises(InvalidInput):
        at.set(name, "1")
    with pytest.raises(InvalidInput):
        at.refs.read(name)


def test_a_place_that_cannot_swap_says_so(at):
    from dataclasses import replace

    at.backend.capabilities = replace(at.backend.capabilities, swap=False)
    with pytest.raises(InvalidInput, match="cannot compare and swap"):
        at.set("main", "1")


def test_a_lost_answer_is_found_behind_many_with_no_object_read(at):
    at.set("main", "0")
    swap = at.backend.inner.put_if_version
    others = GuardedRefs(at.backend.inner, "baselines", at.put, at.objects.__getitem__)

    def swap_then_many(key, data, version):
        at.backend.inner.put_if_version = swap
        swap(key, data, version)
        for number in range(2, 32):
            run = str(number % 8)
            others.set_if("main", run, OBJECT[run], allowed=lambda _: None)
        at.refs._get_object = None
        return

    at.backend.inner.put_if_version = swap_then_many
    assert at.set("main", "1").seq == 2
