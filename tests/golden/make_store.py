"""Makes the golden store: ``.venv/bin/python tests/golden/make_store.py``.

Writes ``store-v1/`` and ``expected.json`` beside this file. Time and chance are fixed, so
the same program writes the same answers each time; packs may differ in how well the
installed zstd packs them.
"""

import json
import random
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import contents
from answers import answers

from graven import Store, clock
from graven.formats import canonical, storefile
from graven.formats.layout import run_ref
from graven.formats.run import RunEncoder
from graven.ids import hash_bytes
from graven.refs import guarded
from graven.store import experiments, packwriter, session, tensor_writing

HERE = Path(__file__).parent
VERSION = storefile.FORMAT
# Format versions that a released graven has written: their stores are never made again.
RELEASED: frozenset[int] = frozenset()


class Frozen:
    """Time that stands still until it is told to go on, and chance from a fixed seed.

    Lies in the past of any machine, so that whoever opens the store may write to it.
    """

    def __init__(self):
        self.minutes = 0
        self._dice = random.Random(1)

    def now(self):
        return contents.START.replace(month=4) + self.minutes * contents.MINUTE

    def time_ns(self):
        return clock.micros(self.now()) * 1000

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def go_on(self):
        self.minutes += 1

    @contextmanager
    def installed(self):
        """Put in place for all that ends up in a file; temporary names stay random."""
        dice = self._dice
        patches = (
            clock.kept_by(self),
            mock.patch.object(session, "random_bytes", dice.randbytes),
            mock.patch.object(packwriter, "random_bytes", dice.randbytes),
            mock.patch.object(tensor_writing, "random_bytes", dice.randbytes),
            mock.patch.object(experiments, "new_nonce", lambda: dice.randbytes(16).hex()),
            mock.patch.object(guarded, "new_nonce", lambda: dice.randbytes(16).hex()),
            mock.patch.object(storefile, "new_nonce", lambda: dice.randbytes(16).hex()),
        )
        with ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            yield


def build(folder):
    """Make the store in an empty folder."""
    frozen = Frozen()
    with frozen.installed():
        store = open_store(folder)
        for step in (
            configure,
            save_single_runs,
            save_unusual_names,
            save_a_batch,
            attach,
            replace_and_relabel,
            delete_and_restore,
            point_at_runs,
            keep_things_beside,
            put_bare_objects,
            save_what_a_newer_graven_writes,
        ):
            frozen.go_on()
            step(store)
        frozen.go_on()
        merge_with_a_copy(store, frozen)
        store.close()
    shutil.rmtree(folder / "cache")
    for large in ("many-samples",):  # 100 KB of numbers; the other views show the format
        (folder / "runs" / f"{large}.json").unlink()


def open_store(folder):
    return Store(folder, durable=False, author="Ada <ada@example.org>")


def configure(store):
    for name, metric in contents.DEFS.items():
        store.config.set(f"metric_defs.{name}", metric.to_dict())
    store.config.set("thresholds.*.time", 0.1)
    store.config.set("ingest.keep_raw", True)
    store.config.set("a key of somebody else", ["ü", None, 1.5])


def save_single_runs(store):
    for number in range(5):
        store.save(contents.usual(f"main-{number}", number))
    for number in range(3):
        store.save(contents.usual(f"dev-{number}", number, branch="dev", commit=contents.SHA256))
    for run in (contents.rich(), contents.numbers(), contents.decimals(), contents.bare()):
        store.save(run)


