"""Git as a peer: the same JSON files as loose objects, as a fast-import, as a pack.

Durability is git's own with every object synced: ``core.fsync=loose-object,...`` and
``core.fsyncMethod=fsync``. It syncs files, never their folder, which graven does.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DURABLE = [
    "-c",
    "core.fsync=loose-object,pack,pack-metadata,reference",
    "-c",
    "core.fsyncMethod=fsync",
]
_CLEAN = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def version() -> str:
    return subprocess.run(
        ["git", "version"], capture_output=True, text=True, check=True
    ).stdout.split()[2]


def init(repo: Path) -> None:
    _git(repo.parent, "init", "--quiet", "--bare", str(repo))


def hash_objects(repo: Path, files: list[Path]) -> dict[str, Any]:
    """Write each file as a loose object, one process, every object synced."""
    paths = "".join(f"{path}\n" for path in files).encode()
    answer = _timed(repo, [*DURABLE, "hash-object", "-w", "--stdin-paths"], paths)
    return {**answer, "done": len(files)}


def fast_import(repo: Path, files: Iterable[Path]) -> dict[str, Any]:
    """Write all files as one pack and one commit; the pack is synced."""
    stream = repo.parent / f"{repo.name}.stream"
    done = _write_stream(stream, files)
    answer = _timed(repo, [*DURABLE, "fast-import", "--quiet"], stream)
    stream.unlink()
    return {**answer, "done": done}


def packed(repo: Path) -> dict[str, int]:
    """Bytes after ``git repack -adf`` with git's default window and depth."""
    _git(repo, "repack", "-adfq")
    sizes = {".pack": 0, ".idx": 0}
    for path in (repo / "objects" / "pack").iterdir():
        sizes[path.suffix] = sizes.get(path.suffix, 0) + path.stat().st_size
    return {"pack": sizes[".pack"], "with_index": sum(sizes.values())}


def _write_stream(stream: Path, files: Iterable[Path]) -> int:
    names = []
    with stream.open("wb") as out:
        for mark, path in enumerate(files, 1):
            data = path.read_bytes()
            out.write(b"blob\nmark :%d\ndata %d\n" % (mark, len(data)) + data + b"\n")
            names.append(path.name)
        out.write(b"commit refs/heads/main\ncommitter bench <b@x> 1767225600 +0000\ndata 4\nruns\n")
        for mark, name in enumerate(names, 1):
            out.write(b"M 100644 :%d runs/%s\n" % (mark, name.encode()))
        out.write(b"done\n")
    return len(names)


def _timed(repo: Path, arguments: list[str], source: bytes | Path) -> dict[str, Any]:
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = ["git", "--git-dir", str(repo), *arguments]
    environment = {**os.environ, **_CLEAN}
    if isinstance(source, Path):
        with source.open("rb") as stream:
            subprocess.run(
                command, stdin=stream, stdout=subprocess.DEVNULL, env=environment, check=True
            )
    else:
        subprocess.run(
            command, input=source, stdout=subprocess.DEVNULL, env=environment, check=True
        )
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **_CLEAN}, check=True)
