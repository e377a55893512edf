"""config.json: what the users of a store agree on. Edited by hand or by ``graven config``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from graven.backends.base import Backend
from graven.errors import Conflict, InvalidInput, NotFound
from graven.formats.layout import CONFIG_FILE
from graven.model.metric import MetricDef
from graven.model.reading import read_map

_ATTEMPTS = 16


class Config:
    """The shared settings of a store; keys that graven does not know are kept.

    ``metric_defs`` (name to `MetricDef`), ``thresholds`` (metric or pattern to a
    fraction), ``floors`` (the same to an absolute difference), ``judge_by`` (the same to
    ``auto``, ``samples`` or ``ratio``), ``ingest.keep_raw`` (true),
    ``repack.auto`` (small packs from which on they are merged unasked; 0: never), ``views``
    ("all" or "none").
    """

    def __init__(
        self,
        backend: Backend,
        *,
        before_first: Callable[[], None] = lambda: None,
        absent: bool = False,
    ) -> None:
        """Read the file, unless it is known to be ``absent``.

        ``before_first`` is called before the first one is written.
        """
        self._backend = backend
        self._before_first = before_first
        self._data, self._version = ({}, None) if absent else self._read()

    def _read(self) -> tuple[dict[str, Any], str | None]:
        try:
            text, version = self._backend.get_with_version(CONFIG_FILE)
        except NotFound:
            return {}, None
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                f"{CONFIG_FILE} is not valid JSON: {error}",
                kind="bad-config",
                hint=f"mend {CONFIG_FILE} in the store, or remove it",
                file=CONFIG_FILE,
            ) from None
        if not isinstance(data, dict):
            raise InvalidInput(f"{CONFIG_FILE} is no JSON object", kind="bad-config")
        return data, version

    @property
    def metric_defs(self) -> dict[str, MetricDef]:
        """Definitions that hold for all runs of the store.

        Raises:
            InvalidInput: names the definition and its field.
        """
        return _read_defs(self._data)

    def metric_defs_with(self, key: str, value: Any) -> dict[str, MetricDef]:
        """`metric_defs` as they would be if this were set.

        Raises:
            InvalidInput: one of them could not be read.
        """
        data = self.to_dict()
        _set(data, key, value)
        return _read_defs(data)

    def get(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key; a key that holds dots itself is found whole first."""
        value: Any = self._data
        parts = key.split(".")
        for index, part in enumerate(parts):
            rest = ".".join(parts[index:])
            if not isinstance(value, dict):
                return default
            if rest in value:
                return value[rest]
            if part not in value:
                return default
            value = value[part]
        return value

    def set(self, key: str, value: Any) -> None:
        """Set the value at a dotted key, and write the file."""
        self._change(lambda data: _set(data, key, value))

    def unset(self, key: str) -> None:
        """Remove a dotted key, and write the file.

        Raises:
            NotFound: it is not set.
        """
        self._change(lambda data: _unset(data, key))

    def items(self) -> Iterator[tuple[str, Any]]:
        """All settings, keys dotted, in the order of the file."""
        yield from _flatten(self._data, "")

    def to_dict(self) -> dict[str, Any]:
        """A copy of the whole."""
        copy: dict[str, Any] = json.loads(json.dumps(self._data))
        return copy

    @property
    def found(self) -> bool:
        """True if there is such a file."""
        return self._version is not None

    def to_bytes(self) -> bytes:
        """The file."""
        return _to_bytes(self._data)

    def _change(self, change: Any) -> None:
        for _ in range(_ATTEMPTS):
            data, version = self._read()
            change(data)
            text = _to_bytes(data)
            self._before_first()
            can = self._backend.capabilities
            if version is None and can.create:
                done = self._backend.put_if_absent(CONFIG_FILE, text)
            elif version is not None and can.swap:
                done = self._backend.put_if_version(CONFIG_FILE, text, version)
            else:
                self._backend.put(CONFIG_FILE, text)
                done = ""
            if done is not None:
                self._data, self._version = data, done
                return
        raise Conflict(f"{CONFIG_FILE} kept changing", kind="config-moved", hint="try again")


def _read_defs(data: dict[str, Any]) -> dict[str, MetricDef]:
    where = f"{CONFIG_FILE}: metric_defs"
    defs = read_map(data.get("metric_defs") or {}, where)
    return {
        name: MetricDef.from_dict(
            {"name": name, **read_map(record, f"{where}.{name}")}, f"{where}.{name}"
        )
        for name, record in defs.items()
    }


def _to_bytes(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    *folders, last = _split(key)
    for part in folders:
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise InvalidInput(f"config key {key!r}: {part!r} is a value", kind="bad-config-key")
    data[last] = value


def _unset(data: dict[str, Any], key: str) -> None:
    *folders, last = _split(key)
    for part in folders:
        data = data.get(part, {}) if isinstance(data, dict) else {}
    if not isinstance(data, dict) or last not in data:
        raise NotFound(f"config key {key!r} is not set", kind="config-key-missing")
    del data[last]


def _split(key: str) -> list[str]:
    # thresholds.<pattern>: the pattern may hold dots ("*.time"), so it is one key.
    head, dot, rest = key.partition(".")
    whole = ("thresholds", "floors", "judge_by", "metric_defs")
    parts = [head, rest] if dot and head in whole else key.split(".")
    if head == "metric_defs" and dot:
        name, dot, field = rest.rpartition(".")
        parts = [head, name, field] if dot else [head, rest]
    if not all(parts):
        raise InvalidInput(f"bad config key {key!r}", kind="bad-config-key", field="key")
    return parts


def _flatten(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and (value or not prefix):
        for key, item in value.items():
            yield from _flatten(item, f"{prefix}.{key}" if prefix else key)
    else:
        yield prefix, value