def save_unusual_names(store):
    for number, run_id in enumerate(contents.UNUSUAL_IDS):
        points = (contents.point(), contents.point(name=run_id, tags={run_id: run_id}))
        store.save(contents.run(run_id, 30 + number // 3, points=points, branch="names"))


def save_a_batch(store):
    with store.batch() as batch:
        # Enough for two frames of runs, and a frame of what they share.
        batch.save(contents.many_samples())
        for run in contents.odd_commits():
            batch.save(run, note={"source": f"results/{run.id}.json", "format": "calibrax"})
        batch.save(
            contents.usual("with-files", 25),
            note={"source": "größe.json", "sizes": [1, 2.5, None]},
            attachments={
                "artifacts/raw/größe.json": b'{"a": 1}\n' * 20,
                "logs/empty": b"",
                "logs/large.txt": contents.log_text(),
                "results/../not/a/path": b"a name is data",
            },
        )


def attach(store):
    store.attach("main-0", "artifacts/noise.bin", contents.noise(1000))
    store.attach("main-0", "derived/summary.txt", b"first")
    store.attach("main-0", "derived/summary.txt", b"second")
    store.attach("main-1", "derived/summary.txt", b"second")


def replace_and_relabel(store):
    store.set_baseline("main-2", "replaced")  # keeps the run as it is now
    store.save(contents.usual("main-2", 50))
    store.relabel("main-3", branch="release", metadata={"why": "moved"}, experiment="sorting")
    store.relabel("with-files", status="checked")


def delete_and_restore(store):
    for run_id in ("gone", "restored", "saved-again", "deleted-twice"):
        store.save(contents.usual(run_id, 40))
        store.attach(run_id, "logs/out.txt", run_id.encode())
        store.delete(run_id)
    store.restore("restored")
    store.save(contents.usual("saved-again", 41))  # its attachment stays deleted
    store.restore("deleted-twice")
    store.attach("deleted-twice", "logs/late.txt", b"after the first restore")
    store.delete("deleted-twice")
    store.restore("deleted-twice")


def point_at_runs(store):
    for run_id in ("main-0", "main-1", "latest@dev"):
        store.baselines.set("main", run_id, message=f"accept {run_id}")
    store.baselines.set("Nightly-größe", "commit:9fceb02")
    store.baselines.set("unset", "main-0")
    store.baselines.delete("unset", message="no more")
    store.tags.set("v1.0", "main-0", message="the first")
    store.tags.set("v2.0", "main-0")
    store.tags.set("v2.0", "rich", force=True)
    store.baselines.set("of a deleted run", "main-4")
    store.delete("main-4", force=True)


def keep_things_beside(store):
    """Each form of what stands beside the numbers."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        (folder / "sub").mkdir(parents=True)
        (folder / "weights.bin").write_bytes(contents.noise(500))
        (folder / "sub" / "größe.txt").write_text("ü", encoding="utf-8")
        (folder / "latest").symlink_to("weights.bin")
        store.attach("main-1", "artifacts/model", folder)
    store.put_result("main-1", "curve", [[0, 1.5], [1, None]], metadata={"unit": "s"})
    store.put_derived("main-1", {"speedup": 1.25})
    store.put_manifest("exp:1.0", {"seeds": [1, 2]})
    store.put_manifest("exp:1.0", {"seeds": [1, 2, 3]})
    store.put_manifest("exp_1.0", {"another": True})
    store.tensors.put_batch("main-1", 7, {"layer/0": {"activations": contents.tensor()}})
    store.tensors.append("main-1", {"step": 1}, {"layer/0": {"activations": contents.tensor()}})


def put_bare_objects(store):
    store.put_object(b"nothing points at me")
    store.put_object(contents.noise(2000))
    store.put_object(canonical.encode(["environment", 1, {"cpu": "of nobody"}]), "environment")


def save_what_a_newer_graven_writes(store):
    """A run object with a field that this format version does not name."""
    encoded = RunEncoder().encode(contents.usual("from-the-future", 45))
    kind, version, body = canonical.decode(encoded.run.data)
    data = canonical.encode([kind, version, {**body, "zeta": {"unknown": [1, 2]}}])
    item = encoded.run._replace(id=hash_bytes(data), data=data)
    intent = session.Intent(run_ref("from-the-future"), item.id, encoded.header)
    store._session.commit([encoded.environment, encoded.definitions, item], [intent])


def merge_with_a_copy(store, frozen):
    """What two copies of a store did apart, brought together by copying packs."""
    with tempfile.TemporaryDirectory() as place:
        apart = Path(place) / "copy"
        shutil.copytree(store.path, apart, ignore=shutil.ignore_patterns("cache"))
        copy = open_store(apart)
        # At the same moment on both sides: the later stamp wins, then the writer.
        store.save(contents.usual("contested", 50, branch="here"))
        copy.save(contents.usual("contested", 51, branch="there"))
        store.delete("dev-0")
        frozen.go_on()
        copy.relabel("dev-0", branch="kept-by-a-later-write")
        copy.delete("dev-1")
        store.attach("dev-1", "logs/lost.txt", b"attached to what was deleted elsewhere")
        copy.close()
        for pack in (apart / "packs").iterdir():
            shutil.copyfile(pack, store.path / "packs" / pack.name)
    store.write_views()


def write_expected(folder, target):
    """The answers of the store in ``folder``, asked on a copy."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder, Path(place) / "copy")
        store = Store(Path(place) / "copy", create=False, readonly=True)
        text = render(answers(store))
        store.close()
    target.write_text(text, encoding="utf-8", newline="\n")


def render(found):
    """JSON with a line for each answer, so that a diff shows which of them changed."""

    def line(value):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    blocks = []
    for key, value in found.items():
        if isinstance(value, dict):
            inner = ",\n  ".join(f"{line(name)}: {line(item)}" for name, item in value.items())
            blocks.append(f"{line(key)}: {{\n  {inner}\n }}")
        else:
            inner = ",\n  ".join(map(line, value))
            blocks.append(f"{line(key)}: [\n  {inner}\n ]")
    return "{\n " + ",\n ".join(blocks) + "\n}\n"


def main():
    target = HERE / f"store-v{VERSION}"
    if VERSION in RELEASED:
        print(f"a released graven has written format {VERSION}: its golden store stays as it is")
    else:
        shutil.rmtree(target, ignore_errors=True)
        build(target)
    write_expected(target, HERE / "expected.json")


if __name__ == "__main__":
    main()
