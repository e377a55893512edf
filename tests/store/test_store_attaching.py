"""Attachments: bytes, files and streams in; file objects and exports out; names are data."""

import io
import os
import random
import socket
from pathlib import PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.errors import Conflict, Corrupt, InvalidInput, NotFound
from graven.ids import hash_bytes, normal
from graven.store.attachment_names import check_attachment_name, folders_among, safe_path
from graven.testing.runs import sample_run

LARGE = random.Random(7).randbytes(3_000_000)


@pytest.fixture
def store(store):
    store.save(sample_run("a"))
    return store


def packs_of(store):
    return len(store.packs())


# --- what goes in ---


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_000_000])
def test_bytes_files_and_streams_are_the_same_object(store, tmp_path, size):
    data = LARGE[:size]
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    by_bytes = store.attach("a", "artifacts/bytes.bin", data)
    by_path = store.attach("a", "artifacts/path.bin", path)
    by_text = store.attach("a", "artifacts/text.bin", str(path))
    by_stream = store.attach("a", "artifacts/stream.bin", io.BytesIO(data))
    assert len({a.object_id for a in (by_bytes, by_path, by_text, by_stream)}) == 1
    assert by_stream.size == size
    assert store.read_attachment("a", "artifacts/stream.bin") == data
    whole = by_stream.blake3 or by_stream.object_id
    assert whole == hash_bytes(data).hex()
    assert store.fsck("full").ok


def test_an_attachment_tells_what_it_is(store):
    made = store.attach("a", "artifacts/t.csv", b"x,y\n", metadata={"unit": "ms", "n": [1, 2]})
    assert (made.media_type, made.kind, made.size) == ("text/csv", "file", 4)
    assert store.attachment("a", "artifacts/t.csv") == made
    assert store.attachments("a") == [made]
    assert made.metadata == {"unit": "ms", "n": [1, 2]}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("artifacts/plot.png", "image/png"),
        ("artifacts/no-ending", "application/octet-stream"),
        ("artifacts/data.csv.gz", "application/gzip"),
        ("artifacts/data.tar.xz", "application/octet-stream"),
    ],
)
def test_the_media_type_is_guessed_from_the_name(store, name, wanted):
    assert store.attach("a", name, b"").media_type == wanted
    assert (
        store.attach("a", name, b"", media_type="text/x-own; v=1").media_type == "text/x-own; v=1"
    )


def test_a_stream_is_read_from_where_it_stands(store):
    source = io.BytesIO(b"headbody")
    source.seek(4)
    store.attach("a", "artifacts/x", source)
    assert store.read_attachment("a", "artifacts/x") == b"body"


def test_the_same_again_writes_nothing(store, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(LARGE)
    for source in (b"small", path):
        first = store.attach("a", "artifacts/x", source)
        count = packs_of(store)
        assert store.attach("a", "artifacts/x", source) == first
        assert packs_of(store) == count
    changed = store.attach("a", "artifacts/x", path, metadata={"new": True})
    assert changed.stamp > first.stamp
    assert changed.object_id == first.object_id


def test_what_had_the_name_is_replaced(store):
    store.attach("a", "artifacts/x", b"1")
    store.attach("a", "artifacts/x", LARGE)
    store.attach("a", "artifacts/x", b"2")
    assert store.read_attachment("a", "artifacts/x") == b"2"
    assert len(store.attachments("a")) == 1


def test_attachments_of_a_prefix(store):
    for name in ("logs/a", "logs/b", "artifacts/c", "logsx"):
        if name != "logsx":
            store.attach("a", name, b"x")
    assert [a.name for a in store.attachments("a", "logs/")] == ["logs/a", "logs/b"]


def test_progress_tells_bytes_and_new_bytes_apart(store):
    told = []
    store.attach("a", "artifacts/x", io.BytesIO(LARGE), progress=lambda *n: told.append(n))
    done, new = told[-1]
    assert new == done
    assert 0 <= done - len(LARGE) < 1000  # the list of its chunks counts too
    told.clear()
    store.attach("a", "artifacts/y", io.BytesIO(LARGE), progress=lambda *n: told.append(n))
    assert told[-1] == (done, 0)


# --- what comes out ---


def test_an_attachment_opens_as_a_file_with_seek(store):
    store.attach("a", "artifacts/x", LARGE)
    with store.open_attachment("a", "artifacts/x") as content:
        content.seek(2_000_000)
        assert content.read(100) == LARGE[2_000_000:2_000_100]
        content.seek(-5, os.SEEK_END)
        assert content.read() == LARGE[-5:]


def test_detach_takes_it_away_and_attach_brings_it_back(store, open_store):
    store.attach("a", "artifacts/x", b"1")
    store.detach("a", "artifacts/x")
    assert store.attachments("a") == []
    with pytest.raises(NotFound) as error:
        store.detach("a", "artifacts/x")
    assert error.value.kind == "attachment-missing"
    assert open_store().attachments("a") == []
    store.attach("a", "artifacts/x", b"1")
    assert open_store().read_attachment("a", "artifacts/x") == b"1"


def test_export_writes_the_file_whole_and_replaces_none(store, tmp_path):
    store.attach("a", "artifacts/x", LARGE)
    target = tmp_path / "out"
    store.export_attachment("a", "artifacts/x", target)
    assert target.read_bytes() == LARGE
    with pytest.raises(Conflict):
        store.export_attachment("a", "artifacts/x", target)
    store.attach("a", "artifacts/x", b"new")
    store.export_attachment("a", "artifacts/x", target, force=True)
    assert target.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "store"]


