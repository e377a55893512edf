from __future__ import annotations

from dataclasses import replace

import pytest

from graven.errors import InvalidInput
from graven.model import Origin, Run


def test_a_record_is_taken_as_it_stands(read, document):
    given = document("calibrax.json")
    item = read(given)
    assert item.format == "calibrax"
    assert (item.run.id, item.run.origin) == (given["id"], Origin.IMPORTED)
    assert item.raw is None
    record = item.run.to_dict()
    assert record.pop("origin") == "imported"
    assert record == given


def test_an_origin_that_is_stated_stays(read, document):
    run = read(document("calibrax.json") | {"origin": "simulated"}).run
    assert run.origin is Origin.SIMULATED
    assert read(run.to_dict()).run == run


def test_a_view_of_a_store_is_the_run_it_shows(read, document):
    run = replace(read(document("calibrax.json")).run, origin=Origin.MEASURED)
    assert read(run.to_dict() | {"object_id": "ab" * 32}).run == run


def test_fields_of_a_newer_writer_survive(read, document):
    run = read(document("calibrax.json") | {"new_field": {"a": [1]}}).run
    assert run.extra == {"new_field": {"a": [1]}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("id"), "id"),
        (lambda d: d.pop("timestamp"), "timestamp"),
        (lambda d: d.update(timestamp=1700000000), "timestamp"),
        (lambda d: d["points"][0].pop("name"), "points[0].name"),
        (lambda d: d["points"][0]["tags"].update(n=1), "points[0].tags.n"),
        (
            lambda d: d["points"][0]["metrics"]["time"].update(value=2**53 + 1),
            "points[0].metrics.time.value",
        ),
    ],
)
def test_a_wrong_field_is_named(read, document, change, field):
    given = document("calibrax.json")
    change(given)
    with pytest.raises(InvalidInput) as caught:
        read(given)
    assert caught.value.fields["field"] == field
    assert caught.value.fields["file"] == "results.json"


@pytest.mark.parametrize("run_id", ["../x", "a/b", "nul", "x\0", "latest", "x" * 300])
def test_an_id_that_no_file_may_have_is_refused(read, document, run_id):
    with pytest.raises(InvalidInput, match="run id"):
        read(document("calibrax.json") | {"id": run_id})


def test_integers_beyond_64_bits_in_free_maps_become_text(read, document):
    item = read(document("calibrax.json") | {"metadata": {"seed": 2**70}})
    assert item.run.metadata == {"seed": str(2**70)}
    assert "metadata.seed" in item.notes[0]


def test_nan_is_a_value(read, document):
    given = document("calibrax.json")
    given["points"][0]["metrics"]["time"]["value"] = float("nan")
    value = read(given).run.points[0].metrics["time"].value
    assert value != value
    assert isinstance(read(given).run, Run)
