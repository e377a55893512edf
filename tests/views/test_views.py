"""The readable views: one text a run, however it is made."""

import dataclasses
import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graven.formats.run import RunEncoder
from graven.formats.run_object import decode_body
from graven.model import Metric, Point, Run
from graven.store import Store
from graven.views.render import render_view
from graven.views.templates import Templates, facts_of_body, facts_of_encoded

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


def make_run(values, *, bounds=True, names=("b", "a"), **fields):
    """Two points whose metrics are not in the order of their names."""
    numbers = iter(values)

    def metric():
        value = next(numbers)
        return Metric(value=value, lower=value, upper=value) if bounds else Metric(value=value)

    points = tuple(
        Point(name=f"p{i} %s", scenario='"50%"', metrics={name: metric() for name in names})
        for i in range(2)
    )
    given = {"id": "r1", "timestamp": datetime(2026, 1, 2, tzinfo=UTC), **fields}
    return Run(points=points, **given)


@given(
    first=st.lists(NUMBERS, min_size=4, max_size=4),
    second=st.lists(NUMBERS, min_size=4, max_size=4),
    bounds=st.booleans(),
    branch=st.none() | PLAIN,
    key=PLAIN,
)
def test_a_filled_template_is_the_rendered_text(first, second, bounds, branch, key):
    templates, encoder = Templates(), RunEncoder()
    for values, metadata in ((first, {}), (second, {key: {"%b": [1, "x"]}})):
        run = make_run(values, bounds=bounds, branch=branch, metadata=metadata)
        encoded = encoder.encode(run)
        finite = all(math.isfinite(value) for value in values)
        text = templates.render(run, facts_of_encoded(encoded))
        body = decode_body(encoded.run.data)
        read = facts_of_body(encoded.run_id, encoded.run.id, body)
        assert read == facts_of_encoded(encoded) or not finite  # a NaN is none by ==
        assert Templates().render(run, read) == text
        assert (text is not None) == finite
        assert text in (None, render_view(run, encoded.run.id.hex()))


@pytest.mark.parametrize(
    "fields",
    [
        {"experiment": "e"},
        {"status": "failed"},
        {"params": {"k": 1}},
        {"guessed": ("branch",)},
        {"metadata": {"none": None}},
        {"extra": {"newer": 1}},
    ],
)
def test_what_a_template_cannot_hold_is_rendered(fields):
    run = make_run([1.0, 2.0, 3.0, 4.0], **fields)
    encoded = RunEncoder().encode(run)
    assert Templates().render(run, facts_of_encoded(encoded)) is None


def test_the_view_of_a_save_is_the_view_made_anew(tmp_path):
    store = Store(tmp_path / "s")
    runs = [make_run([1.5 * i, 2.0, 3.25, 4.0], id=f"run{i}") for i in range(3)]
    runs.append(dataclasses.replace(make_run([1, 2, 3, 4]), id="ints"))
    runs.append(make_run([float("nan"), 2.0, 3.0, 4.0], id="nan"))
    paths = [store.save(run) for run in runs]
    saved = [path.read_bytes() for path in paths]
    assert store.write_views() == len(runs)
    assert [path.read_bytes() for path in paths] == saved


def test_a_view_is_json_with_the_object_id(tmp_path):
    store = Store(tmp_path / "s")
    run = make_run([1.0, 2.0, 3.0, 4.0])
    record = json.loads(store.save(run).read_text())
    assert record["object_id"] == store.resolve("r1").object_id
    assert Run.from_dict(record) == run


def test_nan_stands_as_python_writes_it(tmp_path):
    store = Store(tmp_path / "s")
    text = store.save(make_run([float("nan"), float("inf"), 1.0, 2.0])).read_text()
    assert '"value": NaN' in text
    assert '"value": Infinity' in text


def test_two_ids_that_differ_in_case_have_two_views(tmp_path):
    store = Store(tmp_path / "s")
    first = store.save(make_run([1.0, 2.0, 3.0, 4.0], id="Night"))
    second = store.save(make_run([1.0, 2.0, 3.0, 4.0], id="night"))
    assert first.name.lower() != second.name.lower()
