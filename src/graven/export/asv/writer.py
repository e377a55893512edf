"""The folder an export goes to: what is graven's in it, what is not, and safe writes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from graven import ids
from graven.errors import BackendUnavailable, InvalidInput

RESULTS = "results"
NAMES_FILE = "graven-names.json"
CONF_FILE = "asv.conf.json"
BENCHMARKS_FILE = "benchmarks.json"
MACHINE_FILE = "machine.json"
API_VERSION = 2  # of benchmarks.json and of result files

# First key of every result file of ours. asv ignores keys it does not know, and drops
# them when it rewrites a file, which then is ours no more.
_MARKER = b'{"graven":{'
_HEAD = 2048  # bytes that nearly all marks fit into
_REST_HEX = 16  # of the hash of what follows the mark
_decoder = json.JSONDecoder()


class Folder:
    """An asv project's folder. Files that graven did not write stay as they are.

    Raises:
        InvalidInput: ``path`` is a file.
        BackendUnavailable: it cannot be made, read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = path / RESULTS
        self.written: list[Path] = []
        self.unchanged: list[Path] = []
        if path.exists() and not path.is_dir():
            raise InvalidInput(
                f"{str(path)!r} is a file, not a folder", kind="not-a-folder", file=path
            )
        _make(path)
        before = read_json(path / NAMES_FILE)
        self._our_benchmarks = _texts(before.get("benchmarks"))
        self._our_machines = _texts(before.get("machine_files"))

    def write(self, path: Path, value: object) -> None:
        """Write JSON, unless the file has just these words."""
        self._write(path, f"{json.dumps(value, indent=1)}\n".encode())

    def write_result(self, path: Path, marker: dict[str, Any], value: dict[str, Any]) -> None:
        """Write a result file, in one line; ``marker``, its first key, says that it is ours."""
        rest = b"," + encode_compact(value)[1:] + b"\n"
        whole = {**marker, "rest": _digest(rest)} if marker.get("recipe") else marker
        start = encode_compact({"graven": whole})[:-1]
        self._write(path, start + rest)

    def keep(self, path: Path) -> None:
        """Let a result file stand as it is."""
        self.unchanged.append(path)

    def _write(self, path: Path, data: bytes) -> None:
        """Write so that a reader meets the old file or the whole new one.

        Nothing is synced: an export can be made again at any time.
        """
        if _holds(path, data):
            self.unchanged.append(path)
            return
        _make(path.parent)
        draft = path.with_name(f".{ids.new_nonce()}.tmp")
        try:
            try:
                draft.write_bytes(data)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            raise _unavailable(path, error) from error
        self.written.append(path)

    def result_path(self, machine: str, stem: str) -> Path:
        """Where to write a result file; beside a file of the same name that is not ours."""
        path = self.results / machine / f"{stem}.json"
        return path.with_stem(f"{stem}-graven") if path.exists() and not is_ours(path) else path

    def foreign_benchmarks(self) -> dict[str, Any]:
        """Entries of an existing benchmarks.json that no earlier export wrote."""
        found = read_json(self.results / BENCHMARKS_FILE)
        return {
            name: entry
            for name, entry in found.items()
            if name not in self._our_benchmarks and isinstance(entry, dict)
        }

    def has_foreign_machine(self, machine: str) -> bool:
        """True when asv itself has described this machine; asv's own facts are the better ones."""
        if machine in self._our_machines:
            return False
        found = read_json(self.results / machine / MACHINE_FILE)
        return found.get("machine") == machine and found.get("version") == 1

    def remove_stale(self) -> None:
        """Remove result files of earlier exports that this one did not write."""
        kept = {*self.written, *self.unchanged}
        for folder in _folders(self.results):
            stale = [p for p in folder.glob("*.json") if p not in kept and is_ours(p)]
            for path in stale:
                _remove(path)
            rest = {path.name for path in folder.iterdir()} if stale else set()
            # Without results its description would make `asv compare` ask which machine.
            if stale and rest <= {MACHINE_FILE} and folder.name in self._our_machines:
                _remove(folder / MACHINE_FILE)
                folder.rmdir()

    def remove_benchmarks(self) -> None:
        """Take what an earlier export wrote out of benchmarks.json, with the names file."""
        if not self._our_benchmarks:
            return
        foreign = self.foreign_benchmarks()
        if foreign:
            self.write(self.results / BENCHMARKS_FILE, {**foreign, "version": API_VERSION})
        else:
            _remove(self.results / BENCHMARKS_FILE)
        _remove(self.path / NAMES_FILE)


# msgspec writes numbers many times faster than json does, and null for what is no number;
# asv tells null (failed) from NaN (skipped).
_WORDS = {"nan": msgspec.Raw(b"NaN"), "inf": msgspec.Raw(b"Infinity"),
          "-inf": msgspec.Raw(b"-Infinity")}  # fmt: skip
NAN = _WORDS["nan"]
_encode = msgspec.json.Encoder().encode


def json_number(value: float) -> float | msgspec.Raw:
    """A number as `Folder.write_result` takes it."""
    return value if math.isfinite(value) else _WORDS[repr(value)]


def json_numbers(values: list[float]) -> list[Any]:
    """Numbers as `Folder.write_result` takes them."""
    # A sum with one of these in it is none either; one that overflows costs a look.
    return values if math.isfinite(sum(values)) else [json_number(value) for value in values]


def encode_compact(value: dict[str, Any]) -> bytes:
    """JSON in one line, with Python's and asv's words for what is no number."""
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half a character, in a run that is in no store
        return json.dumps(value, separators=(",", ":"), default=_number_of).encode("ascii")


def _number_of(raw: msgspec.Raw) -> float:
    return float(bytes(raw))


def read_marker(path: Path) -> dict[str, Any]:
    """What graven noted at the start of a result file of its own.

    {} for any other file, and for one that is not as graven left it.
    """
    try:
        data = path.read_bytes()
        if not data.startswith(_MARKER):
            return {}
        text = data[:_HEAD].decode("utf-8", "replace")
        try:
            found, end = _decoder.raw_decode(text, len(_MARKER) - 1)
        except ValueError:  # longer than usual: many runs or losses
            text = data.decode("utf-8", "replace")
            found, end = _decoder.raw_decode(text, len(_MARKER) - 1)
    except (OSError, ValueError, RecursionError):
        return {}
    rest = data[len(text[:end].encode()) :]
    return found if isinstance(found, dict) and found.get("rest") == _digest(rest) else {}


def _digest(rest: bytes) -> str:
    return ids.hash_bytes(rest).hex()[:_REST_HEX]


def is_ours(path: Path) -> bool:
    """True for a result file that graven wrote, and for one of which a crash left nothing."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARKER)) in (_MARKER, b"")
    except OSError:
        return False


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or {} where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        return False


def _texts(value: object) -> frozenset[str]:
    if not isinstance(value, (dict, list)):
        return frozenset()
    return frozenset(key for key in value if isinstance(key, str))


def _folders(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return []
    return [folder for folder in sorted(path.iterdir()) if folder.is_dir()]


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unavailable(path, error) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unavailable(path, error) from error


def _unavailable(path: Path, error: OSError) -> BackendUnavailable:
    return BackendUnavailable(
        f"cannot write {str(path)!r}: {error.strerror or error}",
        kind="export-failed",
        hint="check that the folder can be written to and has room",
        file=path,
    )
