"""Damage on the disk is found, named, and stays where it is."""

import os
import random
import shutil
import warnings

import pytest
from scenes import State

from graven import Metric, Point, Store
from graven.errors import Corrupt, FormatTooNew, GravenError, InvalidInput, NotFound
from graven.formats import layout, pack
from graven.formats.packbuild import Item, PackBuilder, PendingUpdate
from graven.ids import hash_bytes
from graven.objects.packs import read_pack_metadata
from graven.store import GravenWarning
from graven.testing.invariants import check_store
from graven.testing.runs import sample_run

RUNS = {f"r{n}": sample_run(f"r{n}", n + 0.123456789, minute=n) for n in range(12)}


OTHER = sample_run("other", minute=99, environment={"cpu": "another"})


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """Twelve runs in one pack (frame of runs compressed), one more in another."""
    folder = tmp_path_factory.mktemp("healthy") / "store"
    store = Store(folder, durable=False)
    with store.batch() as batch:
        for run in RUNS.values():
            batch.save(run, attachments={"logs/x": f"log of {run.id}".encode() * 50})
    store.close()
    store = Store(folder, durable=False)  # a session of its own shares no objects
    store.save(OTHER)
    store.set_baseline("other")
    store.close()
    return folder


@pytest.fixture
def folder(healthy, tmp_path):
    shutil.copytree(healthy, tmp_path / "s")
    return tmp_path / "s"


def big_pack(folder):
    return max((folder / "packs").iterdir(), key=lambda path: path.stat().st_size)


def flip(path, position, bit=1):
    data = bytearray(path.read_bytes())
    data[position] ^= bit
    path.write_bytes(data)


def regions(folder):
    """Name of a region of the big pack -> byte offsets in it."""
    path = big_pack(folder)
    store = Store(folder, readonly=True)
    size, metadata = read_pack_metadata(store._backend, path.name)
    tail = pack.read_tail(path.read_bytes(), size)
    frames = metadata.objects.frames
    header = pack.FRAME_HEADER_BYTES
    meta = tail.offset + pack.META_HEADER_BYTES
    out = {
        "head magic": 0,
        "head version": 8,
        "head nonce": 20,
        "metadata mark": tail.offset,
        "metadata sizes": tail.offset + 6,
        "metadata hash": tail.offset + 30,
        "updates": meta + 10,
        "index": size - pack.TAIL_BYTES - 10,
        "trailer offset": size - pack.TAIL_BYTES,
        "trailer length": size - pack.TAIL_BYTES + 12,
        "trailer crc": size - 10,
        "trailer magic": size - 1,
    }
    for number, frame in enumerate(frames):
        out[f"frame {number} mark"] = frame.offset
        out[f"frame {number} sizes"] = frame.offset + 9
        out[f"frame {number} start"] = frame.offset + header
        out[f"frame {number} early"] = frame.offset + header + 12
        out[f"frame {number} middle"] = frame.offset + header + frame.stored // 2
        out[f"frame {number} end"] = frame.offset + header + frame.stored - 1
    return out


PARTS = ("mark", "sizes", "start", "early", "middle", "end")
REGIONS = [
    "head magic",
    "head version",
    "head nonce",
    "metadata mark",
    "metadata sizes",
    "metadata hash",
    "updates",
    "index",
    "trailer offset",
    "trailer length",
    "trailer crc",
    "trailer magic",
    *(
        f"frame {n} {part}"
        for n in (0, 1)
        for part in ("mark", "sizes", "start", "early", "middle", "end")
    ),
]


def listed(store):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        runs = {run.id: run for run in store.list_runs()}
    assert all(issubclass(w.category, GravenWarning) for w in caught)
    return runs, [str(w.message) for w in caught]


def check_survivors(store):
    """What is listed is right; what is not is warned about, or its pack is reported."""
    runs, told = listed(store)
    for run_id, run in runs.items():
        known = RUNS | {"other": OTHER, "later": sample_run("later")}
        assert run == known[run_id]
    assert "other" in runs
    for run_id in RUNS.keys() - runs.keys():
        assert any(run_id in text for text in told) or store.stats().damaged_packs
    assert store.get_baseline().id == "other"
    assert store.latest()
    store.query(size="10")
    store.headers()
    store.extract_trend("time", "sort/quick", {})
    return runs


