"""Names of other stores, kept in local.json."""

import json
import os

import pytest

from graven.errors import Conflict, Corrupt, InvalidInput, NotFound
from graven.store import Store
from graven.sync.bundle import create_bundle
from graven.sync.difference import Selection
from graven.sync.remotes import (
    Remote,
    add_remote,
    find_or_name,
    find_remote,
    full_url,
    list_remotes,
    open_remote,
    remove_remote,
)
from graven.testing.remote import RemoteMemory
from graven.testing.runs import sample_run


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def remote(name="origin", url="s3://bucket/project", **fields):
    return Remote(name=name, url=url, **fields)


def test_remotes_are_added_found_and_forgotten(store):
    assert list_remotes(store) == []
    whole = remote(storage_options={"client_kwargs": {"region_name": "eu"}, "anon": True})
    part = remote("part", "/elsewhere", selection=Selection(5, "main", attachments=False))
    add_remote(store, whole)
    add_remote(store, part)
    assert list_remotes(Store(store.path)) == [whole, part]
    assert find_remote(store, "part") == part
    remove_remote(store, "origin")
    assert list_remotes(store) == [part]
    with pytest.raises(NotFound) as caught:
        remove_remote(store, "origin")
    assert caught.value.hint == "there is part"


@pytest.mark.parametrize(
    "record",
    [
        {"url": 5},
        {"url": "/x", "storage_options": "abc"},
        {"url": "/x", "storage_options": [1]},
        {"url": "/x", "partial": "since"},
        {"url": "/x", "partial": ["since"]},
        {"url": "/x", "partial": {"since": "abc"}},
        {"url": "/x", "partial": {"since": 10**24}},
        {"url": "/x", "partial": {"since": float("inf")}},
        {"url": "/x", "partial": {"branch": 5}},
        {"url": "/x", "partial": {"attachments": "no"}},
        "no map",
    ],
)
def test_a_record_of_wrong_kinds_is_damage(store, record):
    path = store.path / "local.json"
    path.write_text(json.dumps({"remotes": {"origin": record}}))
    with pytest.raises(Corrupt) as caught:
        list_remotes(store)
    assert caught.value.kind == "bad-local-file"


def test_a_name_is_taken_once_unless_forced(store):
    add_remote(store, remote())
    with pytest.raises(Conflict):
        add_remote(store, remote(url="s3://other"))
    add_remote(store, remote(url="s3://other"), force=True)
    assert find_remote(store, "origin").url == "s3://other"


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\nb", "x" * 300])
def test_a_name_that_is_none_is_refused(store, name):
    with pytest.raises(InvalidInput):
        add_remote(store, remote(name))


@pytest.mark.parametrize(
    "options",
    [
        {"secret": "hunter2"},
        {"key": "hunter2"},
        {"client_kwargs": {"aws_secret_access_key": "hunter2"}},
        {"aws_session_token": "hunter2"},
        {"token": "hunter2"},
        {"account_key": "hunter2"},
        {"sas_token": "hunter2"},
        {"connection_string": "AccountKey=hunter2"},
        {"Password": "hunter2"},
        {"headers": {"Authorization": "hunter2"}},
    ],
)
def test_a_secret_among_the_options_is_refused_and_not_shown(store, options):
    with pytest.raises(InvalidInput) as caught:
        add_remote(store, remote(storage_options=options))
    assert caught.value.kind == "secret"
    assert "hunter2" not in repr(caught.value.to_dict())
    assert not (store.path / "local.json").exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://ann:hunter2@host/store",
        "s3://id:hunter2@bucket/store",
        "https://host/store?sig=hunter2",
        "az://box/store?sig=hunter2",
        "s3://bucket/store?X-Amz-Security-Token=hunter2",
    ],
)
def test_a_secret_in_the_url_is_refused_and_not_shown(store, url):
    with pytest.raises(InvalidInput) as caught:
        add_remote(store, remote(url=url))
    assert caught.value.kind == "secret"
    assert "hunter2" not in repr(caught.value.to_dict())


