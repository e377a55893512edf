"""Every name on disk, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.backends.base import is_key
from graven.errors import InvalidInput
from graven.formats import layout
from graven.formats.layout import FileKind, classify
from graven.ids import ObjectId
from graven.testing import strategies as own

DIGEST = bytes(range(32))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("store.json", FileKind.STORE),
        ("config.json", FileKind.CONFIG),
        ("local.json", FileKind.LOCAL),
        (layout.pack_key(layout.pack_name(0, DIGEST)), FileKind.PACK),
        (layout.pack_key(layout.pack_name(2**64 - 1, DIGEST)), FileKind.PACK),
        (f"packs/plan-{'0' * 32}.condemned", FileKind.PLAN),
        (f"packs/plan-{'0' * 32}.done", FileKind.PLAN),
        (f"packs/{'0' * 32}.done", FileKind.STRANGER),
        (layout.loose_key(ObjectId(DIGEST), "f" * 32), FileKind.LOOSE),
        (layout.guarded_key("baselines", "main"), FileKind.GUARDED_REF),
        (layout.guarded_key("tags", "v 1.0"), FileKind.GUARDED_REF),
        (layout.view_key("3f9c1a2b7d04"), FileKind.VIEW),
        ("cache/catalog.sqlite", FileKind.CACHE),
        (f"probe/{'0' * 32}/a", FileKind.PROBE),
        ("packs/.tmp-1", FileKind.TEMPORARY),
    ],
)
def test_names_are_told_apart(key, kind):
    assert classify(key) is kind
    assert is_key(key) or kind is FileKind.TEMPORARY


@pytest.mark.parametrize(
    "key",
    [
        "",
        "readme.txt",
        "probe/notes.txt",
        f"probe/{'0' * 31}/a",
        f"probe/{'0' * 32}/a/b",
        "STORE.JSON",
        "packs/",
        "packs/x.pack",
        f"packs/{'0' * 16}-{'0' * 63}.pack",
        f"packs/{'0' * 16}-{'0' * 64}.pack2",
        f"packs/{'0' * 16}-{'G' * 64}.pack",
        f"packs/{'A' * 16}-{'0' * 64}.pack",
        f"packs/sub/{'0' * 16}-{'0' * 64}.pack",
        f"/packs/{'0' * 16}-{'0' * 64}.pack",
        "packs/../store.json",
        "cache/../store.json",
        "cache/../../etc/passwd",
        "cache//x",
        "./store.json",
        "runs/Run.json",
        "runs/a%2fb.json",
        "runs/%2e%2e.json",
        "runs/..json",
        "runs/.json",
        "runs/con.json",
        "runs/%63on.json",
        "runs/a%0ab.json",
        "runs/a%C3%BC.json",
        "runs/a%ff.json",
        "runs/u%cc%88.json",
        "runs/" + "a" * 300 + ".json",
        "runs/a.txt",
        "refs/main.json",
        "refs/other/main.json",
        "refs/baselines/a%2fb.json",
        "refs/baselines/%2e%2e.json",
    ],
)
def test_strangers_are_strangers(key):
    assert classify(key) is FileKind.STRANGER


@given(own.run_ids())
def test_every_run_id_has_a_view_of_its_own_kind(run_id):
    key = layout.view_key(run_id)
    assert classify(key) is FileKind.VIEW
    assert is_key(key)
    assert key == key.lower()
    assert layout.parse_guarded_file(key.removeprefix("runs/")) == run_id


@given(own.run_ids(), own.run_ids())
def test_two_run_ids_never_share_a_view(one, other):
    if one != other:
        assert layout.view_key(one).casefold() != layout.view_key(other).casefold()


def test_case_twins_and_forms_of_one_id():
    assert layout.view_key("Run") != layout.view_key("run")
    assert layout.view_key("u\u0308") == layout.view_key("ü")


@given(st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
def test_pack_names_are_read_back_and_sort_as_stamps_do(stamp, digest):
    name = layout.pack_name(stamp, digest)
    assert layout.parse_pack_name(name) == (stamp, digest)
    assert (name < layout.pack_name(2**63, digest)) == (stamp < 2**63)


@pytest.mark.parametrize(
    "name", ["..", "", "a/b", "a\\b", "a\0b", "CON", "nul.txt", "a" * 300, " a"]
)
@pytest.mark.parametrize("space", ["baselines", "tags"])
def test_guarded_names_that_no_file_may_have_are_refused(space, name):
    with pytest.raises(InvalidInput, match=f"{space[:-1]} name"):
        layout.guarded_key(space, name)


def test_there_are_two_spaces():
    with pytest.raises(InvalidInput):
        layout.guarded_key("heads", "main")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("runs/a", ("a", "")),
        ("runs/a/artifacts/x/y", ("a", "artifacts/x/y")),
        ("experiments/a/manifest", None),
    ],
)
def test_ref_names_are_taken_apart(name, parts):
    assert layout.parse_ref_name(name) == parts
    if parts is not None:
        made = layout.attachment_ref(*parts) if parts[1] else layout.run_ref(parts[0])
        assert made == name
