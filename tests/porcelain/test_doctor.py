"""What the doctor says of good places, of bad ones, and of those that cannot be reached."""

import json
import os
import socket

import pytest

import graven
from graven.backends.base import Capabilities
from graven.backends.driver import About
from graven.backends.findings import Outcome
from graven.errors import BackendUnavailable, InvalidInput, NotFound
from graven.porcelain import doctor as module
from graven.porcelain.doctor import doctor
from graven.store.proving import PROVEN_SECONDS, SWAP_FACT
from graven.testing.careless import CarelessBackend
from graven.testing.faulty import FaultyBackend

ALL_GOOD = "runs, baselines and tags can be kept here, by many writers at once"


def outcomes(diagnosis):
    return {finding.name: finding.outcome for finding in diagnosis.findings}


@pytest.fixture
def examine(monkeypatch, tmp_path):
    """``examine(backend)``: the doctor's view of a backend that stands for a bucket."""

    def examine_(backend, about=None):
        monkeypatch.setattr(module, "open_backend", lambda url, storage_options: backend)
        if about is not None:
            monkeypatch.setattr(module, "about", lambda _: about)
        return doctor(backend.url, cache_dir=str(tmp_path / "cache"))

    return examine_


def facts(backend, tmp_path):
    folder = module.ClientFolder(backend.place, str(tmp_path / "cache"))
    return folder.facts.recall(SWAP_FACT, PROVEN_SECONDS)


def test_a_folder_without_a_store_stays_as_it_was(tmp_path):
    found = doctor(str(tmp_path / "a" / "b"))
    assert found.ok
    assert found.store_id is None
    assert found.follows == [ALL_GOOD]
    assert {"file-system", "space", "lock", "sync", "stale-swap"} <= outcomes(found).keys()
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_named_and_left_as_it_was(tmp_path):
    store = graven.init(tmp_path / "s")
    before = sorted(path for path in tmp_path.rglob("*"))
    found = doctor(str(tmp_path / "s"))
    assert found.store_id == store.store_id
    assert sorted(path for path in tmp_path.rglob("*")) == before
    assert store.fsck().garbage == []


def test_a_damaged_store_file_is_a_finding(tmp_path):
    graven.init(tmp_path / "s")
    (tmp_path / "s" / "store.json").chmod(0o600)
    (tmp_path / "s" / "store.json").write_text("{")
    found = doctor(str(tmp_path / "s"))
    assert not found.ok
    assert outcomes(found)["store"] is Outcome.WRONG


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "s").mkdir(mode=0o500)
    found = doctor(str(tmp_path / "s"))
    assert not found.ok
    assert found.follows == ["nothing can be saved here"]


def test_memory_ends_with_the_process():
    found = doctor("memory://doctor")
    assert found.ok
    assert found.follows == [ALL_GOOD, "all of it ends with this process"]


def test_an_archive_is_to_be_read(tmp_path):
    graven.init(tmp_path / "s")
    import zipfile

    with zipfile.ZipFile(tmp_path / "s.zip", "w") as file:
        file.write(tmp_path / "s" / "store.json", "store.json")
    found = doctor(str(tmp_path / "s.zip"))
    assert found.ok
    assert found.store_id
    assert found.follows == ["a store here can be read; nothing can be saved"]
    with pytest.raises(NotFound):
        doctor(f"zip://{tmp_path}/none.zip")


def test_another_filesystem_takes_runs_and_no_baselines(tmp_path):
    found = doctor(f"local://{tmp_path}/s")
    assert found.ok, "nothing more was declared"
    assert found.about.service == "local (fsspec)"
    assert outcomes(found)["stale-swap"] is Outcome.CANNOT
    assert found.follows[0].endswith("baselines and tags cannot")
    assert found.policy is None


def test_a_careless_bucket_is_wrong_and_is_not_trusted(examine, tmp_path):
    backend = CarelessBackend("doctor-careless", ignores=frozenset(["swap"]))
    found = examine(backend)
    assert not found.ok
    assert found.reached
    assert found.follows[0].endswith("baselines and tags cannot")
    assert facts(backend, tmp_path) is None


