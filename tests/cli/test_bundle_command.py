"""``graven bundle``."""

from __future__ import annotations

import re


def test_an_archive_is_made_looked_into_checked_and_read(call, store, tmp_path):
    call("baseline", "set", "r1")
    call("tag", "set", "v1", "r2")
    made = call("bundle", "create", "x.zip")
    assert made.code == 0
    assert re.fullmatch(r"x\.zip: 3 runs, [\d.]+ KiB\n", made.err)
    rows = call("bundle", "list", "x.zip").rows()
    size = (tmp_path / "x.zip").stat().st_size
    assert rows == [
        ["archive", str(tmp_path / "x.zip")],
        ["size", str(size)],
        ["store id", store.store_id],
        ["runs", "3"],
        ["first", "2026-01-02T13:00:00+00:00"],
        ["last", "2026-01-02T15:00:00+00:00"],
        ["deleted", "0"],
        ["attachments", "0"],
        ["branch main", "3"],
        ["baselines/main", "r1"],
        ["tags/v1", "r2"],
    ]
    shown = call("bundle", "list", "x.zip", "--color", "always").out
    assert "3 runs" in shown
    assert "2026-01-02 to 2026-01-02" in shown
    checked = call("bundle", "verify", "x.zip")
    assert (checked.code, checked.out) == (0, "")
    assert checked.err.startswith("no damage: ")
    assert [row[0] for row in call("-C", "x.zip", "log").rows()] == ["r3", "r2", "r1"]
    assert call("-C", "x.zip", "show", "baselines/main").code == 0
    assert call("-C", "x.zip", "rm", "r3").code == 6


def test_json(call, store):
    (record,) = call("bundle", "create", "x.zip", "--json").records()
    assert (record["schema"], record["runs"]) == ("graven.bundle-create/1", ["r1", "r2", "r3"])
    (record,) = call("bundle", "list", "x.zip", "--json").records()
    assert (record["schema"], record["branches"]) == (
        "graven.bundle-list/1",
        [{"branch": "main", "runs": 3}],
    )
    (record,) = call("bundle", "verify", "x.zip", "--json").records()
    assert (record["schema"], record["sound"]) == ("graven.bundle-verify/1", True)


def test_a_part(call, store, a_run):
    store.save(a_run(9, branch="dev"))
    store.attach("r9", "artifacts/x", b"x")
    call("bundle", "create", "dev.zip", "--branch", "dev", "--no-artifacts")
    call("bundle", "create", "late.zip", "--since", "2026-01-02T14:30:00+00:00")
    assert [row[0] for row in call("-C", "dev.zip", "log").rows()] == ["r9"]
    assert [row[0] for row in call("-C", "late.zip", "log").rows()] == ["r9", "r3"]


def test_damage_is_the_answer_no(call, store, tmp_path):
    call("bundle", "create", "x.zip")
    file = tmp_path / "x.zip"
    data = bytearray(file.read_bytes())
    data[data.index(b"gFRM") + 30] ^= 255
    file.write_bytes(bytes(data))
    answer = call("bundle", "verify", "x.zip")
    assert answer.code == 1
    assert answer.out.startswith("damaged packs/")
    assert answer.err.startswith("damaged: ")
    assert not call("bundle", "verify", "x.zip", "--json").records()[0]["sound"]
    assert call("bundle", "verify", "x.zip", "--json").code == 1
    file.write_bytes(bytes(data[: len(data) // 2]))
    assert call("bundle", "verify", "x.zip").code in (2, 5)


def test_a_file_that_is_there_stays_unless_forced(call, store, tmp_path):
    (tmp_path / "x.zip").write_text("mine")
    refused = call("bundle", "create", "x.zip")
    assert (refused.code, (tmp_path / "x.zip").read_text()) == (4, "mine")
    assert call("bundle", "create", "x.zip", "-f").code == 0


def test_what_is_not_there(call, store):
    assert call("bundle", "create", "no/x.zip").code == 3
    for word in ("verify", "list"):
        assert call("bundle", word, "x.zip").code == 3
        assert call("bundle", word, "").code == 2


def test_alone_it_says_what_it_can_do(call):
    answer = call("bundle")
    assert answer.code == 0
    assert "create" in answer.out