@pytest.mark.parametrize(
    "options",
    [{"anon": True}, {"token": "anon"}, {"token": "google_default"}, {"use_ssl": False},
     {"endpoint_url": "http://localhost:9000"}, {"profile": "team"}],
)  # fmt: skip
def test_what_is_no_secret_is_kept(store, options):
    add_remote(store, remote(storage_options=options))
    assert find_remote(store, "origin").storage_options == options


def test_a_store_is_no_remote_of_itself(store):
    with pytest.raises(InvalidInput, match="itself"):
        add_remote(store, remote(url=f"{store.path}/"))


def test_only_local_stores_name_others(machine):
    with pytest.raises(InvalidInput, match="no local store"):
        add_remote(Store("unused", backend=RemoteMemory("b")), remote())


def test_a_damaged_file_is_named(store):
    (store.path / "local.json").write_text('{"remotes": {"origin": {"url": 5}}}')
    with pytest.raises(Corrupt, match=r"local\.json is damaged"):
        list_remotes(store)


def test_what_a_newer_graven_adds_is_not_in_the_way(store):
    record = {"url": "s3://b", "partial": {"branch": "main", "colour": "red"}, "more": 1}
    (store.path / "local.json").write_text(json.dumps({"remotes": {"origin": record}}))
    assert find_remote(store, "origin").selection == Selection(branch="main")


def test_the_only_remote_is_meant_where_none_is_said(store):
    with pytest.raises(NotFound, match="'origin'"):
        find_or_name(store, None)
    add_remote(store, remote("lab"))
    assert find_or_name(store, None).name == "lab"
    add_remote(store, remote("other"))
    with pytest.raises(NotFound, match="'origin'"):
        find_or_name(store, None)
    add_remote(store, remote())
    assert find_or_name(store, None).name == "origin"


def test_a_word_is_a_name_before_it_is_a_place(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Store(tmp_path / "lab")
    assert find_or_name(store, "lab") == remote("", str(tmp_path / "lab"))
    add_remote(store, remote("lab"))
    assert find_or_name(store, "lab").url == "s3://bucket/project"
    assert find_or_name(store, "./lab").url == str(tmp_path / "lab")
    assert find_or_name(store, "s3://x/y").url == "s3://x/y"
    assert find_or_name(store, "old.zip").url == str(tmp_path / "old.zip")
    with pytest.raises(NotFound):
        find_or_name(store, "nothing")


def test_a_place_means_the_same_from_every_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Store(tmp_path / "project" / ".graven")
    assert full_url("project") == str(tmp_path / "project" / ".graven")
    assert full_url("project/.graven") == str(tmp_path / "project" / ".graven")
    assert full_url("new") == str(tmp_path / "new")
    assert full_url("zip://a.zip") == f"zip://{tmp_path / 'a.zip'}"
    assert full_url("memory://x") == "memory://x"


def test_a_remotes_own_options_go_before_those_of_the_environment(store, tmp_path):
    seen = {}

    def opened(url, **options):
        seen.update(options)

    from graven.sync import remotes

    original, remotes.Store = remotes.Store, opened
    try:
        own = remote(storage_options={"endpoint_url": "http://own"})
        open_remote(own, storage_options={"endpoint_url": "http://env", "key": "k"}, readonly=True)
    finally:
        remotes.Store = original
    assert seen["storage_options"] == {"endpoint_url": "http://own", "key": "k"}
    assert (seen["readonly"], seen["create"]) == (True, False)


def test_an_archive_is_a_remote_too(store, tmp_path):
    store.save(sample_run("one"))
    create_bundle(store, tmp_path / "x.zip")
    found = open_remote(find_or_name(Store(tmp_path / "other"), os.fspath(tmp_path / "x.zip")))
    assert found.load("one") == sample_run("one")
