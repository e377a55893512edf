"""``graven config``."""

from __future__ import annotations

import json
from typing import Any

import click

from graven.cli.command import graven_command
from graven.cli.session import Session


@graven_command(
    "config",
    examples=(
        "graven config",
        "graven config thresholds.time 10%",
        'graven config metric_defs.loss \'{"unit": "1", "direction": "lower"}\'',
        "graven config --unset thresholds.time",
    ),
    exits=(4, 6),
)
@click.argument("key", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Take the setting away.")
def command(session: Session, key: str | None, value: str | None, unset: bool) -> None:
    """List the settings; print the one at KEY; set it to VALUE.

    The settings are config.json in the store and shared by its users: metric_defs,
    thresholds, floors and judge_by (by metric, or scenario/point/metric; wildcards allowed),
    ingest.keep_raw (true), views (all or none), repack.auto (a number of packs). VALUE is
    read as JSON where it is JSON.
    """
    from graven.porcelain import config

    if unset and (key is None or value is not None):
        raise click.UsageError("--unset takes a KEY and no VALUE", click.get_current_context())
    store, out = session.open_store(), session.out
    if key is None:
        _list(session, config.list_config(store))
        return
    if unset:
        config.unset_config(store, key)
        found: Any = None
    elif value is not None:
        found = config.set_config(store, key, value)
        unknown = config.unknown_key(key)
        if unknown:
            out.warn(unknown)
    else:
        found = config.get_config(store, key)
    if out.json:
        out.document("config", {"key": key, "value": found})
    elif not unset and value is None:
        out.line(_text(found))
    elif not unset:
        out.note(f"{key} = {_text(found)}")


def _list(session: Session, settings: dict[str, Any]) -> None:
    out = session.out
    if out.json:
        out.document("config", {"settings": settings})
        return
    if not settings:
        out.note("no settings yet; 'graven config --help' names what there is")
    for name, setting in settings.items():
        if out.human:
            out.line((name, "strong"), " = ", _text(setting))
        else:
            out.fields(name, _text(setting))


def _text(setting: Any) -> str:
    return setting if isinstance(setting, str) else json.dumps(setting)
