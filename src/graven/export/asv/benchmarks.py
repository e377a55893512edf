"""benchmarks.json and graven-names.json: what every asv name stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from graven.export.asv.matrix import ABSENT, Matrix
from graven.export.asv.names import NAME_LIMIT, TEXT_LIMIT, distinct, inert_text, join_names
from graven.export.asv.survey import Series, SeriesKey

# "version" is no benchmark in benchmarks.json; "summary" is asv's own folder of graphs.
_RESERVED = ("version", "summary")
_HIGHER = "higher is better"


def benchmark_names(keys: Iterable[SeriesKey], foreign: Collection[str]) -> dict[SeriesKey, str]:
    """Asv's name of each benchmark; equal to no other, also where case is ignored."""
    return distinct(
        keys,
        lambda key: join_names(_parts(key)),
        limit=NAME_LIMIT,
        reserved=[*_RESERVED, *foreign],
        fold_case=True,
    )


def benchmark_json(key: SeriesKey, name: str, series: Series, matrix: Matrix) -> dict[str, Any]:
    """One entry of benchmarks.json."""
    pretty = inert_text(" · ".join(_parts(key)))
    pretty = pretty if len(pretty) <= TEXT_LIMIT else f"{pretty[: TEXT_LIMIT - 1]}…"
    return {
        "code": _explain(key, series),
        "name": name,
        "param_names": list(matrix.names),
        "params": [list(values) for values in matrix.values],
        "pretty_name": f"{pretty} ({_HIGHER})" if series.higher_is_better else pretty,
        "type": series.unit.type,
        "unit": inert_text(series.unit.unit),
        "version": series.asv_version,
    }


def names_json(
    names: Mapping[SeriesKey, str],
    series: Mapping[SeriesKey, Series],
    matrices: Mapping[SeriesKey, Matrix],
    machines: Mapping[str, str],
    machine_files: Collection[str],
) -> dict[str, Any]:
    """graven-names.json: the way back from asv's names to graven's."""
    return {
        "version": 1,
        "machine_files": sorted(machine_files),  # the others are asv's own
        "machines": {folder: name for name, folder in sorted(machines.items())},
        "benchmarks": {
            name: _name_record(key, series[key], matrices[key])
            for key, name in sorted(names.items(), key=lambda item: item[1])
        },
    }


def _name_record(key: SeriesKey, series: Series, matrix: Matrix) -> dict[str, Any]:
    scenario, point, metric = key
    definition = series.definition
    record: dict[str, Any] = {
        "scenario": scenario,
        "point": point,
        "metric": metric,
        "unit": definition.unit if definition else None,
        "direction": str(definition.direction) if definition else None,
    }
    changed = _changed_values(matrix)
    if changed:
        record["params"] = changed
    return record


def _changed_values(matrix: Matrix) -> list[dict[str, Any]]:
    """Parameters with a text that is not the tag's own, and what each text stands for."""
    if not matrix.tags and matrix.names:  # folded: name the tags of every value
        (texts,) = matrix.values
        return [
            {
                "name": matrix.names[0],
                "values": {texts[place[0]]: dict(tags) for tags, place in matrix.places.items()},
            }
        ]
    changed: list[dict[str, Any]] = []
    for index, tag in enumerate(matrix.tags):
        values = {
            matrix.values[index][place[index]]: dict(tags).get(tag)
            for tags, place in matrix.places.items()
        }
        different = {
            text: value
            for text, value in values.items()
            if text != (ABSENT if value is None else value)
        }
        if different or tag != matrix.names[index]:
            changed.append({"name": matrix.names[index], "tag": tag, "values": different})
    return changed


def _parts(key: SeriesKey) -> list[str]:
    scenario, point, metric = key
    return [scenario, point] if metric is None else [scenario, point, metric]


def _explain(key: SeriesKey, series: Series) -> str:
    """The text that asv shows where a benchmark's source code would be."""
    scenario, point, metric = key
    if metric is None:
        return inert_text(f"{point} of {scenario}: never measured")
    text = f"{metric} of {point} in {scenario}"
    definition = series.definition
    if definition is not None:
        text += f", {definition.unit}" if definition.unit else ""
        text += f", {_HIGHER}" if series.higher_is_better else ""
        text += f": {definition.description}" if definition.description else ""
    return inert_text(text)
