"""Streams that become objects, and are read back; what stands already is not written."""

import io
import os
import random

import pytest

from graven import Store, clock
from graven.errors import BackendUnavailable, Corrupt, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.plan import Plan, encode_plan
from graven.ids import hash_bytes
from graven.objects.chunks import to_items
from graven.store.filing import known_objects, open_content, put_stream
from graven.store.session import Intent
from graven.testing.runs import sample_run

MIB = 1024 * 1024


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


LARGE = noise(21 * MIB + 9)
SIZES = {"nothing": b"", "little": b"abc", "whole": noise(MIB), "file": noise(MIB + 1)}


def attach_stream(store, run_id, name, source, **options):
    """What the public attachments do: one transaction for the content and its name."""
    writer = store.parts.session.writer()
    stored = put_stream(store, source, writer=writer, **options)
    ref = layout.attachment_ref(run_id, name)
    writer.extend([Intent(ref, stored.object_id, None, {"size": stored.size})])
    writer.finish()
    return stored


@pytest.fixture
def run(store):
    store.save(sample_run("r"))
    return "r"


def pack_bytes(store):
    return sum(entry.size for entry in store.parts.backend.list(layout.PACKS))


@pytest.mark.parametrize("name", SIZES)
def test_content_of_any_size_is_read_back(store, run, name):
    data = SIZES[name]
    told = []
    stored = attach_stream(
        store, run, "artifacts/x", io.BytesIO(data), progress=lambda *n: told.append(n)
    )
    assert stored.object_id == to_items(data)[-1].id
    assert stored.kind == ("blob" if len(data) <= MIB else "file")
    assert stored.blake3 == hash_bytes(data)
    assert stored.items == max(1, len(to_items(data)) - 1)
    assert (stored.size, stored.new_bytes, stored.reused_bytes) == (len(data), len(data), 0)
    assert told == sorted(told)
    assert store.read_attachment(run, "artifacts/x") == data
    with open_content(store, stored.object_id.hex()) as file:
        assert file.read() == data
    assert store.fsck("full").ok


def test_a_large_stream_is_in_several_packs_and_seen_at_once(store, run):
    seen = []

    def look(*_):
        seen.append(store.attachments(run))

    writer_packs = len(store.parts.backend.names(layout.PACKS))
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE), progress=look)
    assert len(seen) > 3
    assert not any(seen)
    assert len(store.parts.backend.names(layout.PACKS)) - writer_packs > 1
    with open_content(store, stored.object_id) as file:
        file.seek(7 * MIB)
        assert file.read(100) == LARGE[7 * MIB : 7 * MIB + 100]
    assert Store(store.url).read_attachment(run, "artifacts/x") == LARGE


def test_an_unchanged_file_writes_its_ref_and_no_more(store, run, open_store):
    attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    for again in (store, open_store()):
        before = pack_bytes(store)
        stored = attach_stream(again, run, "artifacts/y", io.BytesIO(LARGE))
        assert (stored.new_bytes, stored.reused_bytes) == (0, len(LARGE))
        assert pack_bytes(store) - before < 500
        assert again.read_attachment(run, "artifacts/y") == LARGE


def test_a_changed_file_costs_what_changed(store, run):
    attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    before = pack_bytes(store)
    changed = LARGE[: 5 * MIB] + noise(1024, 2) + LARGE[5 * MIB :]
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(changed))
    assert stored.new_bytes + stored.reused_bytes == len(changed)
    assert stored.new_bytes < 5 * MIB
    assert pack_bytes(store) - before < stored.new_bytes + 5000
    assert store.read_attachment(run, "artifacts/x") == changed


def test_what_repeats_within_a_file_is_written_once(store, run):
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(bytes(40 * MIB)))
    assert stored.new_bytes <= 4 * MIB
    assert pack_bytes(store) < 10_000
    assert store.read_attachment(run, "artifacts/x") == bytes(40 * MIB)


def test_without_a_transaction_the_object_stands_by_itself(store):
    stored = put_stream(store, io.BytesIO(LARGE))
    assert store.read_content(stored.object_id.hex()) == LARGE


def test_an_object_that_is_no_content_is_not_opened(store, run):
    header = store.headers()[0]
    with pytest.raises(InvalidInput, match="no content"):
        open_content(store, header.object_id)


