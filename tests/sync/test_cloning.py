"""New local stores from others: whole, in part, and begun anew after they broke off."""

import pytest

from graven.errors import BackendUnavailable, Conflict, InvalidInput, NotFound
from graven.formats import pack
from graven.store import Store
from graven.sync.cloning import clone
from graven.sync.difference import Selection
from graven.sync.remotes import list_remotes
from graven.sync.transfer import transfer
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run


@pytest.fixture
def source(tmp_path):
    store = Store(tmp_path / "source")
    for number in range(6):
        branch = "main" if number % 2 else "dev"
        store.save(sample_run(f"r{number}", branch=branch, minute=number))
    store.attach("r1", "artifacts/x", b"x")
    store.delete("r4")
    store.baselines.set("main", "r1")
    store.config.set("thresholds.time", "10%")
    return store


def runs_of(store):
    return {run.id: run for run in store.list_runs()}


def test_a_clone_is_a_copy_and_knows_where_it_came_from(source, tmp_path):
    copy, report = clone(str(source.path), tmp_path / "copy")
    assert copy.store_id == source.store_id
    assert sorted(report.runs) == ["r0", "r1", "r2", "r3", "r5"]
    check_store(copy, runs_of(source))
    assert copy.get_baseline() == source.get_baseline()
    assert copy.read_attachment("r1", "artifacts/x") == b"x"
    assert copy.config.get("thresholds.time") == "10%"
    (remote,) = list_remotes(copy)
    assert (remote.name, remote.url) == ("origin", str(source.path))
    assert transfer(copy, source).packs == 0


def test_a_part_remembers_that_it_is_one_and_knows_all_deletions(source, tmp_path):
    wanted = Selection(branch="main", attachments=False)
    copy, report = clone(str(source.path), tmp_path / "copy", selection=wanted)
    assert sorted(report.runs) == ["r1", "r3", "r5"]
    assert (report.deleted, report.attachments) == (["r4"], 0)
    assert list_remotes(copy)[0].selection == wanted
    check_store(copy)


def test_a_clone_that_broke_off_is_gone_on_with(source, tmp_path, monkeypatch):
    from graven.store.session import Session

    many = {f"x{n:02}": sample_run(f"x{n:02}", metadata={"n": str(n)}) for n in range(40)}
    with source.batch() as batch:
        for run in many.values():
            batch.save(run)
    monkeypatch.setattr(pack, "MAX_PACK_BYTES", 4096)
    original = Session.forward
    sent = []

    def forward(self, *words, **more):
        if len(sent) == 1:
            raise BackendUnavailable("cut", kind="unreachable")
        sent.append(1)
        return original(self, *words, **more)

    monkeypatch.setattr(Session, "forward", forward)
    with pytest.raises(BackendUnavailable):
        clone(str(source.path), tmp_path / "copy", selection=Selection(since=0))
    arrived = Store(tmp_path / "copy").count()
    assert 0 < arrived < source.count()
    monkeypatch.setattr(Session, "forward", original)
    # "7d" is another moment now; the first one stands.
    copy, report = clone(str(source.path), tmp_path / "copy", selection=Selection(since=1))
    assert len(report.runs) == source.count() - arrived
    assert list_remotes(copy)[0].selection == Selection(since=0)
    check_store(copy, runs_of(source))


def test_killed_at_its_very_start_it_is_begun_anew(source, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / ".tmp-0123").write_text("half")
    copy, _ = clone(str(source.path), tmp_path / "copy")
    assert copy.count() == source.count()


def test_killed_before_its_remote_was_named_it_is_gone_on_with(source, tmp_path):
    copy, _ = clone(str(source.path), tmp_path / "copy")
    (copy.path / "local.json").unlink()
    (copy.path / "config.json").unlink()
    again, report = clone(str(source.path), tmp_path / "copy")
    assert (report.runs, list_remotes(again)[0].name) == ([], "origin")
    assert again.config.get("thresholds.time") == "10%"


@pytest.mark.parametrize("there", ["file", "folder", "store", "other part"])
def test_what_is_there_already_is_not_touched(source, tmp_path, there):
    target = tmp_path / "copy"
    if there == "file":
        target.write_text("mine")
    elif there == "folder":
        target.mkdir()
        (target / "thesis.txt").write_text("mine")
    elif there == "store":
        Store(target)
    else:
        clone(str(source.path), target, selection=Selection(branch="dev"))
    before = {path: path.read_bytes() for path in target.rglob("*.json")}
    with pytest.raises(Conflict) as caught:
        clone(str(source.path), target)
    assert caught.value.kind == "folder-taken"
    assert {path: path.read_bytes() for path in target.rglob("*.json")} == before


def test_a_store_is_not_cloned_into_itself(source):
    with pytest.raises(InvalidInput, match="itself"):
        clone(str(source.path), source.path)


def test_nothing_is_made_where_there_is_nothing_to_clone(tmp_path):
    with pytest.raises(NotFound):
        clone(str(tmp_path / "nothing"), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_secret_is_refused_before_anything_is_made(source, tmp_path):
    with pytest.raises(InvalidInput) as caught:
        clone(str(source.path), tmp_path / "copy", storage_options={"secret": "hunter2"})
    assert caught.value.kind == "secret"
    assert not (tmp_path / "copy").exists()


def test_secrets_of_the_environment_are_used_and_not_kept(source, tmp_path):
    copy, _ = clone(str(source.path), tmp_path / "copy", environment={"secret": "hunter2"})
    assert b"hunter2" not in b"".join(
        path.read_bytes() for path in copy.path.rglob("*") if path.is_file()
    )


def test_settings_come_once_and_are_ones_own_from_then_on(source, tmp_path):
    copy, _ = clone(str(source.path), tmp_path / "copy")
    source.config.set("thresholds.time", "50%")
    clone(str(source.path), tmp_path / "copy")
    assert Store(copy.path).config.get("thresholds.time") == "10%"
