"""A run becomes three objects, and the same run again."""

import dataclasses
import math
from datetime import UTC, datetime

import msgpack
import pytest
from hypothesis import given

from graven.errors import Corrupt, FormatTooNew, InvalidInput, NotFound
from graven.formats import canonical
from graven.formats.columns import pack_floats
from graven.formats.run import Order, RunEncoder
from graven.formats.run_decode import RunDecoder, decode_run
from graven.formats.run_object import bounds_at, decode_body, decode_values, is_canonical_run
from graven.ids import ObjectId, hash_bytes
from graven.model import Metric, MetricDef, MetricDirection, Point, Run
from graven.testing import strategies as own

WHEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def make_run(metrics=None, **fields):
    point = Point(name="sort", scenario="cpu", metrics=metrics or {"time": Metric(value=1.5)})
    return Run(**({"id": "r", "timestamp": WHEN, "points": (point,)} | fields))


def encode(run):
    return RunEncoder().encode(run)


def reseal(encoded, change):
    """The run object with its body changed by hand."""
    kind, version, body = canonical.decode(encoded.run.data)
    change(body)
    return canonical.encode([kind, version, body])


def decode(encoded, data):
    shared = {item.id: item.data for item in (encoded.environment, encoded.definitions)}
    run = decode_run(data, shared.__getitem__)
    assert isinstance(run.points, tuple)  # they may be made when first looked at
    return run


# --- there and back ---


@given(own.runs())
def test_a_run_comes_back_equal_from_canonical_objects(run):
    encoded = encode(run)
    assert decode(encoded, encoded.run.data) == run
    assert is_canonical_run(encoded.run.data)
    for item in (encoded.run, encoded.environment, encoded.definitions):
        canonical.decode(item.data)
        assert msgpack.unpackb(item.data)[:2] == [item.kind, 1]
        assert item.id == hash_bytes(item.data)


@given(own.runs())
def test_a_second_trip_changes_no_byte(run):
    encoded = encode(run)
    assert encode(decode(encoded, encoded.run.data)) == encoded


def test_nan_and_infinities_come_back(through_objects):
    values = {
        "a": Metric(value=math.nan, lower=-math.inf, upper=math.inf),
        "b": Metric(value=-math.inf, samples=(math.nan, 1.0)),
    }
    back = through_objects(make_run(values)).points[0].metrics
    assert math.isnan(back["a"].value)
    assert (back["a"].lower, back["a"].upper) == (-math.inf, math.inf)
    assert back["b"].value == -math.inf
    assert math.isnan(back["b"].samples[0])


def test_negative_zero_is_stored_as_zero(through_objects):
    back = through_objects(make_run({"a": Metric(value=-0.0, lower=-0.0, samples=(-0.0,))}))
    metric = back.points[0].metrics["a"]
    assert [str(v) for v in (metric.value, metric.lower, *metric.samples)] == ["0.0"] * 3


def test_bounds_are_told_apart_where_only_some_have_them():
    run = make_run(
        {"a": Metric(value=1.0), "b": Metric(value=2.0, lower=1.5), "c": Metric(value=3)}
    )
    body = decode_body(encode(run).run.data)
    assert [bounds_at(body, i) for i in range(3)] == [(None, None), (1.5, None), (None, None)]


def test_names_are_stored_in_form_c_in_one_order(through_objects):
    # Decomposed, "é" sorts before "z" by its "e", and after it once it is one character.
    run = make_run({"e\u0301": Metric(value=1.0, estimator="min"), "z": Metric(value=2.0)})
    back = through_objects(run).points[0].metrics
    assert {name: metric.value for name, metric in back.items()} == {"é": 1.0, "z": 2.0}
    assert back["é"].estimator == "min"


def test_metric_names_that_become_equal_are_refused():
    with pytest.raises(InvalidInput, match=r"points\[0\]\.metrics: names that are equal"):
        encode(make_run({"e\u0301": Metric(value=1.0), "é": Metric(value=2.0)}))


def test_a_run_id_is_its_form_c_everywhere():
    run = make_run(id="u\u0308ber")
    assert run.id == encode(run).run_id == "über"