@pytest.mark.parametrize("fresh", [False, True], ids=["known", "fresh"])
@pytest.mark.parametrize("region", REGIONS)
def test_a_flipped_bit_is_found_named_and_contained(folder, region, fresh):
    assert sorted(regions(folder)) == sorted(REGIONS)
    path = big_pack(folder)
    known = Store(folder, durable=False)
    assert known.count() == 13
    known.series()
    if fresh:
        known.close()
        shutil.rmtree(folder / "cache")
    flip(path, regions(folder)[region], 0x10)
    store = Store(folder, durable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        check_survivors(store)
        store.save(sample_run("later"))
        assert store.load("later") == sample_run("later")
    report = store.fsck("full")
    assert not report.ok
    assert {damage.place for damage in report.damage} == {f"packs/{path.name}"}
    lost = RUNS.keys() - listed(store)[0].keys()
    named = {run for damage in report.damage for run in damage.runs}
    assert lost <= named or store.stats().damaged_packs, (lost, named)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        store.reindex()
        check_survivors(store)


def test_a_lost_index_is_rebuilt_from_the_frames(folder):
    path = big_pack(folder)
    flip(path, regions(folder)["index"])
    shutil.rmtree(folder / "cache", ignore_errors=True)
    store = Store(folder, durable=False)
    assert listed(store)[0].keys() == RUNS.keys() | {"other"}
    assert store.stats().damaged_packs == (path.name,)
    report = store.fsck("full")
    named = {run for damage in report.damage for run in damage.runs}
    assert named == RUNS.keys(), "the runs whose refs were lost are named"


def test_damage_of_what_runs_share_names_them_all(folder):
    path = big_pack(folder)
    store = Store(folder, durable=False)
    _, metadata = read_pack_metadata(store._backend, path.name)
    frame = metadata.objects.frames[0]
    assert "environment" in metadata.objects.kinds[: frame.count]
    hurt = set()
    for offset in range(frame.offset + pack.FRAME_HEADER_BYTES + 10, frame.offset + 200, 7):
        copy = folder.parent / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        flip(big_pack(copy), offset)
        report = Store(copy, durable=False).fsck("full")
        assert not report.ok
        for damage in report.damage:
            if damage.kind in ("environment", "definitions"):
                assert set(damage.runs) >= RUNS.keys()
                hurt.add(damage.kind)
    assert hurt


@pytest.mark.parametrize("keep", [0, 1, 7, 40, 200, -1, -30, -100])
def test_a_pack_cut_short_is_found_and_the_rest_goes_on(folder, keep):
    path = big_pack(folder)
    data = path.read_bytes()
    path.write_bytes(data[:keep])
    store = Store(folder, durable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        runs = check_survivors(store)
        assert len(store.fsck().damage) >= 1
        report = store.fsck("full")
        assert f"packs/{path.name}" in {damage.place for damage in report.damage}
        store.reindex()
        assert check_survivors(store).keys() >= runs.keys() - RUNS.keys()


def test_a_pack_with_anothers_bytes_is_found(folder):
    path = big_pack(folder)
    other = min((folder / "packs").iterdir(), key=lambda p: p.stat().st_size)
    path.write_bytes(other.read_bytes())
    store = Store(folder, durable=False)
    assert listed(store)[0] == {"other": OTHER}
    assert any("hash in its name" in damage.what for damage in store.fsck("full").damage)
    store.reindex()
    assert listed(store)[0] == {"other": OTHER}


def test_a_damaged_object_with_a_healthy_copy_is_still_read(folder):
    store = Store(folder, durable=False)
    store.save(RUNS["r3"])  # the same object, in a pack of its own
    _, metadata = read_pack_metadata(store._backend, big_pack(folder).name)
    frame = metadata.objects.frames[1]
    flip(big_pack(folder), frame.offset + pack.FRAME_HEADER_BYTES + 4)
    fresh = Store(folder, durable=False)
    assert fresh.load("r3") == RUNS["r3"]
    damage = [d for d in fresh.fsck("full").damage if d.runs == ("r3",)]
    assert damage
    assert all(d.healthy_copy for d in damage)


def test_a_pack_that_vanishes_takes_its_runs_and_nothing_else(folder):
    store = Store(folder, durable=False)
    assert len(store.list_runs()) == 13
    lost = big_pack(folder)
    lost.unlink()
    (damage,) = store.fsck("full").damage
    assert (damage.place, set(damage.runs)) == (f"packs/{lost.name}", set(RUNS))
    store.reindex()  # what only the catalog and the views knew
    store.write_views()
    check_store(store, {"other": OTHER})


def test_a_run_whose_environment_vanished_is_reported(tmp_path):
    store = Store(tmp_path / "s", durable=False)
    store.save(sample_run("a"))
    store.save(sample_run("b"))  # shares environment and definitions, which stand in a's pack
    first = min(found.name for found in store.packs())
    (tmp_path / "s" / "packs" / first).unlink()
    fresh = Store(tmp_path / "s", durable=False)
    runs, told = listed(fresh)
    assert runs == {}
    assert "b" in told[0]
    report = fresh.fsck("full")
    found = {(damage.kind, damage.runs) for damage in report.damage}
    vanished = (None, ("a",))
    assert found == {("environment", ("b",)), ("definitions", ("b",)), vanished}


def test_a_file_whose_chunk_vanished_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "MAX_PACK_BYTES", 1_500_000)
    store = Store(tmp_path / "s", durable=False)
    store.save(sample_run("a"))
    store.attach("a", "artifacts/x", random.Random(1).randbytes(4_000_000))
    # The last one holds the update: without it the file was never attached, as after a kill.
    *packs, _ = sorted((tmp_path / "s" / "packs").iterdir())
    max(packs, key=lambda path: path.stat().st_size).unlink()
    fresh = Store(tmp_path / "s", durable=False)
    with pytest.raises(NotFound):
        fresh.read_attachment("a", "artifacts/x")
    report = fresh.fsck("full")
    assert not report.ok
    assert {run for damage in report.damage for run in damage.runs} == {"a"}


def test_a_pack_that_moves_while_it_is_read_is_looked_up_again(folder, monkeypatch):
    """As a repack does it: the objects get another home, the old one goes."""
    store = Store(folder, durable=False)
    reader = Store(folder, durable=False)
    assert reader.count() == 13
    real = reader._index.reader._fetch_frames
    moved = []

    def fetch(name, frames):
        if not moved:
            moved.append(name)
            for run in RUNS.values():
                store.save(run)
            with store.batch() as batch:
                for found in store.iter_objects():
                    if found.kind != "run":
                        batch.put_object(store.get_object(found.id), found.kind)
            big = max((folder / "packs").iterdir(), key=lambda path: path.stat().st_size)
            big.unlink()
        return real(name, frames)

    monkeypatch.setattr(reader._index.reader, "_fetch_frames", fetch)
    assert {run.id: run for run in reader.list_runs()}.keys() == RUNS.keys() | {"other"}
    assert moved


# --- config, catalog ---


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_config_is_named_before_anything_is_stored(folder, content):
    (folder / "config.json").write_bytes(content)
    store = Store(folder, durable=False)
    assert len(store.list_runs()) == 13  # reading does not need it
    with pytest.raises(InvalidInput, match=r"config\.json"):
        store.save(sample_run("new"))
    with pytest.raises(InvalidInput, match=r"config\.json"), store.batch() as batch:
        batch.save(sample_run("new"))
    assert Store(folder, durable=False).count() == 13
    assert (folder / "config.json").read_bytes() == content


def ruin(path, how):
    if how == "text":
        path.write_text("no database " * 1000)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif how == "pages":
        data, noise = bytearray(path.read_bytes()), random.Random(2)
        for position in range(8192, len(data), 512):
            data[position : position + 64] = noise.randbytes(64)
        path.write_bytes(data)
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(b"SQLite format 3\0" + bytes(10_000))


@pytest.mark.parametrize("how", ["text", "empty", "half", "pages", "folder", "header"])
def test_a_damaged_catalog_is_made_anew_without_a_word(folder, how):
    store = Store(folder, durable=False)
    store.series()
    before = State.of(store)
    store.close()
    for ending in ("-wal", "-shm"):
        (folder / "cache" / f"catalog.sqlite{ending}").unlink(missing_ok=True)
    ruin(folder / "cache" / "catalog.sqlite", how)
    fresh = Store(folder, durable=False)
    assert State.of(fresh) == before
    check_store(fresh)
    fresh.save(sample_run("later"))
    assert fresh.stats().runs == 14
    check_store(fresh)


def test_a_catalog_that_is_ruined_while_open_is_made_anew(folder):
    store = Store(folder, durable=False)
    store.series()
    catalog = folder / "cache" / "catalog.sqlite"
    with open(catalog, "r+b") as file:
        file.write(random.Random(3).randbytes(catalog.stat().st_size))
    for ask in (store.stats, store.count, lambda: list(store.iter_objects()), store.list_runs):
        ask()
    check_store(store)


def test_the_catalog_of_another_store_is_not_believed(folder, tmp_path):
    other = Store(tmp_path / "other", durable=False)
    other.save(sample_run("foreign"))
    other.count()
    other.close()
    shutil.rmtree(folder / "cache", ignore_errors=True)
    shutil.copytree(tmp_path / "other" / "cache", folder / "cache")
    assert Store(folder, durable=False).count() == 13


# --- what somebody planted ---


def test_links_in_the_store_lead_nowhere(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.pack").write_text("mine")
    (folder / "packs" / ("0" * 16 + "-" + "0" * 64 + ".pack")).symlink_to(outside / "mine.pack")
    store = Store(folder, durable=False)
    assert store.count() == 13
    assert store.fsck("full").ok
    shutil.move(folder / "packs", tmp_path / "packs")
    (folder / "packs").symlink_to(tmp_path / "packs")
    with pytest.raises(Corrupt, match="symbolic link"):
        Store(folder, durable=False).save(sample_run("x"))
    with pytest.raises(Corrupt, match="symbolic link"):
        Store(folder, durable=False).list_runs()


@pytest.mark.parametrize("link", ["cache", "cache/catalog.sqlite"])
def test_a_catalog_behind_a_link_is_left_alone(folder, tmp_path, link):
    import sqlite3

    shutil.rmtree(folder / "cache", ignore_errors=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    with sqlite3.connect(outside / "catalog.sqlite") as database:
        database.execute("CREATE TABLE precious(x)")
        database.execute("INSERT INTO precious VALUES('gold')")
    database.close()
    before = (outside / "catalog.sqlite").read_bytes()
    if link == "cache":
        (folder / "cache").symlink_to(outside)
    else:
        (folder / "cache").mkdir()
        (folder / link).symlink_to(outside / "catalog.sqlite")
    store = Store(folder, durable=False)
    assert store.count() == 13
    store.reindex()
    assert [path.name for path in outside.iterdir()] == ["catalog.sqlite"]
    assert (outside / "catalog.sqlite").read_bytes() == before


def test_strangers_among_the_packs_are_named_and_left(folder):
    packs = folder / "packs"
    (packs / "README.txt").write_text("x")
    (packs / "foo.pack").write_text("x")
    (packs / ".hidden").write_text("x")
    (packs / "folder.pack").mkdir()
    os.mkfifo(packs / ("0" * 16 + "-" + "1" * 64 + ".pack"))
    store = Store(folder, durable=False)
    assert store.count() == 13
    store.save(sample_run("new"))
    report = store.fsck("full")
    assert report.ok
    assert {line.split(":")[0] for line in report.garbage} >= {"packs/README.txt", "packs/foo.pack"}
    store.reindex()
    assert store.count() == 14


def test_a_giant_file_under_a_packs_name_is_not_read_into_memory(folder):
    import resource

    giant = folder / "packs" / ("0" * 16 + "-" + "2" * 64 + ".pack")
    with open(giant, "wb") as file:
        file.truncate(20 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store = Store(folder, durable=False)
    assert store.count() == 13
    assert store.stats().damaged_packs == (giant.name,)
    report = store.fsck("full")
    assert {damage.place for damage in report.damage} == {f"packs/{giant.name}"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def plant(folder, data, stamp=1):
    name = layout.pack_name(stamp, hash_bytes(data))
    (folder / "packs" / name).write_bytes(data)
    return name


def run_pack(updates, items=(), change=lambda data: data):
    builder = PackBuilder(bytes(16))
    for item in items:
        builder.add(item)
    return change(builder.finish(b"hostile!", updates))


def test_a_frame_that_claims_gigabytes_is_refused(folder):
    import resource

    import zstandard

    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(300 * 2**20))
    item = Item(hash_bytes(b"x" * 2000), "blob", b"x" * 2000)
    data = run_pack([], [item])
    header = pack.FRAME.pack(pack.FRAME_MARK, 1, 0, 0, 1, 2**31, len(bomb), 0)
    frame = pack.with_crc(header) + bomb
    planted = plant(folder, data[: pack.HEAD_BYTES] + frame)  # no metadata: it is scanned
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store = Store(folder, durable=False)
    assert store.count() == 13
    assert not store.fsck("full").ok
    assert store.stats().damaged_packs == (planted,)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


HOSTILE = {
    "a path": PendingUpdate("runs/../../evil", 5, hash_bytes(b"x")),
    "no run": PendingUpdate("elsewhere/x", 5, hash_bytes(b"x")),
    "empty": PendingUpdate("", 5, None),
    "empty id": PendingUpdate("runs/", 5, None),
    "huge stamp": PendingUpdate("runs/h", 2**64 - 1, None),
    "huge floor": PendingUpdate("runs/h", 5, None, 2**64 - 1),
    "short target": PendingUpdate("runs/h", 5, b"short"),
    "no header": PendingUpdate("runs/h", 5, hash_bytes(b"x")),
    "bytes in note": PendingUpdate("runs/h", 5, hash_bytes(b"x"), 0, None, {"a": b"\xff"}),
    "long id": PendingUpdate("runs/" + "x" * 5000, 5, hash_bytes(b"x")),
    "a slash": PendingUpdate("runs/a/", 5, hash_bytes(b"x")),
    "a nul": PendingUpdate("runs/a\0b", 5, hash_bytes(b"x")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pack_stops_nothing_and_writes_nothing_outside(folder, tmp_path, name):
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    plant(folder, run_pack([HOSTILE[name]]))
    store = Store(folder, durable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        assert {run.id for run in store.list_runs()} >= RUNS.keys()
        store.headers(include_deleted=True)
        list(store.iter_refs())
        store.stats()
        store.query()
        store.series()
        store.extract_trend("time", "sort/quick", {})
        store.fsck("full")
        store.write_views()
        store.reindex()
        store.save(sample_run("later"))
        assert store.load("later")
    after = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    assert after == before


@pytest.mark.parametrize(
    "body",
    [
        {"id": "h", "timestamp": "2020-01-01T00:00:00"},
        {"id": "h", "timestamp": "soon"},
        {"id": "h", "timestamp": "9999-12-31T23:59:59-23:59"},
        {"id": "../h", "timestamp": "2020-01-01T00:00:00+00:00"},
        {"id": "h", "timestamp": "2020-01-01T00:00:00+00:00", "value": b"123"},
        {"id": "h", "timestamp": "2020-01-01T00:00:00+00:00", "value": [99, 1]},
        {"id": "h", "timestamp": "2020-01-01T00:00:00+00:00", "value": []},
        {"id": "h", "timestamp": "2020-01-01T00:00:00+00:00", "commit": 5},
        {"id": 5},
        {},
    ],
)
def test_a_hostile_run_object_stops_nothing(folder, body):
    from graven.formats.canonical import encode
    from graven.formats.header import Header

    whole = {"definitions": bytes(32), "environment": bytes(32)} | body
    data = encode(["run", 1, whole])
    header = Header(10**15, None, None, None, "ok", "measured", 1, None)
    item = Item(hash_bytes(data), "run", data)
    plant(folder, run_pack([PendingUpdate("runs/h", 5, item.id, 0, header)], [item]))
    store = Store(folder, durable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        assert {run.id for run in store.list_runs()} == RUNS.keys() | {"other"}
        with pytest.raises(GravenError):
            store.load("h")
        store.query()
        store.extract_trend("time", "sort/quick", {})
        store.series()
        assert not store.fsck("full").ok
        store.fsck("full", strict=True)
        store.write_views()


def test_a_run_of_a_newer_version_stops_only_itself(folder):
    from graven.formats.canonical import encode
    from graven.formats.header import Header

    data = encode(["run", 2, {"all": "different"}])
    header = Header(10**15, None, None, None, "ok", "measured", 1, None)
    item = Item(hash_bytes(data), "run", data)
    plant(folder, run_pack([PendingUpdate("runs/h", 5, item.id, 0, header)], [item]))
    store = Store(folder, durable=False)
    with pytest.warns(GravenWarning, match="run h is left out: .*newer"):
        assert {run.id for run in store.list_runs()} == RUNS.keys() | {"other"}
    assert {run.id for run in store.query()} == RUNS.keys() | {"other"}
    assert store.extract_trend("time", "sort/quick", {}).points
    with pytest.raises(FormatTooNew, match=f"object {item.id.hex()}"):
        store.load("h")


def test_a_pack_of_a_newer_format_is_refused_with_its_name(folder):
    path = big_pack(folder)
    data = path.read_bytes()
    tail = bytearray(data[-pack.TAIL_BYTES :])
    offset, length, _, _, _, magic = pack.TAIL.unpack(tail)
    import zlib

    fresh = pack.TAIL.pack(offset, length, 2, 0, 0, magic)
    crc = zlib.crc32(fresh[: -4 - len(magic)])
    path.write_bytes(data[: -pack.TAIL_BYTES] + pack.TAIL.pack(offset, length, 2, 0, crc, magic))
    shutil.rmtree(folder / "cache", ignore_errors=True)
    with pytest.raises(FormatTooNew) as caught:
        Store(folder, durable=False).list_runs()
    assert caught.value.exit_code == 7
    assert path.name in caught.value.message


def test_one_damaged_run_does_not_stop_a_trend_or_the_views(folder):
    store = Store(folder, durable=False)
    assert len(store.extract_trend("time", "sort/quick", {}).points) == 13
    _, metadata = read_pack_metadata(store._backend, big_pack(folder).name)
    frame = metadata.objects.frames[1]
    flip(big_pack(folder), frame.offset + pack.FRAME_HEADER_BYTES + frame.stored - 3)
    fresh = Store(folder, durable=False)
    lost = RUNS.keys() - listed(fresh)[0].keys()
    assert lost
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GravenWarning)
        series = fresh.extract_trend("time", "sort/quick", {})
        assert [p.value for p in series.points if p.run_id in RUNS] == [
            run.points[0].metrics["time"].value for run in RUNS.values()
        ]
        for name in RUNS:
            (folder / "runs" / f"{name}.json").unlink()
        fresh.write_views()
    views = {path.stem for path in (folder / "runs").iterdir()}
    assert views == (RUNS.keys() | {"other"}) - lost


def test_points_without_bounds_beside_those_with(folder):
    store = Store(folder, durable=False)
    point = Point(name="plain", scenario="s", metrics={"time": Metric(value=1.0)})
    store.save(sample_run("plain", points=(point,)))
    assert store.extract_trend("time", "plain", {}).points[0].lower is None