def test_a_file_that_changes_while_it_is_read_is_refused(store, run, tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(LARGE)

    def grow(*_):
        with path.open("ab") as more:
            more.write(b"x")

    with path.open("rb") as source, pytest.raises(InvalidInput) as caught:
        attach_stream(store, run, "artifacts/x", source, progress=grow)
    assert caught.value.kind == "file-changed"
    assert "growing" in caught.value.message
    assert store.attachments(run) == []
    assert store.fsck("full").ok
    os.utime(path, ns=(1, 1))
    with path.open("rb") as source:
        attach_stream(store, run, "artifacts/x", source)
    assert len(store.read_attachment(run, "artifacts/x")) > len(LARGE)


class Broken(io.BytesIO):
    """Gives an error in the middle."""

    def readinto(self, room):
        if self.tell() > 9 * MIB:
            raise OSError(5, "Input/output error")
        return super().readinto(room)


def test_an_error_of_the_source_reaches_the_caller(store, run):
    with pytest.raises(InvalidInput, match="the stream cannot be read: Input/output error"):
        attach_stream(store, run, "artifacts/x", Broken(LARGE))
    assert store.attachments(run) == []


def test_lookups_send_no_requests(store, run, monkeypatch):
    attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    known = known_objects(store)
    ids = [item.id for item in to_items(LARGE)]
    backend = type(store.parts.backend)
    for name in ("get", "get_range", "get_tail", "names", "names_after", "list", "head"):
        monkeypatch.setattr(backend, name, None)
    assert known(ids) == set(ids)
    assert known([*ids * 100, hash_bytes(b"strange")]) == set(ids)
    assert known([]) == set()


@pytest.mark.parametrize("data", [b"abc", LARGE], ids=["blob", "file"])
def test_what_others_hold_is_relied_on_for_half_the_grace_only(store, run, data, monkeypatch):
    attach_stream(store, run, "artifacts/x", io.BytesIO(data))
    late = Store(store.url, durable=False)
    writer = late.parts.session.writer()
    stored = put_stream(late, io.BytesIO(data), writer=writer)
    assert stored.new_bytes == 0
    ref = layout.attachment_ref(run, "artifacts/y")
    writer.extend([Intent(ref, stored.object_id, None, {"size": stored.size})])
    now = clock.uptime()
    monkeypatch.setattr(clock, "uptime", lambda: now + late.grace_seconds / 2)
    with pytest.raises(BackendUnavailable) as caught:
        writer.finish()
    assert caught.value.kind == "session-old"
    monkeypatch.undo()
    assert [found.name for found in store.attachments(run)] == ["artifacts/x"]


def flip_chunk(store, number, data):
    """Damage the bytes of one chunk within its pack; (start, end) of the chunk."""
    items = to_items(data)
    wanted = items[number].data[1000:1100]
    for path in (store.path / "packs").iterdir():
        body = bytearray(path.read_bytes())
        at = body.find(wanted)
        if at >= 0:
            body[at] ^= 1
            path.write_bytes(body)
    start = sum(len(item.data) for item in items[:number])
    return start, start + len(items[number].data), items[number].id.hex()


def test_a_damaged_chunk_leaves_the_rest_and_fsck_names_its_run(store, run):
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    start, end, chunk = flip_chunk(store, 4, LARGE)
    with open_content(store, stored.object_id) as file:
        assert file.read(start) == LARGE[:start]
        with pytest.raises(Corrupt, match=f"bytes {start} to {end - 1} of the file"):
            file.read(1)
        file.seek(end)
        assert file.read() == LARGE[end:]
    damage = [found for found in store.fsck("full").damage if found.object_id == chunk]
    assert [found.runs for found in damage] == [(run,)]


def test_what_stands_in_condemned_packs_only_is_written_again(store, run, open_store):
    attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    packs = [name for name in store.parts.backend.names(layout.PACKS) if name.endswith(".pack")]
    plan = Plan("gc", store.grace_seconds, tuple(packs))
    store.parts.backend.put(layout.PACKS + layout.plan_name("0" * 32), encode_plan(plan))
    later = open_store()
    stored = attach_stream(later, run, "artifacts/y", io.BytesIO(LARGE))
    assert (stored.new_bytes, stored.reused_bytes) == (len(LARGE), 0)
    again = attach_stream(open_store(), run, "artifacts/z", io.BytesIO(LARGE))
    assert again.new_bytes == 0
    for name in sorted(packs)[1:]:  # as the sweep does it; the first one has the run
        store.parts.backend.delete(layout.pack_key(name))
    assert open_store().read_attachment(run, "artifacts/y") == LARGE


def test_chunks_are_looked_up_many_at_a_time_for_whoever_reads_on(store, run, monkeypatch):
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    content = open_content(store, stored.object_id)
    asked, real = [], store.parts.index.look
    monkeypatch.setattr(
        store.parts.index, "look", lambda question: asked.append(1) or real(question)
    )
    assert content.read() == LARGE
    assert len(asked) == 1
    chance = random.Random(5)
    for _ in range(30):
        offset = chance.randrange(len(LARGE))
        content.seek(offset)
        assert content.read(5000) == LARGE[offset : offset + 5000]


@pytest.mark.parametrize("fault", [NotFound("moved", kind="object-missing"), Corrupt("damaged")])
def test_what_was_looked_up_and_is_true_no_more_is_looked_up_anew(store, run, monkeypatch, fault):
    stored = attach_stream(store, run, "artifacts/x", io.BytesIO(LARGE))
    content = open_content(store, stored.object_id)
    reader, asked = store.parts.index.reader, []
    real = reader.get_at

    def get_at(object_id, places):
        asked.append(object_id)
        if len(asked) == 5:
            raise fault
        return real(object_id, places)

    monkeypatch.setattr(reader, "get_at", get_at)
    assert content.read() == LARGE
    assert asked[4] == asked[5]
    assert len(asked) == stored.items + 1