def test_export_follows_no_link_at_its_target(store, tmp_path):
    store.attach("a", "artifacts/x", b"new")
    (tmp_path / "precious").write_bytes(b"old")
    (tmp_path / "out").symlink_to("precious")
    with pytest.raises(Conflict):
        store.export_attachment("a", "artifacts/x", tmp_path / "out")
    store.export_attachment("a", "artifacts/x", tmp_path / "out", force=True)
    assert (tmp_path / "precious").read_bytes() == b"old"
    assert (tmp_path / "out").read_bytes() == b"new"


def test_a_damaged_attachment_leaves_nothing_behind(store, tmp_path):
    store.attach("a", "artifacts/x", LARGE)
    for pack in (store.path / "packs").iterdir():
        data = bytearray(pack.read_bytes())
        if len(data) > 1_000_000:
            data[len(data) // 2] ^= 1
            pack.write_bytes(data)
    with pytest.raises(Corrupt):
        store.export_attachment("a", "artifacts/x", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


# --- bad input ---


@pytest.mark.parametrize(
    "name",
    [
        "", "x", "artifacts", "artifacts/", "other/x", "/artifacts/x", "artifacts/a\0b",
        "artifacts/a\nb", "artifacts/a\x7fb", "artifacts/a\x9bb", "artifacts/\ud800",
        "artifacts/" + "x" * 1024, None, 7, b"artifacts/x",
    ],
)  # fmt: skip
def test_names_that_none_may_have(store, name):
    with pytest.raises(InvalidInput) as error:
        store.attach("a", name, b"x")
    assert error.value.kind == "bad-name"
    assert store.attachments("a") == []


HOSTILE = [
    "artifacts/../../evil",
    "artifacts//etc/passwd",
    "artifacts/C:\\Windows\\evil",
    "artifacts/file.txt:stream",
    "artifacts/\\\\host\\share",
    "artifacts/con",
    "artifacts/NUL.txt",
    "artifacts/.",
    "artifacts/..",
    "artifacts/a/",
    "artifacts/trailing.",
    "artifacts/trailing ",
    "artifacts/100%",
    "artifacts/~",
    "artifacts/-rf",
]


def test_names_that_look_like_paths_are_names(store, tmp_path):
    before = sorted(tmp_path.iterdir())
    for number, name in enumerate(HOSTILE):
        store.attach("a", name, str(number).encode())
    assert sorted(a.name for a in store.attachments("a")) == sorted(HOSTILE)
    for number, name in enumerate(HOSTILE):
        assert store.read_attachment("a", name) == str(number).encode()
    assert sorted(tmp_path.iterdir()) == before
    assert store.fsck("full").ok


def test_paths_made_of_names_stay_below_and_differ():
    paths = [safe_path(name) for name in HOSTILE]
    assert len(set(paths)) == len(paths)
    for path in paths:
        assert not any(part in ("", ".", "..") for part in path)
        assert not any(set(part) & set('\\:*?"<>|') for part in path)
        assert not any(part.endswith((".", " ")) for part in path)
        assert not any(part.split(".")[0].lower() in ("con", "nul") for part in path)
    assert safe_path("artifacts/plots/loss (1).png") == ("artifacts", "plots", "loss (1).png")
    with pytest.raises(InvalidInput):
        safe_path("artifacts/" + "é" * 200)


def test_a_file_where_others_have_a_folder_has_a_name_of_its_own():
    names = [*HOSTILE, "artifacts/x", "artifacts/x/y", "artifacts/x%", "artifacts/x/", "artifacts/"]
    folders = folders_among(names)
    assert {"artifacts", "artifacts/x"} <= folders
    assert "artifacts/x/y" not in folders
    paths = [safe_path(name, beside_folder=name in folders) for name in names]
    assert len(set(paths)) == len(paths)
    parents = {path[:count] for path in paths for count in range(1, len(path))}
    assert not parents & set(paths)
    assert safe_path("artifacts/x", beside_folder=True) == ("artifacts", "x%")


def test_a_run_that_is_not_there(store):
    for call in (
        lambda: store.attach("b", "artifacts/x", b"x"),
        lambda: store.attachments("b"),
        lambda: store.open_attachment("b", "artifacts/x"),
        lambda: store.detach("b", "artifacts/x"),
    ):
        with pytest.raises(NotFound):
            call()


def test_sources_that_cannot_be(store, tmp_path):
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "socket"))
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "bad-source": [7, None, io.StringIO("text"), "", "a\0b"],
        "not-a-file": [tmp_path / "socket", tmp_path / "pipe", "/dev/null"],
        "file-missing": [tmp_path / "nothing"],
    }
    for kind, sources in cases.items():
        for source in sources:
            with pytest.raises((InvalidInput, NotFound)) as error:
                store.attach("a", "artifacts/x", source)
            assert error.value.kind == kind, source
    unix.close()
    assert store.attachments("a") == []


