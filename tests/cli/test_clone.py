"""``graven clone``."""

from __future__ import annotations

import pytest

import graven


def test_a_clone_is_found_from_its_folder(call, store, tmp_path, monkeypatch):
    call("baseline", "set", "r1")
    answer = call("clone", ".", "copy")
    assert answer.code == 0
    assert answer.err.startswith(f"{tmp_path}/copy/.graven: 3 runs, baselines/main; ")
    monkeypatch.chdir(tmp_path / "copy")
    assert [row[0] for row in call("log").rows()] == ["r3", "r2", "r1"]
    assert ["remote origin", str(store.path)] in call("status").rows()
    assert call("push").err == "origin: nothing new\n"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("deep/project/.graven",), "project/.graven"),
        (("deep/project",), "project/.graven"),
        (("deep/project", "x"), "x/.graven"),
        (("deep/project", "x.graven"), "x.graven"),
        (("deep/project", "."), ".graven"),
        (("deep/project", "a/b"), "a/b/.graven"),
        (("old.zip",), "old/.graven"),
        (("deep/plain.graven",), "plain/.graven"),
        (("deep/project", "--store", "exactly/here"), "exactly/here"),
    ],
)
def test_where_it_goes(call, tmp_path, a_run, words, place):
    for folder in ("deep/project/.graven", "deep/plain.graven"):
        graven.init(tmp_path / folder).save(a_run(1))
    call("-C", "deep/project/.graven", "bundle", "create", "old.zip")
    answer = call("clone", *words)
    assert answer.code == 0, answer.err
    assert (tmp_path / place / "store.json").is_file()
    assert graven.open(tmp_path / place).load("r1").id == "r1"


def test_json(call, store, tmp_path):
    record = call("clone", ".", "copy", "--branch", "x", "--json").records()[0]
    assert record["schema"] == "graven.clone/1"
    assert record["path"] == str(tmp_path / "copy/.graven")
    assert record["store_id"] == store.store_id
    assert record["partial"] == {"since": None, "branch": "x", "attachments": True}
    assert record["received"]["runs"] == []


def test_a_part(call, store):
    store.attach("r3", "artifacts/x", b"x")
    answer = call("clone", ".", "part", "--since", "2026-01-02T14:30:00+00:00", "--no-artifacts")
    assert "(only since 2026-01-02 14:30, no artifacts): 1 run; " in answer.err
    assert graven.open("part/.graven").attachments("r3") == []


def test_a_clone_without_artifacts_says_what_it_cannot_bring_back(call, store):
    store.attach("r3", "artifacts/x", b"x")
    call("clone", ".", "part", "--no-artifacts")
    call("-C", "part/.graven", "rm", "r3")
    done = call("-C", "part/.graven", "restore", "r3")
    assert done.code == 0
    assert "warning: this clone was made without artifacts" in done.err
    call("-C", "part/.graven", "rm", "r3")
    (record,) = call("-C", "part/.graven", "restore", "r3", "--json").records()
    assert record["without_attachments"] is True


def test_again_it_goes_on_and_elsewhere_it_refuses(call, store, a_run, tmp_path):
    assert call("clone", ".", "copy").code == 0
    store.save(a_run(9))
    assert call("clone", ".", "copy").err.startswith(f"{tmp_path}/copy/.graven: 1 run; ")
    assert call("clone", ".", "copy", "--branch", "main").code == 4
    graven.init(tmp_path / "taken/.graven")
    assert call("clone", ".", "taken").code == 4


def test_what_cannot_be_cloned(call, store, tmp_path):
    assert call("clone", "./nothing", "copy").code == 3
    assert not (tmp_path / "copy").exists()
    assert call("clone", "/").code == 2
    both = call("clone", ".", "x", "--store", "y")
    assert both.code == 2
    assert both.err.startswith("graven: FOLDER and --store exclude each other")
    assert call("clone", ".", "--store", "s3://bench/p").code == 2
    assert call("clone", ".", "x", "-o", "secret=hunter2").code == 2
    assert call("--offline", "clone", "s3://bench/p").code == 2
    assert not (tmp_path / "x").exists()


def test_the_store_of_the_environment_is_not_the_target(call, store, monkeypatch, tmp_path):
    monkeypatch.setenv("GRAVEN_STORE", str(store.path))
    assert call("clone", ".", "copy").code == 0
    assert (tmp_path / "copy/.graven/store.json").is_file()


def test_a_variable_that_hides_the_clone_is_named(call, store, monkeypatch, tmp_path):
    url, warning = str(store.path), "warning: GRAVEN_STORE is set"
    monkeypatch.setenv("GRAVEN_STORE", url)
    assert f"{warning}: commands in the clone use {url} until" in call("clone", url, "one").err
    assert warning not in call("clone", url, "--store", "two").err
    monkeypatch.setenv("GRAVEN_STORE", str(tmp_path / "three" / ".graven"))
    assert warning not in call("clone", url, "three").err