def test_equal_runs_are_equal_bytes_whoever_made_their_text():
    made = "".join
    usual = make_run(points=(Point(name="sort", scenario="cpu"),))
    same = make_run(
        points=(Point(name=made("sort"), scenario=made("cpu"), status="ok"),),
        status=made("ok"),
        origin=made("measured"),
        metadata={},
        extra={},
    )
    assert encode(same) == encode(usual)


# --- ids from content ---


def test_content_ids_never_change():
    run = Run(
        timestamp=WHEN,
        commit="9fceb02d0ae598e95dc970b74767f19372d61af8",
        branch="main",
        environment={"cores": 2},
        metric_defs={"t": MetricDef(name="t", unit="s", direction=MetricDirection.LOWER)},
        points=(
            Point(
                name="sort",
                scenario="cpu",
                tags={"n": "10"},
                metrics={"t": Metric(value=1.25, lower=1.0, samples=(1.0, 1.5))},
            ),
        ),
    )
    assert run.id == "c7bd513089e8c893137b"
    assert [encode(run).run.id.hex(), encode(run).definitions.id.hex()] == [
        "99e97acb10240915a1a29bcbccf93dcaaa8e29fb56c0d3188d9e4d356a0435de",
        "7dbf8799bafd03d2b416f7ca3f97b3e59527152d776b36167506ad50ce42cb48",
    ]


def test_equal_content_gives_equal_ids_and_any_change_another():
    run = make_run(id="")
    assert run.id == make_run(id="").id
    for change in (
        {"branch": "dev"},
        {"environment": {"a": 1}},
        {"metadata": {"a": 1}},
        {"timestamp": WHEN.replace(second=1)},
        {"dirty": False},
        {"guessed": ("branch",)},
    ):
        assert make_run(id="", **change).id != run.id


# --- what a run must not hold ---


class Scalar:
    """An array scalar as numpy, jax and torch have them."""

    size = 1

    def __init__(self, value):
        self._value = value

    def item(self):
        return self._value


def test_array_scalars_are_numbers(through_objects):
    run = make_run(
        {"a": Metric(value=Scalar(2.5), lower=Scalar(2), samples=(Scalar(1), 2.0))},
        environment={"cores": Scalar(4)},
        metadata={"deep": [Scalar(0.5)]},
    )
    back = through_objects(run)
    assert back.points[0].metrics["a"] == Metric(value=2.5, lower=2.0, samples=(1.0, 2.0))
    assert (back.environment, back.metadata) == ({"cores": 4}, {"deep": [0.5]})


@pytest.mark.parametrize(
    ("metric", "field"),
    [
        (Metric(value=2**53 + 1), "value"),
        (Metric(value=10**400), "value"),
        (Metric(value=True), "value"),
        (Metric(value="1.5"), "value"),
        (Metric(value=None), "value"),
        (Metric(value=1.0, lower=2**60 + 1), "lower"),
        (Metric(value=1.0, upper="2"), "upper"),
        (Metric(value=1.0, samples=(1.0, 2**53 + 1)), r"samples\[1\]"),
        (Metric(value=1.0, samples="12"), "samples"),
        (Metric(value=1.0, samples=(1.0,), sample_groups=(2,)), "sample_groups"),
        (Metric(value=1.0, samples=(1.0,), sample_groups=(True,)), "sample_groups"),
        (Metric(value=1.0, estimator=3), "estimator"),
    ],
    ids=repr,
)
def test_a_number_that_does_not_fit_is_refused_by_name(metric, field):
    run = make_run({"a": Metric(value=1.0), "b": metric})
    with pytest.raises(InvalidInput, match=rf"points\[0\]\.metrics\.b\.{field}"):
        encode(run)