def test_a_good_bucket_is_believed_by_the_next_change(examine, tmp_path):
    backend = CarelessBackend("doctor-good")
    assert examine(backend).ok
    assert facts(backend, tmp_path)
    seen = FaultyBackend(backend)
    store = graven.Store("", backend=seen, cache_dir=str(tmp_path / "cache"))
    with pytest.raises(NotFound):
        store.baselines.set("main", "none")
    from graven.testing.runs import sample_run

    store.save(sample_run("r"))
    store.baselines.set("main", "r")
    assert not [key for _, key in seen.calls if key.startswith("probe/")]
    backend.ignores = frozenset(["create"])
    assert not examine(backend).ok
    assert facts(backend, tmp_path) is None


@pytest.mark.parametrize(
    ("ignores", "sentence"),
    [
        ("listing", "others may see a new run late"),
        ("delete", "graven does without conditional deletes"),
    ],
)
def test_what_follows_is_said(examine, ignores, sentence):
    found = examine(CarelessBackend(ignores=frozenset([ignores])))
    assert not found.ok
    assert any(line.startswith(sentence) for line in found.follows)


def test_without_a_clock_there_is_no_gc(examine):
    none = Capabilities(create=True, swap=True, durable=False, trusted_clock=False)
    found = examine(CarelessBackend(capabilities=none), About("careless"))
    assert found.ok
    assert [line.partition(":")[0] for line in found.follows] == [
        ALL_GOOD,
        "unreachable objects stay",
        "nothing is promised about power cuts",
    ]


def test_what_cannot_be_reached_is_told_with_the_policy(examine):
    backend = FaultyBackend(CarelessBackend())
    backend.fail(error=lambda: BackendUnavailable("who are you", kind="denied", hint="log in"))
    found = examine(backend, About("S3", bucket="b", prefix="p/"))
    assert not found.reached
    assert not found.ok
    assert found.trouble.kind == "denied"
    assert found.findings == []
    assert "arn:aws:s3:::b/p/*" in found.policy.text


def test_a_place_that_goes_away_in_between_is_not_reached(examine):
    backend = FaultyBackend(CarelessBackend())
    backend.fail(9, error=lambda: BackendUnavailable("it went", kind="unreachable", hint="wait"))
    assert not examine(backend).reached


@pytest.mark.parametrize(
    ("kept", "words"),
    [(True, "versioning of the bucket is on"), (False, "versioning of the bucket is off"),
     (None, "versioning of the bucket is not known (the service")],
)  # fmt: skip
def test_versions_that_are_kept_cost(examine, monkeypatch, kept, words):
    monkeypatch.setattr(module, "keeps_versions", lambda _: kept)
    found = examine(CarelessBackend(), About("S3", bucket="b"))
    assert found.costs[0].startswith(words)
    assert "no unfinished uploads" in found.costs[1]


def test_who_may_not_ask_for_versions_is_told_what_it_needs(examine, monkeypatch):
    def denied(_):
        raise BackendUnavailable("no", kind="denied")

    monkeypatch.setattr(module, "keeps_versions", denied)
    found = examine(CarelessBackend(), About("S3", bucket="b"))
    assert "s3:GetBucketVersioning" in found.costs[0]
    assert found.ok


def test_a_wrong_url_is_an_error():
    with pytest.raises(InvalidInput):
        doctor("nonsense://x")


def test_the_report_is_json_ready(tmp_path):
    record = doctor(str(tmp_path)).to_dict()
    assert json.loads(json.dumps(record)) == record


@pytest.fixture
def nobody():
    """An endpoint where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_server_that_is_not_there_is_not_reached(nobody, tmp_path):
    pytest.importorskip("s3fs")
    options = {"key": "k", "secret": "hush-hush-hush", "endpoint_url": nobody}
    found = doctor("s3://bucket/x", storage_options=options, cache_dir=str(tmp_path))
    assert not found.reached
    assert found.trouble.kind == "unreachable"
    assert "hush" not in json.dumps(found.to_dict())
    assert "arn:aws:s3:::bucket/x/*" in found.policy.text
