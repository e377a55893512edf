"""``graven ls`` and ``graven detach``."""

from __future__ import annotations

import json

import pytest

from graven.cli.session import Session


@pytest.fixture
def kept(store, tmp_path):
    folder = tmp_path / "model"
    (folder / "vocab").mkdir(parents=True)
    (folder / "none").mkdir()
    (folder / "vocab" / "words.txt").write_text("a\n")
    (folder / "newest").symlink_to("vocab/words.txt")
    store.attach("r1", "artifacts/model", folder, metadata={"framework": "none"})
    store.attach("r1", "artifacts/a.csv", b"x,y\n")
    store.put_result("r1", "best", {"step": 7})
    return store


def test_ls_lists_what_is_kept_with_size_type_and_metadata(call, kept):
    rows = call("ls", "r1").rows()
    assert rows == [
        ["artifacts/a.csv", "4", "text/csv", ""],
        ["artifacts/model", "2", "inode/directory", '{"framework": "none"}'],
        ["results/best", rows[2][1], "result", ""],
    ]
    assert [row[0] for row in call("ls", "r1", "artifacts/").rows()] == [
        "artifacts/a.csv",
        "artifacts/model",
    ]
    assert [row[0] for row in call("ls", "r1", "results/best").rows()] == ["results/best"]


def test_ls_lists_what_a_folder_holds(call, kept):
    expected = [
        ["newest", "0", "link", "vocab/words.txt"],
        ["none", "0", "folder", ""],
        ["vocab/words.txt", "2", "file", ""],
    ]
    assert call("ls", "r1", "artifacts/model").rows() == expected
    assert call("ls", "r1", "artifacts/model/").rows() == expected
    (document,) = call("ls", "r1", "artifacts/model", "--json").records()
    assert document["schema"] == "graven.ls/1"
    assert [entry["path"] for entry in document["entries"]] == [row[0] for row in expected]


def test_ls_for_people(call, kept):
    lines = [line.split() for line in call("ls", "r1", "--color", "always").out.splitlines()]
    assert "framework=none" in " ".join(lines[2])
    assert "-> vocab/words.txt" in call("ls", "r1", "artifacts/model", "--color", "always").out


def test_ls_of_a_run_with_nothing_says_so(call, kept):
    answer = call("ls")
    assert (answer.code, answer.out, answer.err) == (0, "", "r3: nothing is kept beside it\n")


def test_ls_of_an_unknown_name_is_not_found(call, kept):
    answer = call("ls", "r1", "artifacts/modle")
    assert (answer.code, answer.out) == (3, "")
    assert "did you mean 'artifacts/model'?" in answer.err


def test_detach_takes_away_all_or_nothing(call, kept):
    refused = call("detach", "r1", "artifacts/a.csv", "artifacts/no")
    assert (refused.code, len(kept.attachments("r1"))) == (3, 3)
    done = call("detach", "r1", "artifacts/a.csv", "results/best")
    assert done.code == 0
    assert done.err == "r1: took away artifacts/a.csv\nr1: took away results/best\n"
    assert [one.name for one in kept.attachments("r1")] == ["artifacts/model"]
    (document,) = call("detach", "r1", "artifacts/model", "--json").records()
    assert document == {"schema": "graven.detach/1", "run": "r1", "detached": ["artifacts/model"]}


@pytest.mark.parametrize("command", ["cat", "export", "ls", "detach"])
def test_names_are_completed(kept, tmp_path, monkeypatch, command):
    from click.shell_completion import ShellComplete

    from graven.cli.main import PROGRAM, root

    monkeypatch.chdir(tmp_path)
    completer = ShellComplete(root, {"obj": Session()}, PROGRAM, "_GRAVEN_COMPLETE")
    found = completer.get_completions([command, "r1"], "art")
    assert [item.value for item in found] == ["artifacts/a.csv", "artifacts/model"]
    assert json.dumps([item.value for item in completer.get_completions([command, "zz"], "")])