def test_whole_numbers_that_fit_are_taken(through_objects):
    back = through_objects(make_run({"a": Metric(value=2**60)}))
    assert back.points[0].metrics["a"].value == 2.0**60


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"points": (Point(name="p", scenario="s", tags={"n": 10}),)}, r"points\[0\]\.tags\.n"),
        ({"points": (Point(name=7, scenario="s"),)}, r"points\[0\]\.name"),
        ({"points": (Point(name="p", scenario=None),)}, r"points\[0\]\.scenario"),
        ({"points": (Point(name="p", scenario="s", version=1),)}, r"points\[0\]\.version"),
        ({"points": (Point(name="p", scenario="s", status="lost"),)}, r"points\[0\]\.status"),
        ({"points": (Point(name="p", scenario="s", error=1),)}, r"points\[0\]\.error"),
        ({"points": (Point(name="p", scenario="s", metrics={"t": 1.5}),)}, r"points\[0\]\.metrics"),
        ({"points": ("p",)}, r"points\[0\]"),
        ({"branch": 1}, "branch"),
        ({"commit": b"ab"}, "commit"),
        ({"branch": "\ud800"}, "branch"),
        ({"status": None}, "status"),
        ({"origin": "dreamt"}, "origin"),
        ({"dirty": "yes"}, "dirty"),
        ({"dirty": 1}, "dirty"),
        ({"guessed": (1,)}, "guessed"),
        ({"commit_time": "now"}, "commit_time"),
        ({"metadata": {1: 2}}, "metadata"),
        ({"metadata": {"a": {1: 2, "1": 3}}}, "metadata.a"),
        ({"environment": {"a": {1: 2, "1": 3}}}, "environment.a"),
        ({"metadata": {"n": 2**64}}, "metadata.n"),
        ({"environment": {"n": -(2**63) - 1}}, "environment.n"),
        ({"params": {"a": ["\ud800"]}}, r"params\.a\[0\]"),
        ({"id": "../evil"}, "run id"),
        ({"timestamp": datetime.min.replace(tzinfo=UTC).replace(tzinfo=None)}, "time"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_field_is_refused_by_name(fields, name):
    with pytest.raises(InvalidInput, match=name):
        encode(make_run(**fields))


def test_a_bad_definition_is_refused_by_name():
    good = MetricDef(name="t", unit="s", direction=MetricDirection.LOWER)
    for bad in (
        {"direction": "sideways"},
        {"unit": 1},
        {"priority": "top"},
        {"direction_source": "rumour"},
    ):
        defs = {"t": dataclasses.replace(good, **bad)}
        with pytest.raises(InvalidInput, match=rf"metric_defs\.t\.{next(iter(bad))}"):
            encode(make_run(metric_defs=defs))
    with pytest.raises(InvalidInput, match=r"metric_defs\.t"):
        encode(make_run(metric_defs={"t": "seconds"}))


@pytest.mark.parametrize("field", ["environment", "metadata", "params", "provenance"])
@pytest.mark.parametrize(
    "value", [1j, object(), {1}, b"bytes"], ids=["complex", "object", "set", "bytes"]
)
def test_what_json_has_no_form_for_is_a_type_error(field, value):
    with pytest.raises(TypeError, match=field):
        encode(make_run(**{field: {"a": [value]}}))


def nested(levels):
    value = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("field", ["environment", "metadata", "extra"])
def test_depth_is_limited_before_anything_is_stored(field):
    data = encode(make_run(**{field: nested(60)}))
    assert is_canonical_run(data.run.data)
    canonical.decode(data.environment.data)
    with pytest.raises(InvalidInput, match="nested more than"):
        encode(make_run(**{field: nested(70)}))


def test_what_is_as_deep_as_allowed_is_canonical_wherever_it_stands():
    for levels in range(55, 70):
        metric = Metric(value=1.0, extra=nested(levels))
        point = Point(name="p", scenario="s", metrics={"t": metric}, extra=nested(levels))
        try:
            encoded = encode(make_run(points=(point,)))
        except InvalidInput:
            continue
        assert is_canonical_run(encoded.run.data), levels


# --- the encoder's memory ---


def test_environments_changed_in_place_between_saves_are_noticed(through_objects):
    encoder = RunEncoder()
    environment = {"a": {"b": [1]}}
    run = make_run(environment=environment)
    for change in (
        lambda: environment["a"]["b"].append(2),
        lambda: environment["a"].update(c=None),
        environment.clear,
        lambda: environment.update(z=0),
    ):
        change()
        assert through_objects(run, encoder).environment == environment


def test_values_that_only_look_alike_are_kept_apart():
    encoder = RunEncoder()
    alike = [1, 1.0, True, "1", [1], {"1": 1}, None, "", 0, False, 0.0, "None", b"", [], {}, "true"]
    seen = {}
    for value in alike:
        if isinstance(value, bytes):
            continue
        item = encoder.encode(make_run(environment={"v": value})).environment
        assert item.id == encode(make_run(environment={"v": value})).environment.id
        assert seen.setdefault(item.id, value) is value, (value, seen[item.id])


def test_points_of_one_shape_that_differ_in_what_is_shared_are_kept_apart(through_objects):
    encoder = RunEncoder()
    base = Point(name="p", scenario="s", tags={"n": "1"}, metrics={"t": Metric(value=1.0)})
    variants = [
        base,
        dataclasses.replace(base, metrics={"t": Metric(value=1.0, estimator="min")}),
        dataclasses.replace(base, metrics={"t": Metric(value=1.0, estimator="median")}),
        dataclasses.replace(base, version="1"),
        dataclasses.replace(base, version="2"),
        dataclasses.replace(base, tags={"n": "1.0"}),
        dataclasses.replace(base, tags={}),
        dataclasses.replace(base, metrics={"u": Metric(value=1.0)}),
        dataclasses.replace(base, metrics={}),
    ]
    for points in [(point,) for point in variants] + [(), (base, base), (variants[1], base)]:
        run = make_run(points=points)
        assert through_objects(run, encoder).points == points
        assert encoder.encode(run) == encode(run)


def test_definitions_changed_in_place_between_saves_are_noticed(through_objects):
    encoder = RunEncoder()
    definition = MetricDef(name="t", unit="s", direction=MetricDirection.LOWER)
    defs = {"t": definition}
    point = Point(name="p", scenario="s", tags={"n": "1"}, metrics={"t": Metric(value=1.0)})
    run = make_run(points=(point,), metric_defs=defs)
    assert through_objects(run, encoder) == run
    defs["t"] = dataclasses.replace(definition, unit="ms")
    assert through_objects(run, encoder).metric_defs["t"].unit == "ms"
    point.tags["n"] = "2"
    assert through_objects(run, encoder).points[0].tags == {"n": "2"}
    point.metrics["s"] = Metric(value=2.0)
    assert through_objects(run, encoder) == run
    point.tags["n"] = 2
    with pytest.raises(InvalidInput, match=r"points\[0\]\.tags\.n"):
        encoder.encode(run)


def test_the_memory_of_the_encoder_is_bounded():
    encoder = RunEncoder()
    for i in range(2 * RunEncoder.MAX_SHARED):
        encoder.encode(make_run(environment={"i": i}))
    assert len(encoder._shared) <= RunEncoder.MAX_SHARED


def test_a_decoded_environment_may_be_changed_by_its_reader():
    encoded = encode(make_run(environment={"a": [1]}))
    shared = {item.id: item.data for item in (encoded.environment, encoded.definitions)}
    decoder = RunDecoder(shared.__getitem__)
    decoder.decode(encoded.run.data).environment["a"].append(2)
    assert decoder.decode(encoded.run.data).environment == {"a": [1]}


# --- objects that somebody else wrote ---


def test_unknown_fields_survive():
    encoded = encode(make_run(extra={"mine": 1}))
    data = reseal(encoded, lambda body: body.update(weather={"rain": True}))
    assert is_canonical_run(data)
    run = decode(encoded, data)
    assert run.extra == {"mine": 1, "weather": {"rain": True}}
    again = encode(run)
    assert decode(again, again.run.data) == run


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(status="ok"),
        lambda body: body.update(branch=None),
        lambda body: body.update(status="ok", weather=1),
        lambda body: body.update(value=bytes.fromhex("3ff8000000000000")),
    ],
    ids=["a default", "nothing", "a default beside an unknown field", "the other column form"],
)
def test_a_second_form_of_the_same_run_is_not_canonical(change):
    assert not is_canonical_run(reseal(encode(make_run()), change))


