"""``graven doctor``: what it prints, and its exit codes."""

from __future__ import annotations

import graven
from graven.porcelain import doctor as module
from graven.testing.careless import CarelessBackend


def test_a_pipe_gets_a_kind_and_fields_on_each_line(call, tmp_path):
    answer = call("doctor", "new/place")
    assert answer.code == 0
    assert answer.err == ""
    rows = answer.rows()
    assert rows[0] == ["place", str(tmp_path / "new/place")]
    assert ["store", "none yet"] in rows
    assert ["ok", "stale-swap", "a write on a version that is gone is refused"] in rows
    assert rows[-1][0] == "follows"
    assert not (tmp_path / "new").exists()


def test_a_person_gets_marks_and_sentences(call, store):
    answer = call("--color", "always", "doctor")
    assert answer.code == 0
    assert "✓" in answer.out
    assert "What follows" in answer.out
    assert store.store_id in answer.out


def test_json_is_one_document(call):
    (record,) = call("doctor", "--json", "memory://x").records()
    assert record["schema"] == "graven.doctor/1"
    assert record["ok"] is True
    assert record["findings"][0] == {
        "name": "write",
        "outcome": "ok",
        "words": "a key that was written is read back",
    }


def test_without_a_url_it_is_the_store_that_is_meant(call, tmp_path):
    assert call("doctor").code == 3
    graven.init(tmp_path / "other")
    answer = call("-C", "other", "doctor")
    assert answer.rows()[0] == ["place", str(tmp_path / "other")]


def test_the_folder_of_a_project_means_the_store_in_it(call, tmp_path):
    store = graven.init(tmp_path / "project" / ".graven")
    rows = call("doctor", "project").rows()
    assert rows[0] == ["place", str(store.path)]
    assert ["store", store.store_id] in rows


def test_offline_it_goes_nowhere(call, tmp_path):
    answer = call("doctor", "s3://bucket/x", "--offline")
    assert answer.code == 2
    assert "s3://bucket/x needs the network, and --offline forbids it" in answer.err
    assert call("doctor", "--offline", str(tmp_path)).code == 0


def test_1_is_a_place_that_does_not_keep_its_word(call, monkeypatch):
    backend = CarelessBackend(ignores=frozenset(["swap"]))
    monkeypatch.setattr(module, "open_backend", lambda url, storage_options: backend)
    monkeypatch.setattr(module, "_remember", lambda *_: None)
    answer = call("doctor", "careless://x")
    assert answer.code == 1
    assert [row[1] for row in answer.rows() if row[0] == "wrong"] == ["stale-swap"]
    assert "✗" in call("--color", "always", "doctor", "careless://x").out


def test_2_is_no_such_kind_of_place(call):
    assert call("doctor", "nonsense://x").code == 2
    assert call("doctor", "").code == 2


def test_6_is_a_place_that_cannot_be_reached(call, monkeypatch):
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    answer = call("doctor", "s3://bucket/x")
    assert answer.code == 6
    (reached,) = (row[1] for row in answer.rows() if row[0] == "reached")
    assert reached.startswith("no: ")
    assert "hush" not in answer.out + answer.err
    assert '\t    "Statement": [' not in answer.out
    assert any(row[0] == "policy" for row in answer.rows())
