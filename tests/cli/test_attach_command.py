"""``graven attach``, ``cat``, ``export``, and what ``show`` and ``status`` say of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

BINARY = bytes(range(256)) * 10


@pytest.fixture
def files(tmp_path):
    (tmp_path / "data.bin").write_bytes(BINARY)
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_text("{}\n")
    (tmp_path / "model" / "sub" / "weights").write_bytes(BINARY)
    return tmp_path


@pytest.fixture
def binary_out(monkeypatch):
    """What a command writes to standard output, as bytes."""

    def begin():
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
        return raw

    return begin


def test_a_file_goes_in_and_out(call, store, files, binary_out):
    done = call("attach", "r1", "artifacts/data.bin", "data.bin")
    assert (done.code, done.out) == (0, "")
    assert done.err == "artifacts/data.bin: 2.5 KiB, 2.5 KiB new\n"
    assert call("attach", "r2", "artifacts/data.bin", "data.bin").err.endswith(", 0 B new\n")
    raw = binary_out()
    assert call("cat", "r1", "artifacts/data.bin").code == 0
    sys.stdout.flush()
    assert raw.getvalue() == BINARY


def test_export_writes_all_or_what_was_named(call, store, files):
    call("attach", "r1", "artifacts/", "data.bin", "model")
    done = call("export", "r1", "-o", "out")
    assert done.code == 0
    assert (files / "out/artifacts/data.bin").read_bytes() == BINARY
    assert (files / "out/artifacts/model/sub/weights").read_bytes() == BINARY
    assert call("export", "r1", "-o", "out").code == 4
    assert call("export", "r1", "artifacts/data.bin", "-o", "out", "--force").code == 0
    assert call("export", "r1", "artifacts/model", "-o", "two").code == 0
    assert sorted(os.listdir(files / "two" / "artifacts")) == ["model"]
    none = call("export", "r3", "-o", "none")
    assert (none.code, none.err) == (0, "r3: nothing is kept beside it\n")
    missing = call("export", "r1", "artifacts/no", "-o", "three")
    assert missing.code == 3
    assert not (files / "three").exists()


def test_export_never_leaves_its_folder(call, store, files):
    for name in ("artifacts/../../../evil", "artifacts//etc/evil", "artifacts/a:b"):
        store.attach("r1", name, b"evil")
    before = sorted(p for p in files.parent.rglob("evil*") if ".graven" not in p.parts)
    assert call("export", "r1", "-o", "deep/out").code == 0
    found = sorted(p for p in files.parent.rglob("*evil*") if p.is_file())
    assert before == []
    assert found
    assert all((files / "deep" / "out") in p.parents for p in found)
    (files / "trap").mkdir()
    (files / "trap" / "artifacts").symlink_to(files)
    refused = call("export", "r1", "-o", "trap")
    assert refused.code == 2
    assert "in the way" in refused.err


def test_export_writes_a_file_and_a_folder_of_one_name(call, store, files):
    store.attach("r1", "artifacts/x", b"file")
    store.attach("r1", "artifacts/x/y", b"below")
    store.attach("r1", "artifacts/x/y/z", b"deep")
    store.attach("r1", "artifacts/m", files / "model")
    store.attach("r1", "artifacts/m/config.json", b"other")
    assert call("export", "r1", "-o", "out").code == 0
    found = {p.relative_to(files / "out").as_posix(): p.read_bytes()
             for p in (files / "out").rglob("*") if p.is_file()}  # fmt: skip
    assert found == {
        "artifacts/x%": b"file",
        "artifacts/x/y%": b"below",
        "artifacts/x/y/z": b"deep",
        "artifacts/m%/config.json": b"{}\n",
        "artifacts/m%/sub/weights": BINARY,
        "artifacts/m/config.json": b"other",
    }
    for name in ("artifacts/x/y", "artifacts/x"):  # each by itself: the same paths
        assert call("export", "r1", name, "-o", "apart").code == 0
    assert sorted(os.listdir(files / "apart" / "artifacts")) == ["x", "x%"]


def test_the_store_is_not_attached_to_itself(call, store):
    refused = call("attach", "r1", "artifacts/x", str(store.path))
    assert refused.code == 2
    assert "belongs to the store" in refused.err


def test_standard_input(call, store, monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"piped\n")

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert call("attach", "r1", "logs/bench.txt", "-").code == 0
    assert call("cat", "r1", "logs/bench.txt").out == "piped\n"


def test_json(call, store, files):
    (record,) = call("attach", "r1", "artifacts/x", "data.bin", "-m", "k=v", "--json").records()
    assert record["schema"] == "graven.attach/1"
    (one,) = record["attached"]
    assert (one["name"], one["size"], one["new_bytes"]) == ("artifacts/x", 2560, 2560)
    assert one["metadata"] == {"k": "v"}
    (record,) = call("cat", "r1", "artifacts/x", "--json").records()
    assert (record["schema"], record["media_type"]) == ("graven.cat/1", "application/octet-stream")
    (record,) = call("export", "r1", "-o", "out", "--json").records()
    assert record["exported"] == [
        {"name": "artifacts/x", "path": str(files / "out" / "artifacts" / "x")}
    ]
    (record,) = call("show", "r1", "--json").records()
    assert [a["kind"] for a in record["attachments"]] == ["file"]


def test_show_lists_them_with_size_and_type(call, store, files):
    call("attach", "r1", "artifacts/model", "model")
    call("attach", "r1", "artifacts/table.csv", "data.bin", "--type", "text/x-own")
    store.put_result("r1", "x", [1])
    rows = [row for row in call("show", "r1").rows() if row[0].startswith("attachment ")]
    assert rows == [
        ["attachment artifacts/model", "2563", "inode/directory"],
        ["attachment artifacts/table.csv", "2560", "text/x-own"],
        ["attachment results/x", str(store.attachment("r1", "results/x").size), "result"],
    ]


def test_many_tensors_are_one_line_for_people(call, store):
    for number in range(21):
        store.attach("r1", f"tensors/0/layer/{number}", bytes(8))
    store.attach("r1", "artifacts/x", b"x")
    shown = call("show", "r1", "--color", "always").out
    assert "21 tensors" in shown
    assert "tensors/0/layer" not in shown
    assert "artifacts/x" in shown
    rows = call("show", "r1").rows()
    assert sum(row[0].startswith("attachment tensors/") for row in rows) == 21


def test_files_within_a_folder(call, store, files):
    call("attach", "r1", "artifacts/model", "model")
    assert call("cat", "r1", "artifacts/model", "--path", "config.json").out == "{}\n"
    assert call("cat", "r1", "artifacts/model").code == 2
    assert call("cat", "r1", "artifacts/model", "--path", "no").code == 3
    assert call("cat", "r1", "artifacts/model", "--path", "../x").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["r1", "other/x", "data.bin"], 2),
        (["r1", "artifacts/x", "no-file"], 3),
        (["no-run", "artifacts/x", "data.bin"], 3),
        (["r1", "artifacts/", "-"], 2),
        (["r1", "artifacts/", "data.bin", "./data.bin"], 2),
        (["r1", "artifacts/x", ""], 2),
        (["r1", "", "data.bin"], 2),
        (["r1", "artifacts/x"], 2),
        (["r1", "artifacts/x", "data.bin", "-m", "nothing"], 2),
        (["r1", "artifacts/x", "data.bin", "-t", "nothing"], 2),
    ],
)
def test_what_cannot_be_attached(call, store, files, words, code):
    done = call("attach", *words)
    assert done.code == code
    assert store.attachments("r1") == []


def test_a_log_is_followed_and_left_ones_are_told(call, store):
    store.put_log("r1", "done", "all of it\n")
    assert call("cat", "-f", "r1", "logs/done").out == "all of it\n"
    assert call("cat", "-f", "r1", "artifacts/x").code == 2
    with store.live_log("r1", "train") as log:
        log.write("so far\n")
        assert call("cat", "r1", "logs/train").out == "so far\n"
    code = (
        "import sys, graven; log = graven.open(sys.argv[1]).live_log('r1', 'killed');"
        "log.write('last words\\n'); import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = subprocess.run([sys.executable, "-c", code, str(store.path)], check=False)
    assert child.returncode == -signal.SIGKILL
    assert ["log left here", "r1 logs/killed"] in call("status").rows()
    (record,) = call("status", "--json").records()
    assert [(g["run"], g["name"]) for g in record["logs"]] == [("r1", "logs/killed")]
    assert call("cat", "r1", "logs/killed").out == "last words\n"
    (record,) = call("status", "--json").records()
    assert record["logs"] == []


def test_a_baselines_name_is_a_revision_here_too(call, store, files):
    call("baseline", "set", "r2")
    assert call("attach", "main", "artifacts/x", "data.bin").code == 0
    assert store.attachment("r2", "artifacts/x").size == len(BINARY)