def test_defaults_that_are_stated_are_refused():
    encoded = encode(make_run())
    with pytest.raises(Corrupt):
        decode(encoded, reseal(encoded, lambda body: body.update(status="ok")))


@pytest.mark.parametrize(
    "change",
    [
        {"value": pack_floats([1.5, 2.5])},
        {"value": b"1234567"},
        {"value": []},
        {"value": [13, 1]},
        {"lower": pack_floats([1.0, 2.0])},
        {"lower": pack_floats([1.0]), "lower_at": [1]},
        {"lower": pack_floats([1.0]), "lower_at": [-1]},
        {"lower": pack_floats([1.0]), "lower_at": []},
        {"samples": pack_floats([1.0]), "sample_counts": [2]},
        {"samples": pack_floats([1.0]), "sample_counts": []},
        {"sample_groups": [[5, [1]]]},
        {"sample_groups": [[-1, [1]]]},
        {"metric_extra": [[7, {"a": 1}]]},
        {"metric_extra": [[-1, {"a": 1}]]},
        {"point_status": [[0, "lost", None]]},
        {"timestamp": "yesterday"},
        {"commit_time": "tomorrow"},
        {"origin": "dreamt"},
        {"dirty": 1},
        {"id": 7},
        {"status": None},
        {"guessed": [1]},
    ],
    ids=repr,
)
def test_an_object_that_contradicts_itself_is_corrupt(change):
    encoded = encode(make_run())
    data = reseal(encoded, lambda body: body.update(change))
    with pytest.raises(Corrupt):
        decode(encoded, data)


