"""The catalog's tables hold what merging in any order gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.catalog import merging
from graven.catalog.database import Catalog
from graven.catalog.merging import apply_updates
from graven.catalog.questions import Filter, find_header, select_headers
from graven.formats.header import Header
from graven.ids import ObjectId
from graven.refs.journal import RefUpdate, attachment_visible, merge, run_visible, state_of

NAMES = ["runs/a", "runs/b", "runs/a/artifacts/x", "runs/a/logs/y", "runs/c/artifacts/x", "pins/1"]
ATTACHED = "SELECT f.name FROM ref f JOIN run r USING(run_id) WHERE f.target IS NOT NULL"


def make(name, stamp, target, writer, floor):
    object_id = None if target == 0 else ObjectId(bytes([target]) * 32)
    is_run = name.count("/") == 1 and name.startswith("runs/")
    header = None
    if is_run and object_id is not None:
        commit = bytes([target]) * 20 if target % 2 else f"text-{target}"
        header = Header(1000 * target, f"b{target}", commit, None, "ok", "measured", target, None)
    note = {"from": [stamp, writer]} if stamp % 2 else None
    return RefUpdate(name, stamp, bytes([writer]) * 8, object_id, floor, header, note)


updates = st.builds(
    make,
    st.sampled_from(NAMES),
    st.integers(1, 6),
    st.integers(0, 3),
    st.integers(1, 2),
    st.integers(0, 6),
)


def model_of(us):
    states = {}
    for each in us:
        state = state_of(each)
        states[each.name] = merge(states[each.name], state) if each.name in states else state
    return states


def rows_of(catalog):
    found = {}
    for sql, prefix in (
        (
            "SELECT run_id, object, stamp, w.id, floor FROM run JOIN writer w ON w.n = writer",
            "runs/",
        ),
        ("SELECT name, target, stamp, w.id, floor FROM ref JOIN writer w ON w.n = writer", ""),
    ):
        for name, target, stamp, writer, floor in catalog.rows(sql):
            found[prefix + name] = (stamp, writer, target is None, target or b""), floor
    return found


def filled(us, cuts):
    catalog = Catalog(None, store_id="0" * 32, url="memory://x")
    with catalog.transaction() as connection:
        start = 0
        for end in [*sorted(cuts), len(us)]:
            apply_updates(connection, us[start:end])
            start = max(start, end)
    return catalog


@given(
    st.lists(updates, max_size=14),
    st.randoms(),
    st.lists(st.integers(0, 14), max_size=4),
    st.sampled_from([1, 3, 500]),
)
def test_any_order_and_grouping_gives_the_merged_state(us, random, cuts, chunk):
    model = model_of(us)
    us = [*us, *us[: len(us) // 3]]  # what is copied between stores is seen again
    random.shuffle(us)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "_CHUNK", chunk)
        catalog = filled(us, [c for c in cuts if c <= len(us)])
    assert rows_of(catalog) == {n: (s.update.rank, s.floor) for n, s in model.items()}

    past = catalog.rows("SELECT name, stamp, w.id, target FROM past JOIN writer w ON w.n = writer")
    assert set(past) == {
        (u.name, u.stamp, u.writer, u.target or b"")
        for u in us
        if u.rank != model[u.name].update.rank
    }

    seen = {
        row[0] for row in catalog.rows(f"{ATTACHED} AND r.object NOT NULL AND f.stamp > r.floor")
    }
    assert seen == {
        name
        for name, state in model.items()
        if name.count("/") == 3
        and attachment_visible(state.update, model.get("/".join(name.split("/")[:2])))
    }
    check_headers(catalog, model)
    catalog.close()


def check_headers(catalog, model):
    living = {
        name.removeprefix("runs/"): state.update
        for name, state in model.items()
        if name in ("runs/a", "runs/b") and run_visible(state)
    }
    headers = {header.run_id: header for header in select_headers(catalog, Filter())}
    assert headers.keys() == living.keys()
    for run_id, update in living.items():
        header = headers[run_id]
        commit = update.header.commit
        assert header.object_id == update.target.hex()
        assert (header.branch, header.points) == (update.header.branch, update.header.points)
        assert header.commit == (commit.hex() if isinstance(commit, bytes) else commit)
        assert (header.stamp, header.deleted) == (update.stamp, False)
    for name in ("a", "b"):
        state = model.get(f"runs/{name}")
        found = find_header(catalog, name)
        assert (found is None) == (state is None)
        if found is not None:
            assert found.deleted == (not run_visible(state))
