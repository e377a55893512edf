"""A store that an older graven wrote: every answer stays, and nothing of it is touched."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import contents
import make_store
import pytest
from answers import answers

import graven
from graven.testing.runs import sample_run

HERE = Path(__file__).parent
STORE = HERE / "store-v1"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(STORE, tmp_path / "store", ignore=shutil.ignore_patterns("cache"))
    return tmp_path / "store"


@pytest.fixture
def opened():
    """Opens stores and closes them at the end."""
    stores = []

    def opened(folder, **options):
        stores.append(graven.open(folder, **options))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in path.relative_to(folder).parts
    }


def check(found):
    """Key by key, so that a difference is shown where it is."""
    assert found.keys() == EXPECTED.keys()
    for key, expected in EXPECTED.items():
        assert found[key] == expected, key


@pytest.mark.parametrize("readonly", [True, False])
def test_every_answer_is_as_it_was_and_nothing_is_touched(copied, opened, readonly):
    before = files_in(copied)
    check(answers(opened(copied, readonly=readonly)))
    assert files_in(copied) == before == files_in(STORE)
    assert (copied / "cache").exists() is not readonly


def test_a_second_look_and_a_rebuilt_catalog_answer_alike(copied, opened):
    store = opened(copied)
    assert store.count() == len(EXPECTED["runs"])
    store.close()
    again = opened(copied)
    check(answers(again))
    again.reindex()
    check(answers(again))


def test_nothing_is_wrong_with_it(copied, opened):
    report = opened(copied).fsck("full", strict=True)
    assert (report.damage, report.garbage) == ([], [])


def test_it_can_be_written_to(copied, opened):
    store = opened(copied)
    old = store.load("decimals")
    store.save(sample_run("new", minute=1))
    store.relabel("main-1", branch="moved")
    store.attach("main-0", "logs/new", b"new")
    store.set_baseline("new")
    assert [value.run for value in store.baselines.history("main")][:2] == ["new", "dev-2"]
    store.delete("decimals")
    store.restore("decimals")
    again = opened(copied)
    assert again.load("new") == sample_run("new", minute=1)
    assert again.load("decimals") == old
    assert again.load("main-1").branch == "moved"
    assert again.latest().id == "new"
    assert again.count() == len(EXPECTED["runs"]) + 1
    assert again.fsck("full").ok
    kept = files_in(copied)
    assert all(kept[name] == data for name, data in files_in(STORE).items() if "packs/" in name)


def test_saving_the_same_again_stores_no_shared_object_anew(copied, opened):
    store = opened(copied)
    before = {row[0] for row in EXPECTED["objects"]}
    for run in store.list_runs():
        if run.extra is None:  # a newer writer's fields cannot be written back where they were
            store.save(run)
    assert {info.id for info in store.iter_objects()} == before


def test_large_attachments_come_back_whole(copied, opened):
    store = opened(copied)
    assert store.read_attachment("with-files", "logs/large.txt") == contents.log_text()
    assert len(contents.log_text()) > 2 * 1024 * 1024


def test_its_views_are_those_of_its_runs(copied, opened):
    store = opened(copied)
    views = {path.name: path for path in (copied / "runs").iterdir()}
    assert len(views) == len(EXPECTED["runs"]) - 1
    for path in views.values():
        record = json.loads(path.read_text(encoding="utf-8"))
        run = store.load(record["id"])
        assert record.pop("object_id") == store.resolve(run.id).object_id
        assert json.dumps(record) == json.dumps(graven.Run.from_dict(record).to_dict())
    assert store.write_views() == len(views) + 1
    assert {path.name for path in (copied / "runs").iterdir()} > views.keys()


def test_the_script_makes_the_same_store_again(tmp_path):
    folder = tmp_path / "store"
    make_store.build(folder)
    make_store.write_expected(folder, tmp_path / "expected.json")
    check(json.loads((tmp_path / "expected.json").read_text(encoding="utf-8")))
    made = files_in(folder)
    golden = files_in(STORE)
    # Another zstd may pack otherwise, and a pack is named by its bytes.
    assert len(made) == len(golden)
    for name, data in golden.items():
        if not name.startswith("packs/"):
            assert made[name] == data, name
    stamps = [sorted(n[:22] for n in files if n.startswith("packs/")) for files in (made, golden)]
    assert stamps[0] == stamps[1]


def test_what_a_released_graven_wrote_is_not_made_again(copied, monkeypatch, capsys):
    monkeypatch.setattr(make_store, "RELEASED", {make_store.VERSION})
    monkeypatch.setattr(make_store, "HERE", copied.parent)
    copied.rename(copied.parent / STORE.name)
    monkeypatch.delattr(make_store, "build")
    make_store.main()
    assert "stays as it is" in capsys.readouterr().out
    check(json.loads((copied.parent / "expected.json").read_text(encoding="utf-8")))


def test_it_holds_what_it_is_meant_to_hold(copied, opened):
    store = opened(copied)
    kinds = {row[1] for row in EXPECTED["objects"]}
    assert kinds == {"blob", "file", "run", "environment", "definitions", "ref", "manifest"}
    frames = [store.show_pack(info.name).frames for info in store.packs()]
    assert max(len(found) for found in frames) >= 3
    assert {frame["codec"] for found in frames for frame in found} == {0, 1}
    chunked = [row for rows in EXPECTED["attachments"].values() for row in rows if row[2] > 2**20]
    assert chunked
    assert [h["run_id"] for h in EXPECTED["deleted"]] == ["dev-1", "gone", "main-4"]
    assert len({update.writer for update in map(store.show_pack, _names(store))}) == 2
    assert re.search(r'"(nan|-inf)"', (HERE / "expected.json").read_text(encoding="utf-8"))


def _names(store):
    return [info.name for info in store.packs()]


def test_git_keeps_its_bytes_and_forgets_none():
    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments], cwd=HERE, capture_output=True, text=True, check=False
        )
        if done.returncode == 128:
            pytest.skip("not a git checkout: nothing to ask git about the golden store")
        return done.stdout

    ignored = git("ls-files", "--others", "--ignored", "--exclude-standard", "--", "store-v1")
    assert ignored == ""
    attributes = git("check-attr", "text", "--", "store-v1/store.json", "store-v1/packs/x.pack")
    assert attributes.count("text: unset") == 2
