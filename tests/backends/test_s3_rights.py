"""No request leaves the folder of the store: the rights that `graven doctor` prints end there."""

import pytest

from graven.backends.driver import KeyMissing

pytest.importorskip("s3fs")


@pytest.fixture
def asked(ministack, new_bucket, monkeypatch):
    """A driver of s3fs for a folder, and what it has asked."""
    from graven.backends.s3 import opening as s3

    monkeypatch.setenv(s3.CLIENT_VARIABLE, "s3fs")
    bucket = new_bucket(ministack)
    driver = s3.open_driver(f"{bucket.url}/a/b", bucket.storage_options)
    once, asked = driver._ask_once, []

    def record(method, parameters):
        asked.append((method, parameters.get("Prefix", parameters.get("Key"))))
        return once(method, parameters)

    monkeypatch.setattr(driver, "_ask_once", record)
    yield driver, asked
    driver.close()


def test_the_time_is_asked_of_the_folder(asked):
    driver, requests = asked
    assert driver.now_ms()
    assert requests == [("list_objects_v2", "a/b/")]


def test_whether_there_is_a_bucket_is_asked_of_the_folder(asked):
    driver, requests = asked
    with pytest.raises(KeyMissing):
        driver.head("none")
    assert requests == [("head_object", "a/b/none"), ("list_objects_v2", "a/b/")]


def test_all_that_a_probe_asks_lies_in_the_folder(asked):
    from graven.backends.probe import probe_conditions
    from graven.backends.remote import RemoteBackend

    driver, requests = asked
    assert probe_conditions(RemoteBackend(driver)).holds
    assert all(place.startswith("a/b/") for _, place in requests)
