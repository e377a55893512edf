"""Merging is a union: the order and grouping of what is learnt do not matter."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from graven.ids import ObjectId
from graven.refs.journal import (
    RefUpdate,
    attachment_visible,
    merge,
    run_visible,
    state_of,
)

TARGETS = [None, *(ObjectId(bytes([n]) * 32) for n in (1, 2, 3))]


def update(stamp, target=1, *, writer=1, floor=0, name="runs/a"):
    return RefUpdate(name, stamp, bytes([writer]) * 8, TARGETS[target], floor)


updates = st.builds(
    update,
    st.integers(1, 5),
    st.integers(0, 3),
    writer=st.integers(0, 2),
    floor=st.integers(0, 5),
)
states = st.lists(updates, min_size=1, max_size=4).map(lambda us: reduce(merge, map(state_of, us)))


def known(state):
    """What a state means. Copies of one update may carry different floors along."""
    return state.update.rank, state.floor, run_visible(state)


@given(states, states)
def test_merging_is_commutative(a, b):
    assert known(merge(a, b)) == known(merge(b, a))


@given(states, states, states)
def test_merging_is_associative(a, b, c):
    assert known(merge(merge(a, b), c)) == known(merge(a, merge(b, c)))


@given(states, states)
def test_merging_is_idempotent(a, b):
    assert merge(a, a) == a
    assert known(merge(merge(a, b), b)) == known(merge(a, b))


@given(st.lists(updates, min_size=1, max_size=6), st.randoms())
def test_floors_and_winners_only_rise(us, random):
    random.shuffle(us)
    state = state_of(us[0])
    for each in us[1:]:
        after = merge(state, state_of(each))
        assert after.update.rank >= state.update.rank
        assert after.floor >= state.floor
        state = after
    assert state.floor == max(max(u.floor, u.stamp if u.target is None else 0) for u in us)


def merged(*us):
    return reduce(merge, map(state_of, us))


def test_the_later_stamp_wins_whoever_wrote_it():
    assert merged(update(2, 1, writer=1), update(1, 2, writer=2)).update.stamp == 2


def test_ties_go_to_the_writer_then_the_deletion_then_the_object():
    assert merged(update(1, 3, writer=1), update(1, 1, writer=2)).update.target == TARGETS[1]
    assert merged(update(1, 3), update(1, 0)).update.target is None
    assert merged(update(1, 2), update(1, 3)).update.target == TARGETS[3]


def test_a_late_clone_does_not_bring_a_deleted_run_back():
    assert not run_visible(merged(update(5, 0), update(3, 1)))
    assert merged(update(5, 0), update(3, 1)).floor == 5


def test_attachments_live_as_their_run_does():
    run = merged(update(1, 1))
    late = update(9, 2, name="runs/a/artifacts/x")
    early = update(2, 2, name="runs/a/artifacts/x")
    assert attachment_visible(late, run)
    assert not attachment_visible(late, None)
    assert not attachment_visible(late._replace(target=None), run)
    deleted = merged(update(1, 1), update(5, 0))
    assert not attachment_visible(late, deleted)
    restored = merged(update(1, 1), update(5, 0), update(7, 1))
    assert run_visible(restored)
    assert attachment_visible(late, restored)
    assert not attachment_visible(early, restored)
    assert not attachment_visible(update(5, 2), restored)