def test_streams_that_cannot_be_read(store, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    closed = (tmp_path / "file").open("rb")
    closed.close()
    with (tmp_path / "file").open("ab") as for_writing:
        for source in (closed, for_writing):
            with pytest.raises(InvalidInput) as error:
                store.attach("a", "artifacts/x", source)
            assert error.value.kind == "bad-source"
    assert store.attachments("a") == []


@pytest.mark.parametrize("begun", [b"", b"begun"])
@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_that_has_nothing_yet_has_not_ended(store, begun, buffering):
    behind, front = os.pipe()
    os.set_blocking(behind, False)
    os.write(front, begun)
    with (
        open(behind, "rb", buffering) as source,
        pytest.raises(InvalidInput, match="has nothing to read yet"),
    ):
        store.attach("a", "artifacts/x", source)
    os.close(front)
    assert store.attachments("a") == []


class _Pausing(io.BytesIO):
    """A large stream that does not wait for its next bytes."""

    def readinto(self, room):
        return super().readinto(room) or None


def test_a_large_stream_that_has_nothing_yet_has_not_ended(store):
    with pytest.raises(InvalidInput, match="has nothing to read yet"):
        store.attach("a", "artifacts/x", _Pausing(LARGE))
    assert store.attachments("a") == []


class _Giving:
    """A stream that gives just this, whatever it is asked for."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def read(self, size=-1):
        return self.pieces.pop(0) if size else b""


def test_streams_that_are_none(store):
    for source in (_Giving("text"), _Giving(b"x", None), _Giving(LARGE, LARGE * 4)):
        with pytest.raises(InvalidInput) as error:
            store.attach("a", "artifacts/x", source)
        assert error.value.kind == "file-unreadable"
    assert store.attachments("a") == []


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"media_type": "csv"}, "bad-media-type"),
        ({"media_type": "text/a\nb"}, "bad-media-type"),
        ({"media_type": 7}, "bad-media-type"),
        ({"metadata": {"x": b"bytes"}}, "bad-metadata"),
        ({"metadata": {"x": object()}}, "bad-metadata"),
        ({"metadata": ["x"]}, "bad-metadata"),
        ({"metadata": {"x": "y" * 70_000}}, "bad-metadata"),
        ({"metadata": {"x": 2**70}}, "bad-int"),
    ],
)
def test_facts_that_cannot_be_kept(store, options, kind):
    with pytest.raises(InvalidInput) as error:
        store.attach("a", "artifacts/x", b"x", **options)
    assert error.value.kind == kind
    assert store.attachments("a") == []


def test_a_file_that_grows_while_it_is_read(store, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(LARGE)

    def grow(done, new):
        with path.open("ab") as out:
            out.write(b"more")

    with pytest.raises(InvalidInput) as error:
        store.attach("a", "artifacts/x", path, progress=grow)
    assert error.value.kind == "file-changed"
    assert store.attachments("a") == []


def test_a_name_that_two_spell_apart_is_one(store):
    store.attach("a", "artifacts/e\u0301", b"1")
    store.attach("a", "artifacts/\xe9", b"2")
    assert len(store.attachments("a")) == 1
    assert store.read_attachment("a", "artifacts/e\u0301") == b"2"


@given(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=2))
def test_any_name_has_a_path_of_its_own_below(texts):
    paths = []
    for text in texts:
        try:
            path = safe_path(check_attachment_name("artifacts/" + text))
        except InvalidInput:
            continue
        joined = os.path.normpath(os.path.join("/target", *path))
        assert joined.startswith("/target/artifacts/")
        assert joined.count("/") == len(path) + 1
        assert not PureWindowsPath(*path).is_reserved()
        assert PureWindowsPath("C:/target", *path).parts == ("C:\\", "target", *path)
        paths.append((normal(text), path))
    if len(paths) == 2:
        assert (paths[0][0] == paths[1][0]) == (paths[0][1] == paths[1][1])
