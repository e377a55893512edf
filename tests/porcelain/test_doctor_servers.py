"""The doctor at real servers: what each keeps of what its driver declares."""

from __future__ import annotations

import pytest

import graven
from graven.backends import open_backend
from graven.backends.findings import Outcome
from graven.backends.probe import proves_swap
from graven.errors import InvalidInput
from graven.porcelain.doctor import doctor
from graven.testing.runs import sample_run

# What a server gets wrong, of all that was asked; see docs/backends.md.
WRONG = {
    "ministack": set(),
    "seaweedfs": set(),
    "azurite": set(),
    "fake-gcs": {"stale-delete"},
}


@pytest.fixture
def examine(tmp_path):
    def examine_(bucket, **more):
        options = {**bucket.storage_options, **more}
        return doctor(f"{bucket.url}/a/b", storage_options=options, cache_dir=str(tmp_path))

    return examine_


def wrong(found):
    return {each.name for each in found.findings if each.outcome is Outcome.WRONG}


def left(bucket):
    backend = open_backend(bucket.url, storage_options=bucket.storage_options)
    try:
        return [entry.key for entry in backend.list("")]
    finally:
        backend.close()


def test_a_good_server_keeps_what_is_declared(any_bucket, examine):
    found = examine(any_bucket)
    assert found.reached, found.trouble
    assert wrong(found) == WRONG[any_bucket.server.name]
    assert found.follows[0] == "runs, baselines and tags can be kept here, by many writers at once"
    assert found.about.bucket == any_bucket.name
    assert found.about.prefix == "a/b/"
    assert found.about.endpoint.startswith(any_bucket.server.endpoint)
    assert f"{any_bucket.name}" in found.policy.text
    assert abs(found.skew_seconds) < 60
    assert left(any_bucket) == []


def test_a_server_that_ignores_conditions_is_refused(rclone, new_bucket, examine, tmp_path):
    bucket = new_bucket(rclone)
    found = examine(bucket)
    assert {"create-twice", "stale-swap"} <= wrong(found)
    assert not found.ok
    assert found.follows[0].endswith("baselines and tags cannot")
    assert [key for key in left(bucket) if key.startswith("a/b/probe/")] == []
    store = graven.Store(
        f"{bucket.url}/store", storage_options=bucket.storage_options, cache_dir=str(tmp_path)
    )
    store.save(sample_run("r0"))
    with pytest.raises(InvalidInput) as caught:
        store.baselines.set("main", "r0")
    assert caught.value.kind == "no-swap"
    assert f"{bucket.url}/store" in caught.value.message
    assert store.count() == 1
    store.close()


def test_the_cheap_question_agrees(any_bucket):
    backend = open_backend(any_bucket.url, storage_options=any_bucket.storage_options)
    assert proves_swap(backend).outcome is Outcome.OK
    assert [*backend.list("")] == []
    backend.close()


def test_a_baseline_is_set_at_a_good_server(any_bucket, tmp_path):
    store = graven.Store(
        f"{any_bucket.url}/store",
        storage_options=any_bucket.storage_options,
        cache_dir=str(tmp_path),
    )
    store.save(sample_run("r0"))
    store.baselines.set("main", "r0")
    assert store.baselines["main"].id == "r0"
    assert [key for key in left(any_bucket) if "probe" in key] == []
    store.close()


def test_a_missing_bucket_is_not_reached(any_server, tmp_path):
    found = doctor(
        any_server.url("nobody-made-this"),
        storage_options=any_server.storage_options,
        cache_dir=str(tmp_path),
    )
    assert not found.reached
    assert found.trouble.kind == "bucket-missing"


def test_a_wrong_key_is_not_reached_and_not_shown(seaweedfs, new_bucket, examine):
    found = examine(new_bucket(seaweedfs), secret="hush-hush-hush")
    assert not found.reached
    assert found.trouble.kind == "denied"
    assert "hush" not in str(found.to_dict())


def test_versioning_of_a_bucket_is_seen(ministack, new_bucket, examine):
    bucket = new_bucket(ministack)
    assert examine(bucket).costs[0].startswith("versioning of the bucket is off")
    client = ministack.client()
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    client.close()
    assert examine(bucket).costs[0].startswith("versioning of the bucket is on")
