"""The settings that all users of a store share."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from graven.analysis import Thresholds, Ways, parse_threshold
from graven.analysis.rank import check_weights
from graven.errors import InvalidInput, NotFound
from graven.store import Store


def list_config(store: Store) -> dict[str, Any]:
    """All settings, keys with dots between."""
    return dict(store.config.items())


def get_config(store: Store, key: str) -> Any:
    """One setting, or a map of those below ``key``.

    Raises:
        NotFound: it is not set.
    """
    missing = object()
    value = store.config.get(key, missing)
    if value is missing:
        raise NotFound(
            f"config key {key!r} is not set",
            kind="config-key-missing",
            hint="'graven config' lists what is set",
            key=key,
        )
    return value


def set_config(store: Store, key: str, text: str) -> Any:
    """Set one setting. Text that is JSON is taken as that (``true``, ``0.1``, ``["a"]``).

    Returns:
        The value as it was understood.

    Raises:
        InvalidInput: a value that graven could not use under a key that it knows.
    """
    value = _parse(text)
    _check(key, value)
    if key.partition(".")[0] == _DEFS:  # half a definition would stop every check
        _check_definitions(store, key, value)
    store.config.set(key, value)
    return value


def unset_config(store: Store, key: str) -> None:
    """Take one setting away.

    Raises:
        NotFound: it is not set.
    """
    store.config.unset(key)


def unknown_key(key: str) -> str | None:
    """What to say of a key that graven does not read (it is kept all the same), else None."""
    heads = {known for known in _CHECKS if "." not in known} | {_DEFS}
    if key in _CHECKS or key.partition(".")[0] in heads:
        return None
    near = get_close_matches(key, [*_CHECKS, _DEFS], n=1)
    ending = f"; did you mean {near[0]!r}?" if near else ""
    return f"graven knows no setting {key!r}{ending}"


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are no JSON: they stay text


def _check(key: str, value: Any) -> None:
    """Refuse now what would make every later command fail."""
    head, _, rest = key.partition(".")
    check = _CHECKS.get(key) or _CHECKS.get(head)
    if check is not None:
        check(key, rest, value)


def _check_threshold(key: str, rest: str, value: Any) -> None:
    if not rest:
        Thresholds.from_config(value, where="config")
    else:
        parse_threshold(value, f"config {key}")


def _check_floor(key: str, rest: str, value: Any) -> None:
    Thresholds.from_config(None, {rest: value} if rest else value, where="config")


def _check_way(key: str, rest: str, value: Any) -> None:
    Ways.from_config({rest: value} if rest else value, where="config")


def _check_definitions(store: Store, key: str, value: Any) -> None:
    try:
        store.config.metric_defs_with(key, value)
    except InvalidInput as error:
        whole = 'graven config metric_defs.NAME \'{"unit": "s", "direction": "lower"}\''
        raise InvalidInput(
            error.message, kind=error.kind, hint=f"whole: {whole}", field=key
        ) from None


def _check_bool(key: str, _rest: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InvalidInput(
            f"config {key}: expected true or false, got {value!r}", kind="bad-config", field=key
        )


def _check_views(key: str, _rest: str, value: Any) -> None:
    if value not in ("all", "none"):
        raise InvalidInput(
            f"config {key}: {value!r} is none of all, none", kind="bad-config", field=key
        )


def _check_count(key: str, _rest: str, value: Any) -> None:
    if type(value) is not int or value < 0:
        raise InvalidInput(
            f"config {key}: expected a whole number from 0, got {value!r}",
            kind="bad-config",
            field=key,
        )


def _check_rank(key: str, rest: str, value: Any) -> None:
    name, _, metric = rest.partition(".")
    if metric:
        check_weights({metric: value}, f"config rank.{name}")
        return
    presets = {name: value} if name else value
    for name, weights in presets.items() if isinstance(presets, dict) else [(key, value)]:
        if not isinstance(weights, dict):
            raise InvalidInput(
                f"config {key}: {name!r} is no map of metrics to weights",
                kind="bad-config",
                hint='graven config rank.balanced \'{"time": 1, "memory": 0.5}\'',
                field=key,
            )
        check_weights(weights, f"config rank.{name}")


_DEFS = "metric_defs"
_CHECKS: dict[str, Callable[[str, str, Any], None]] = {
    "thresholds": _check_threshold,
    "floors": _check_floor,
    "judge_by": _check_way,
    "ingest.keep_raw": _check_bool,
    "rank": _check_rank,
    "repack.auto": _check_count,
    "views": _check_views,
}
