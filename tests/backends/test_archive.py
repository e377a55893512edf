"""Archives: read in place, written whole, and refused where a stranger made them odd."""

import io
import os
import random
import shutil
import stat
import struct
import subprocess
import sys
import threading
import warnings
import zipfile
from functools import partial
from pathlib import Path

import pytest

import graven
from graven.backends import open_backend
from graven.backends.archive.backend import ArchiveBackend
from graven.backends.archive.writer import write_archive
from graven.cli.start import run as run_command_line
from graven.errors import BackendUnavailable, Conflict, Corrupt, GravenError, InvalidInput, NotFound
from graven.store import Store
from graven.testing.racing import race
from graven.testing.reading_suite import KEYS, ReadOnlyBackendSuite
from graven.testing.runs import sample_run

BODIES = {"store.json": b"{}", "packs/a": b"0123456789", "packs/b": b"", "packs/c": b"last"}


def zip_of(path, members):
    """A zip file by Python's own writer; members are pairs of a name or ZipInfo and a body."""
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that are there already
        for name, body in members:
            archive.writestr(name, body)
    return path


def named(name, **fields):
    """A ZipInfo with a name that Python's writer would mend."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def read_all(backend):
    """Read all there is in every way that finds its own place; what does not match its CRC."""
    for entry in backend.list(""):
        assert len(backend.get(entry.key)) == entry.size
        backend.get_tail(entry.key, 3)
    return [key for key, problem in backend.verify() if problem]


class TestArchive(ReadOnlyBackendSuite):
    def fill(self, tmp_path, bodies):
        return ArchiveBackend(zip_of(tmp_path / "x.zip", bodies.items()))


class TestArchiveOfOurs(ReadOnlyBackendSuite):
    def fill(self, tmp_path, bodies):
        write_archive(tmp_path / "x.zip", bodies.items())
        return ArchiveBackend(tmp_path / "x.zip")


# A whole store.


@pytest.fixture
def store(tmp_path):
    with_runs = Store(tmp_path / "store", durable=False)
    for number in range(3):
        with_runs.save(sample_run(f"r{number}", float(number), minute=number))
    with_runs.set_baseline("r1", "main")
    yield with_runs
    with_runs.close()


def files_of(store):
    backend = store._backend
    return [(entry.key, Path(backend.root, entry.key)) for entry in backend.list("")]


@pytest.mark.parametrize("prefix", ["", "exported store/"])
def test_a_store_in_an_archive_answers_as_in_its_folder(store, tmp_path, prefix):
    path = tmp_path / "x.zip"
    write_archive(path, [(prefix + key, body) for key, body in files_of(store)])
    before = path.read_bytes()
    for url in (path, f"zip://{path}", path.as_uri()):
        archived = graven.open(url)
        assert archived.url == f"zip://{os.path.realpath(path)}"
        assert archived.path is None
        assert archived.list_runs() == store.list_runs()
        assert archived.latest().to_dict() == store.latest().to_dict()
        assert dict(archived.baselines) == dict(store.baselines)
        with pytest.raises(BackendUnavailable) as caught:
            archived.save(sample_run("new"))
        assert caught.value.kind == "read-only"
        archived.close()
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["store", "x.zip"]


def test_the_command_line_reads_an_archive(store, tmp_path, capsys):
    path = tmp_path / "x.zip"
    write_archive(path, files_of(store))
    for words in (["log"], ["show", "main"], ["fsck", "--full"], ["stats"], ["status"]):
        code = run_command_line(["-C", str(path), *words])
        assert code == 0, capsys.readouterr().err
    assert "r1" in capsys.readouterr().out
    assert run_command_line(["-C", str(path), "rm", "r0"]) == 6
    assert "archives are read-only" in capsys.readouterr().err


def test_what_is_a_place_for_an_archive(tmp_path):
    (tmp_path / "folder.zip").mkdir()
    assert not isinstance(open_backend(tmp_path / "folder.zip"), ArchiveBackend)
    assert not isinstance(open_backend(tmp_path / "new.zip"), ArchiveBackend)
    zip_of(tmp_path / "X.ZIP", BODIES.items())
    assert isinstance(open_backend(tmp_path / "X.ZIP"), ArchiveBackend)
    missing = open_backend(f"zip://{tmp_path}/none.zip")  # nothing is read yet
    with pytest.raises(NotFound) as caught:
        missing.get("store.json")
    assert caught.value.kind == "archive-missing"
    with pytest.raises(InvalidInput) as caught:
        ArchiveBackend(tmp_path / "folder.zip").names("")
    assert caught.value.kind == "not-an-archive"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.zip")
    with pytest.raises(InvalidInput):
        ArchiveBackend(tmp_path / "x.zip").names("")


def test_a_zipped_folder_is_a_store(tmp_path):
    bodies = {key: key.encode() for key in KEYS}
    members = [(f"my store/{key}", body) for key, body in bodies.items()]
    members += [
        ("my store/", b""),
        ("my store/packs/", b""),
        ("my store/packs/.tmp-0123", b"an upload that never ended"),
        ("beside.txt", b"not in the store"),
        ("other/deep/store.json", b"not at the top of a folder"),
    ]
    backend = ArchiveBackend(zip_of(tmp_path / "x.zip", members))
    assert {entry.key: backend.get(entry.key) for entry in backend.list("")} == bodies
    backend.close()


def test_an_archive_of_several_stores_is_refused(tmp_path):
    members = [("a/store.json", b"{}"), ("b/store.json", b"{}")]
    with pytest.raises(InvalidInput) as caught:
        ArchiveBackend(zip_of(tmp_path / "x.zip", members)).names("")
    assert caught.value.kind == "several-stores"
    # One at the root is meant, whatever else is there.
    backend = ArchiveBackend(zip_of(tmp_path / "x.zip", [*members, ("store.json", b"{ }")]))
    assert backend.get("store.json") == b"{ }"


@pytest.fixture
def reads(monkeypatch):
    """The places that are read with `os.pread`."""
    seen = []
    real = os.pread

    def pread(fd, length, offset):
        seen.append((offset, length))
        return real(fd, length, offset)

    monkeypatch.setattr(os, "pread", pread)
    return seen


@pytest.mark.skipif(not hasattr(os, "pread"), reason="no pread on this system")
def test_a_range_and_a_tail_cost_one_read(tmp_path, reads):
    backend = ArchiveBackend(zip_of(tmp_path / "x.zip", BODIES.items()))
    backend.get_tail("packs/a", 1)
    for read in (
        lambda: backend.get_range("packs/a", 2, 3),
        lambda: backend.get_tail("packs/a", 2),
        lambda: backend.get("packs/a"),
    ):
        reads.clear()
        read()
        assert len(reads) == 1
    reads.clear()
    assert backend.names("packs") == ["a", "b", "c"]
    assert backend.head("packs/a").size == 10
    assert not reads


def test_a_system_without_pread_reads_the_same(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "pread", raising=False)
    backend = ArchiveBackend(zip_of(tmp_path / "x.zip", BODIES.items()))
    assert {key: backend.get(key) for key in BODIES} == BODIES
    assert read_all(backend) == []


def test_bites_smaller_than_asked_are_put_together(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "x.zip", [("a", bytes(range(200)))])
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: real(fd, min(n, 7), at), raising=False)
    assert ArchiveBackend(path).get("a") == bytes(range(200))


def test_an_archive_that_is_replaced_is_read_on_until_it_is_closed(tmp_path):
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    backend = ArchiveBackend(path)
    token = backend.listing_token("packs")
    write_archive(path, [("packs/new", b"x")])
    assert backend.names("packs") == ["a", "b", "c"]
    assert backend.get("packs/a") == b"0123456789"
    backend.close()
    assert backend.names("packs") == ["new"]
    assert backend.listing_token("packs") != token


def test_many_threads_read_while_one_closes(tmp_path):
    bodies = {f"packs/{number}": random.Random(number).randbytes(1000) for number in range(20)}
    backend = ArchiveBackend(zip_of(tmp_path / "x.zip", bodies.items()))
    done = threading.Event()

    def read():
        try:
            for _ in range(20):
                assert {key: backend.get(key) for key in bodies} == bodies
        finally:
            done.set()

    def close():
        while not done.is_set():
            backend.close()

    race([read, read, read, close])


# Archives of strangers.


def refusal(path):
    with pytest.raises(GravenError) as caught:
        read_all(ArchiveBackend(path))
    assert str(path) in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["../up", "/etc/passwd", "packs/../../up", "./a", "a//b", "c:/x", "back\\slash", "a\x00b", "/"],
)
def test_names_that_could_lead_astray_are_refused(tmp_path, name):
    error = refusal(zip_of(tmp_path / "x.zip", [(named(name), b"x"), ("store.json", b"{}")]))
    assert isinstance(error, InvalidInput)
    assert error.kind == "bad-key"


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    members = [("store.json", b"{}"), ("packs/a", b"one"), ("packs/a", b"two")]
    assert refusal(zip_of(tmp_path / "x.zip", members)).kind == "duplicate-member"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused_with_a_hint(tmp_path, method):
    members = [(named("store.json", compress_type=method), b"{}" * 100)]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(members[0][0], members[0][1], compress_type=method)
    error = refusal(tmp_path / "x.zip")
    assert isinstance(error, InvalidInput)
    assert error.kind == "archive-compressed"
    assert "stored" in error.hint


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    info = named("packs/a", create_system=3, external_attr=(kind | 0o777) << 16)
    assert refusal(zip_of(tmp_path / "x.zip", [(info, b"/etc/passwd")])).kind == "symlink"


def patched(path, pattern, change, *, last=False):
    """Change the bytes at the first (or last) place that begins with ``pattern``."""
    data = bytearray(path.read_bytes())
    at = data.rfind(pattern) if last else data.find(pattern)
    for offset, values in change.items():
        data[at + offset : at + offset + len(values)] = values
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("flag", [0x01, 0x41])
def test_encrypted_members_are_refused(tmp_path, flag):
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    patched(path, b"PK\1\2", {8: bytes([flag])})
    assert refusal(path).kind == "archive-encrypted"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({0: b"PK\3\5"}, "is not there"),
        ({6: b"\x00\x08"}, "another way"),
        ({8: b"\x08"}, "another way"),
        ({14: b"\xff"}, "another size or checksum"),
        ({18: b"\x03"}, "another size or checksum"),
        ({22: b"\x01"}, "another size or checksum"),
        ({26: b"\x09"}, "another name"),
        ({30: b"Store"}, "another name"),
        ({18: b"\xff\xff\xff\xff"}, "does not fit"),
    ],
)
def test_a_header_that_disagrees_stops_only_its_member(tmp_path, change, words):
    path = patched(zip_of(tmp_path / "x.zip", BODIES.items()), b"PK\3\4", change)
    backend = ArchiveBackend(path)
    with pytest.raises(Corrupt, match=words) as caught:
        backend.get("store.json")
    assert caught.value.kind == "bad-archive"
    assert caught.value.fields["member"] == "store.json"
    assert backend.get("packs/a") == b"0123456789"
    assert [key for key, problem in backend.verify() if problem] == ["store.json"]


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = zip_of(tmp_path / "x.zip", [("a", b"x" * 1000), ("b", b"y" * 1000)])
    # Both sizes of the first member, so that it reaches into the second.
    patched(path, b"PK\1\2", {20: struct.pack("<2I", 1500, 1500)})
    assert "overlaps" in str(refusal(path))
    path = zip_of(tmp_path / "x.zip", [("a", b"x" * 1000), ("b", b"y" * 1000)])
    patched(path, b"PK\1\2", {42: struct.pack("<I", 0)}, last=True)
    assert "overlaps" in str(refusal(path))


def test_a_flipped_bit_in_a_body_is_found_by_verify_alone(tmp_path):
    path = patched(zip_of(tmp_path / "x.zip", BODIES.items()), b"0123456789", {0: b"1"})
    backend = ArchiveBackend(path)
    assert backend.get("packs/a") == b"1123456789"
    assert [(key, problem and problem.kind) for key, problem in backend.verify()] == [
        ("store.json", None),
        ("packs/a", "bad-crc"),
        ("packs/b", None),
        ("packs/c", None),
    ]


@pytest.mark.parametrize("body", [b"", b"no zip", b"PK", b"\x1f\x8b" + bytes(100), bytes(70_000)])
def test_what_is_no_zip_is_called_so(tmp_path, body):
    (tmp_path / "x.zip").write_bytes(body)
    error = refusal(tmp_path / "x.zip")
    assert isinstance(error, InvalidInput)
    assert error.kind == "not-an-archive"


def test_a_download_that_broke_off_is_called_damaged(tmp_path):
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    whole = path.read_bytes()
    for length in range(4, len(whole)):
        path.write_bytes(whole[:length])
        assert isinstance(refusal(path), Corrupt)
    for extra in (b"\n", b"PK\5\6", whole):
        path.write_bytes(whole + extra)
        assert isinstance(refusal(path), Corrupt)
    path.write_bytes(b"#!/bin/sh\n" + whole)
    assert isinstance(refusal(path), Corrupt)


def test_a_comment_that_looks_like_an_end_misleads_nobody(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x")
        archive.comment = b"PK\5\6" + bytes(30) + b"PK\5\6"
    assert ArchiveBackend(path).get("a") == b"x"


def test_a_claim_of_a_huge_directory_takes_no_memory(tmp_path):
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    os.truncate(path, 3 << 30)  # a file with a hole
    size = 3 << 30
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, size - 100, 100, 0)
    with open(path, "ab") as file:
        file.write(end)
    assert isinstance(refusal(path), Corrupt)


def test_a_body_cut_off_after_opening_is_damage(tmp_path):
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    backend = ArchiveBackend(path)
    backend.get("packs/a")
    os.truncate(path, 5)
    for key in ("packs/a", "packs/c"):
        with pytest.raises(Corrupt):
            backend.get(key)


def test_no_change_of_bytes_gets_past_the_checks(tmp_path):
    """Whatever is flipped: the same bodies, bodies that `verify` names, or one of our errors."""
    path = zip_of(tmp_path / "x.zip", BODIES.items())
    whole = path.read_bytes()
    rng = random.Random(20260707)
    for turn in range(3000):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 8))):
            data[rng.randrange(len(data))] = rng.choice(
                (0, 1, 0x50, 0x7F, 0xFF, rng.randrange(256))
            )
        path.write_bytes(data)
        backend = ArchiveBackend(path)
        try:
            wrong = read_all(backend)
            bodies = {entry.key: backend.get(entry.key) for entry in backend.list("")}
        except (InvalidInput, Corrupt, NotFound):
            continue
        known = set(BODIES.values())
        assert all(key in wrong or body in known for key, body in bodies.items()), turn


# Other people's writers.


@pytest.mark.skipif(shutil.which("zip") is None, reason="no zip command on this system")
@pytest.mark.parametrize("what", ["store", "."])
def test_a_folder_zipped_by_hand_is_a_store(store, tmp_path, what):
    folder = tmp_path if what == "store" else tmp_path / "store"
    words = ["zip", "-0", "-q", "-r", str(tmp_path / "x.zip"), what]
    subprocess.run(words, cwd=folder, check=True)
    archived = graven.open(tmp_path / "x.zip")
    assert archived.list_runs() == store.list_runs()
    archived.close()
    os.unlink(tmp_path / "x.zip")
    subprocess.run([*words[:1], *words[2:]], cwd=folder, check=True)
    with pytest.raises(InvalidInput) as caught:
        graven.open(tmp_path / "x.zip")
    assert caught.value.kind == "archive-compressed"


def test_a_zip_written_to_a_pipe_is_read(tmp_path):
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.held = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.held += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, body in BODIES.items():
            archive.writestr(name, body)
    (tmp_path / "x.zip").write_bytes(pipe.held)
    backend = ArchiveBackend(tmp_path / "x.zip")
    assert {key: backend.get(key) for key in BODIES} == BODIES
    assert read_all(backend) == []


def test_zip64_headers_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 5)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    write_archive(tmp_path / "x.zip", BODIES.items())
    assert b"PK\6\6" in (tmp_path / "x.zip").read_bytes()
    backend = ArchiveBackend(tmp_path / "x.zip")
    assert {key: backend.get(key) for key in BODIES} == BODIES
    assert read_all(backend) == []


@pytest.mark.slow
def test_more_members_than_the_old_format_counts(tmp_path):
    bodies = {f"runs/{number}.json": b"%d" % number for number in range(70_000)}
    write_archive(tmp_path / "x.zip", bodies.items())
    backend = ArchiveBackend(tmp_path / "x.zip")
    assert len(backend.names("runs")) == 70_000
    assert backend.get("runs/69999.json") == b"69999"


# Writing.


def test_the_same_files_give_the_same_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"from a file")
    os.chmod(tmp_path / "a", 0o600)
    files = [("packs/a", tmp_path / "a"), ("runs/ä", b"x"), ("empty", b"")]
    write_archive(tmp_path / "1.zip", files)
    os.utime(tmp_path / "a", (1, 1))
    os.chmod(tmp_path / "a", 0o644)
    write_archive(tmp_path / "2.zip", iter(files))
    first = (tmp_path / "1.zip").read_bytes()
    assert first == (tmp_path / "2.zip").read_bytes()
    write_archive(tmp_path / "2.zip", [("packs/a", b"from a file"), *files[1:]])
    assert first == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [key for key, _ in files]  # in the order given
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ([("a", b"1"), ("a", b"2")], "duplicate-member"),
        ([("a", b"1"), ("../b", b"2")], "bad-key"),
        ([("a", b"1"), ("/b", b"2")], "bad-key"),
        ([("a", b"1"), ("b", Path("/nowhere/at/all"))], "file-missing"),
    ],
)
def test_a_write_that_fails_leaves_what_was_there(tmp_path, files, kind):
    (tmp_path / "x.zip").write_bytes(b"old")
    with pytest.raises(GravenError) as caught:
        write_archive(tmp_path / "x.zip", files)
    assert caught.value.kind == kind
    assert os.listdir(tmp_path) == ["x.zip"]
    assert (tmp_path / "x.zip").read_bytes() == b"old"


def test_no_room_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def fsync(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(BackendUnavailable) as caught:
        write_archive(tmp_path / "x.zip", [("a", b"x")])
    assert caught.value.kind == "disk-full"
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(BackendUnavailable):
        write_archive(tmp_path / "none" / "x.zip", [("a", b"x")])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_while_it_is_copied_is_a_conflict(tmp_path, monkeypatch, change):
    (tmp_path / "a").write_bytes(b"0123456789")
    real = os.fstat

    def fstat(fd):
        found = real(fd)
        if found.st_size != 10:
            return found
        fields = list(found)
        fields[stat.ST_SIZE] += change
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", fstat)
    with pytest.raises(Conflict) as caught:
        write_archive(tmp_path / "x.zip", [("a", tmp_path / "a")])
    assert caught.value.kind == "file-changed"
    assert os.listdir(tmp_path) == ["a"]


def test_big_files_take_little_memory(tmp_path):
    import tracemalloc

    with open(tmp_path / "big", "wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    write_archive(tmp_path / "x.zip", [("packs/big", tmp_path / "big")])
    backend = ArchiveBackend(tmp_path / "x.zip")
    assert list(backend.verify()) == [("packs/big", None)]
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert backend.head("packs/big").size == 64 << 20


def test_writers_of_one_archive_leave_one_of_theirs(tmp_path):
    path = tmp_path / "x.zip"
    race([partial(write_archive, path, [("a", b"%d" % n * 1000)]) for n in range(8)])
    assert ArchiveBackend(path).get("a") in [b"%d" % n * 1000 for n in range(8)]
    assert os.listdir(tmp_path) == ["x.zip"]


def test_opening_a_folder_loads_nothing_of_archives(tmp_path):
    code = (
        "import sys, graven.backends as b; b.open_backend(sys.argv[1]);"
        "sys.exit(any(m in sys.modules for m in ('zipfile', 'graven.backends.archive.backend')))"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == 0


def test_a_body_that_no_memory_holds_is_refused(tmp_path):
    path = tmp_path / "huge.zip"
    body = 33 * 1024 * 1024  # of nothing: a hole in the file
    name = b"store.json"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 33, 0, body, body, len(name), 0)
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, body, body, len(name), 0, 0, 0, 0, 0, 0
    )
    with path.open("wb") as file:
        file.write(local + name)
        file.seek(body, 1)
        start = file.tell()
        file.write(central + name)
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central + name), start, 0))
    backend = ArchiveBackend(path)
    assert backend.get_tail("store.json", 3) == (bytes(3), body)
    for read in (backend.get, backend.get_with_version):
        with pytest.raises(Corrupt) as caught:
            read("store.json")
        assert "larger than any of graven's" in caught.value.message