def test_text_that_is_not_utf8_is_corrupt():
    data = encode(make_run(id="xyz")).run.data
    with pytest.raises(Corrupt):
        decode_body(data.replace(b"\xa3xyz", b"\xa3x\xffz"))


@pytest.mark.parametrize("read", [decode_body, decode_values])
def test_every_cut_of_a_run_object_is_corrupt(read):
    data = encode(make_run()).run.data
    for length in range(len(data)):
        with pytest.raises(Corrupt):
            read(data[:length])


@pytest.mark.parametrize("metric", [Metric(value=2.5), Metric(value=2.5, upper=3.0)], ids=repr)
def test_the_values_alone_are_those_of_the_whole(metric):
    data = encode(make_run({"a": Metric(value=1.0), "b": metric})).run.data
    values, body = decode_values(data), decode_body(data)
    assert (values.definitions, values.value) == (body.definitions, body.value)
    assert (values.lower, values.upper) == (body.lower, body.upper)
    assert values.bounded == (metric.upper is not None)


@pytest.mark.parametrize("change", [{"value": "text"}, {"definitions": 7}, {"upper": {}}], ids=repr)
def test_values_of_another_type_are_corrupt(change):
    data = reseal(encode(make_run()), lambda body: body.update(change))
    with pytest.raises(Corrupt):
        decode_values(data)


@pytest.mark.parametrize("read", [decode_body, decode_values])
def test_other_kinds_and_newer_versions_are_told_apart(read):
    encoded = encode(make_run())
    with pytest.raises(Corrupt, match="a 'environment' where a 'run' was expected"):
        read(encoded.environment.data)
    kind, _, body = canonical.decode(encoded.run.data)
    for other in (body, {"id": [], "shape": "new"}):
        with pytest.raises(FormatTooNew):
            read(canonical.encode([kind, 2, other]))


def test_a_missing_part_is_not_found_and_not_corrupt():
    encoded = encode(make_run())

    def fetch(object_id):
        if object_id == encoded.definitions.id:
            return encoded.definitions.data
        raise NotFound(f"no object {ObjectId(object_id).hex()}")

    with pytest.raises(NotFound):
        decode_run(encoded.run.data, fetch)


def test_the_field_of_a_bad_sample_is_named_among_points_of_all_sizes():
    sizes = [0, 2, 0, 0, 1, 3, 0]
    points = [
        Point(name=f"p{i}", scenario="s", metrics={f"m{k}": Metric(value=1.0) for k in range(size)})
        for i, size in enumerate(sizes)
    ]
    order = Order(points)
    expected = [f"points[{i}].metrics.m{k}.samples" for i, n in enumerate(sizes) for k in range(n)]
    assert [order.name(n, "samples") for n in range(sum(sizes))] == expected
    assert order.name(sum(sizes), "value") == "value"
