"""Loose objects: their names, their files, and how readers find them."""

import io
import tempfile
from pathlib import Path

import pytest

from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable, Corrupt, InvalidInput, NotFound
from graven.formats import layout
from graven.ids import ObjectId, hash_bytes
from graven.objects import loose

DATA = bytes(range(256)) * 1000
ID = hash_bytes(DATA)


@pytest.fixture
def backend():
    yield MemoryBackend("loose-tests")
    MemoryBackend.forget("loose-tests")


def test_a_name_carries_the_id():
    key = layout.loose_key(ID, "0" * 32)
    assert layout.parse_loose_key(key) == ID
    assert layout.parse_loose_key(key + "0") is None
    assert layout.parse_loose_key("packs/" + key) is None
    assert loose.nonce_of(key) == "0" * 32
    with pytest.raises(InvalidInput, match="no key of a loose"):
        loose.nonce_of("objects/ab/x-y")


def test_each_file_has_a_name_of_its_own_and_a_listing_tells_them(backend):
    keys = {loose.write_loose(backend, ID, DATA) for _ in range(3)}
    backend.put("objects/ab/stranger", b"x")
    found = list(loose.iter_loose(backend))
    assert {f.key for f in found} == keys
    assert {(f.object_id, f.size) for f in found} == {(ID, len(DATA))}


def test_the_bytes_are_those_that_were_hashed(backend, monkeypatch):
    monkeypatch.setattr(loose, "PIECE_BYTES", 1000)
    key = loose.write_loose(backend, ID, DATA)
    assert backend.get(key) == DATA == loose.read_loose(backend, key, len(DATA))
    empty = loose.write_loose(backend, hash_bytes(b""), b"")
    assert loose.read_loose(backend, empty, 0) == b""


def copied(backend, key, object_id, size):
    with loose.spooled(backend, key, object_id, size) as file, loose.mapped(file) as body:
        return bytes(body)


@pytest.mark.parametrize("in_memory", [1 << 20, 10])
def test_what_is_handed_on_was_verified(backend, monkeypatch, in_memory):
    monkeypatch.setattr(loose, "IN_MEMORY_BYTES", in_memory)
    key = loose.write_loose(backend, ID, DATA)
    assert copied(backend, key, ID, len(DATA)) == DATA
    backend.put(key, b"x" + DATA[1:])
    with pytest.raises(Corrupt, match="does not match its name"):
        copied(backend, key, ID, len(DATA))
    backend.put(key, DATA[:-1])
    with pytest.raises(Corrupt, match="cut short"):
        copied(backend, key, ID, len(DATA))
    backend.delete(key)
    with pytest.raises(NotFound):
        copied(backend, key, ID, len(DATA))


@pytest.mark.parametrize("in_memory", [10, -1])
def test_an_empty_object_is_handed_on_too(backend, monkeypatch, in_memory):
    monkeypatch.setattr(loose, "IN_MEMORY_BYTES", in_memory)
    key = loose.write_loose(backend, hash_bytes(b""), b"")
    assert copied(backend, key, hash_bytes(b""), 0) == b""


@pytest.mark.parametrize(
    "note",
    [
        None,
        {},
        {"loose": "../../evil", "size": 1},
        {"loose": "0" * 31, "size": 1},
        {"loose": "0" * 32},
        {"loose": "0" * 32, "size": -1},
        {"loose": "0" * 32, "size": True},
        {"loose": "0" * 32, "size": 2**64},
        {"loose": 7, "size": 1},
    ],
)
def test_a_note_of_anybody_leads_to_no_other_file(note):
    assert loose.key_in_note(ID, note) is None


def test_a_note_names_the_file():
    note = {"loose": "0" * 32, "size": 7}
    assert loose.key_in_note(ID, note) == (layout.loose_key(ID, "0" * 32), 7)
    assert loose.key_in_note(None, note) is None


def test_mapped_hands_out_the_bytes(tmp_path):
    with loose.mapped(io.BytesIO(b"abc")) as body:
        assert bytes(body) == b"abc"
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    with path.open("rb") as file, loose.mapped(file) as body:
        assert bytes(body) == b"abc"


def test_a_fault_with_a_mapped_body_is_told_as_it_is(tmp_path):
    def put(body):
        part = body[1:]
        raise BackendUnavailable(f"no space left for {len(part)} bytes")

    path = tmp_path / "f"
    path.write_bytes(b"abc")
    with (
        pytest.raises(BackendUnavailable, match="no space left for 2 bytes"),
        path.open("rb") as file,
        loose.mapped(file) as body,
    ):
        put(body)


def test_a_full_disk_for_temporary_files_is_told(backend, monkeypatch):
    monkeypatch.setattr(loose, "IN_MEMORY_BYTES", 10)
    full = Path("/dev/full")
    monkeypatch.setattr(
        tempfile,
        "TemporaryFile",
        lambda **_: full.open("w+b"),
    )
    key = loose.write_loose(backend, ID, DATA)
    with (
        pytest.raises(BackendUnavailable, match="no space left to write"),
        loose.spooled(backend, key, ID, len(DATA)),
    ):
        pass


def test_a_file_that_no_ref_names_is_found_when_it_is_asked_for(tmp_path):
    from graven import Store

    store = Store(tmp_path / "s", durable=False)
    key = loose.write_loose(store.parts.backend, ID, DATA)
    assert store.get_object(ID.hex()[:12]) == DATA
    assert store.parts.index.get(ID) == DATA
    info = store.object_info(ID.hex())
    assert (info.kind, info.size, info.pack) == ("blob", len(DATA), key)
    assert [o.id for o in store.iter_objects("blob")] == [ID.hex()]
    store.parts.backend.delete(key)
    again = loose.write_loose(store.parts.backend, ID, DATA)
    assert store.parts.index.get(ID) == DATA
    store.parts.backend.put(again, b"")
    with pytest.raises(Corrupt):
        store.parts.index.get(ID)
    store.parts.backend.delete(again)
    with pytest.raises(NotFound):
        store.parts.index.get(ID)
    store.close()


def test_an_unknown_object_stays_unknown(tmp_path):
    from graven import Store

    store = Store(tmp_path / "s", durable=False)
    with pytest.raises(NotFound, match="no object"):
        store.parts.index.get(ObjectId(bytes(32)))
    store.close()
