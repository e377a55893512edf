"""All that may stand where a run is asked for."""

import pytest

from graven.errors import InvalidInput, NotFound
from graven.testing.runs import sample_run


@pytest.fixture
def full(store):
    for minute in range(4):
        store.save(
            sample_run(
                f"run-{minute}",
                float(minute),
                minute=minute,
                branch="main" if minute % 2 == 0 else "topic/x",
                commit=f"{minute}" * 40,
            )
        )
    store.set_baseline("run-0")
    store.set_baseline("run-1")
    store.tags.set("v1", "run-2")
    return store


@pytest.mark.parametrize(
    ("rev", "run_id", "kind"),
    [
        ("run-1", "run-1", "run"),
        ("latest", "run-3", "latest"),
        ("latest~0", "run-3", "latest"),
        ("latest~2", "run-1", "latest"),
        ("latest@main", "run-2", "latest"),
        ("latest@main~1", "run-0", "latest"),
        ("latest@topic/x", "run-3", "latest"),
        ("main", "run-1", "baseline"),
        ("main~1", "run-0", "baseline"),
        ("baselines/main", "run-1", "baseline"),
        ("baselines/main~1", "run-0", "baseline"),
        ("v1", "run-2", "tag"),
        ("tags/v1", "run-2", "tag"),
        ("commit:" + "2" * 40, "run-2", "commit"),
        ("commit:2222", "run-2", "commit"),
    ],
)
def test_each_form_means_its_run(full, rev, run_id, kind):
    found = full.resolve(rev)
    assert (found.run_id, found.kind) == (run_id, kind)
    assert full.load_rev(rev).id == run_id


@pytest.mark.parametrize(
    "rev",
    [
        "run-9",
        "latest~4",
        "latest~999999",
        "latest~9999999",
        "latest@nowhere",
        "latest@",
        "main~2",
        "baselines/none",
        "tags/main",
        "baselines/v1",
        "commit:beef",
        "ffffffff",
        "f" * 64,
        "f" * 65,
        "~1",
        "run-1~1",
        "/",
        "tags/",
        "a/b/c",
    ],
)
def test_what_means_nothing_is_not_found(full, rev):
    with pytest.raises(NotFound) as caught:
        full.resolve(rev)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("rev", ["", "a\0", None, 5, "commit:1", "commit:"])
def test_what_is_no_revision_is_refused(full, rev):
    with pytest.raises(InvalidInput):
        full.resolve(rev)


def test_an_object_id_and_its_prefix_mean_the_run_as_it_was(store):
    store.save(sample_run("a", 1.0))
    old = store.headers()[0].object_id
    store.save(sample_run("a", 2.0))
    for rev in (old, old[:8], old[:31]):
        assert store.load_rev(rev) == sample_run("a", 1.0)
        assert store.resolve(rev).kind == "object"
    with pytest.raises(NotFound):
        store.resolve(old[:7])


def test_a_prefix_that_fits_several_names_them(store):
    store.save(sample_run("abcdef0011"))
    store.save(sample_run("abcdef0022"))
    assert store.resolve("abcdef001").run_id == "abcdef0011"
    with pytest.raises(NotFound) as caught:
        store.resolve("abcdef00")
    assert caught.value.kind == "prefix-ambiguous"
    assert "abcdef0011" in caught.value.message
    assert "abcdef0022" in caught.value.message


def test_an_exact_id_wins_over_a_prefix_and_over_a_name(store):
    store.save(sample_run("abcdef00"))
    store.save(sample_run("abcdef0011"))
    assert store.resolve("abcdef00").run_id == "abcdef00"
    store.save(sample_run("main"))
    store.set_baseline("abcdef00")
    assert store.resolve("main").run_id == "main"
    assert store.resolve("baselines/main").run_id == "abcdef00"


def test_a_prefix_skips_deleted_runs(store):
    store.save(sample_run("abcdef0011"))
    store.save(sample_run("abcdef0022"))
    store.delete("abcdef0022")
    assert store.resolve("abcdef00").run_id == "abcdef0011"
    with pytest.raises(NotFound) as caught:
        store.resolve("abcdef0022")
    assert caught.value.kind == "run-deleted"


def test_names_that_hold_the_syntax_are_found_whole(store):
    store.save(sample_run("a"))
    store.save(sample_run("latest~1"))
    store.save(sample_run("x~3", minute=1))
    store.tags.set("v1~2", "a")
    assert store.resolve("latest~1").run_id == "latest~1"
    assert store.resolve("x~3").run_id == "x~3"
    assert store.resolve("tags/v1~2").run_id == "a"


def test_a_baseline_keeps_the_run_as_it_was(store):
    store.save(sample_run("a", 1.0))
    store.set_baseline("a")
    store.save(sample_run("a", 2.0))
    assert store.load_rev("baselines/main") == sample_run("a", 1.0)
    assert store.load_rev("a") == sample_run("a", 2.0)
    store.delete("a", force=True)
    assert store.load_rev("main") == sample_run("a", 1.0)
