"""config.json: read strictly, written by compare-and-swap, and what graven does not know stays."""

import json
from functools import partial

import pytest

from graven.backends.local import LocalBackend
from graven.errors import Conflict, InvalidInput, NotFound
from graven.model import MetricDef, MetricDirection
from graven.store.config import Config
from graven.testing.racing import race


@pytest.fixture
def config(store):
    return store.config


def written(store):
    return json.loads((store.path / "config.json").read_text(encoding="utf-8"))


def test_a_store_without_a_config_has_none_set(store, config):
    assert (config.to_dict(), list(config.items()), config.metric_defs) == ({}, [], {})
    assert config.get("a.b", 7) == 7
    assert not (store.path / "config.json").exists()


def test_dotted_keys_are_folders(store, config, open_store):
    config.set("ingest.keep_raw", False)
    config.set("views", "none")
    assert written(store) == {"ingest": {"keep_raw": False}, "views": "none"}
    again = open_store().config
    assert again.get("ingest.keep_raw", True) is False
    assert again.get("ingest.keep_raw.deeper", "no") == "no"
    assert list(again.items()) == [("ingest.keep_raw", False), ("views", "none")]
    again.unset("ingest.keep_raw")
    assert written(store) == {"ingest": {}, "views": "none"}
    assert list(again.items()) == [("ingest", {}), ("views", "none")]


def test_patterns_and_metrics_may_hold_dots(store, config):
    config.set("thresholds.*.time.p99", 0.1)
    config.set("metric_defs.time.p99.unit", "s")
    config.set("metric_defs.time.p99.direction", "lower")
    assert written(store) == {
        "thresholds": {"*.time.p99": 0.1},
        "metric_defs": {"time.p99": {"unit": "s", "direction": "lower"}},
    }
    assert config.get("thresholds.*.time.p99") == 0.1
    assert store.metric_defs == {
        "time.p99": MetricDef(name="time.p99", unit="s", direction=MetricDirection.LOWER)
    }
    config.unset("thresholds.*.time.p99")
    assert config.get("thresholds") == {}


def test_what_somebody_else_wrote_is_kept(store, config, open_store):
    other = open_store().config
    config.set("a", 1)
    (store.path / "config.json").write_text('{"a": 1, "theirs": ["ü"]}', encoding="utf-8")
    other.set("b", 2)
    assert written(store) == {"a": 1, "theirs": ["ü"], "b": 2}
    copy = other.to_dict()
    copy["theirs"].append("changed")
    assert other.get("theirs") == ["ü"]


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", "thresholds."])
def test_a_key_that_is_none_is_refused(store, config, key):
    with pytest.raises(InvalidInput, match="bad config key"):
        config.set(key, 1)
    assert not (store.path / "config.json").exists()


def test_a_value_is_no_folder(store, config):
    config.set("a", 1)
    with pytest.raises(InvalidInput, match="'a' is a value"):
        config.set("a.b", 2)
    assert written(store) == {"a": 1}


@pytest.mark.parametrize("key", ["nothing", "a.b", "a.b.c", "b.x"])
def test_what_is_not_set_cannot_be_unset(store, config, key):
    config.set("a", 1)
    config.set("b.c", 1)
    with pytest.raises(NotFound, match="is not set"):
        config.unset(key)
    assert written(store) == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize("text", ["[1]", "null", "7"])
def test_json_of_another_shape_is_refused(store, open_store, text):
    (store.path / "config.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"config\.json is no JSON object"):
        _ = open_store().config


def test_many_writers_lose_no_setting(store, open_store):
    def fill(number):
        own = open_store().config
        for step in range(4):
            own.set(f"w{number}.s{step}", step)

    race([partial(fill, number) for number in range(3)])
    assert written(store) == {f"w{n}": {f"s{s}": s for s in range(4)} for n in range(3)}


def test_a_file_that_keeps_changing_is_a_conflict(store):
    class Restless(LocalBackend):
        def put_if_version(self, key, data, version, **options):
            return None

    Config(LocalBackend(store.path)).set("a", 1)
    with pytest.raises(Conflict, match="kept changing"):
        Config(Restless(store.path)).set("a", 2)
    assert written(store) == {"a": 1}
