import subprocess
import sys

import pytest

from graven.backends import open_backend
from graven.backends.s3 import opening as s3
from graven.backends.s3.opening import open_driver
from graven.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("bare_environment")

LOGIN = {"key": "AKEY", "secret": "very-secret", "endpoint_url": "http://127.0.0.1:1"}


def client_of(url="s3://bucket/folder", **options):
    driver = open_driver(url, options)
    name = type(driver).__name__
    driver.close()
    driver.close()
    return {"FastDriver": "obstore", "S3fsDriver": "s3fs"}[name]


@pytest.mark.parametrize(
    ("url", "clean", "place"),
    [
        ("s3://bucket", "s3://bucket", "bucket/"),
        ("s3://bucket/", "s3://bucket", "bucket/"),
        ("s3a://bucket//a//b c/", "s3://bucket/a/b c", "bucket/a/b c"),
        ("S3://my.bucket_1/ä", "s3://my.bucket_1/ä", "my.bucket_1/ä"),
    ],
)
def test_urls_are_cleaned(url, clean, place):
    backend = open_backend(url, storage_options=LOGIN)
    assert backend.url == clean
    assert backend.place == f"s3 http://127.0.0.1:1 {place}"
    assert backend.remote


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///x", "s3://a", "s3://-bucket", "s3://bucket/../x", "s3://bucket/a\nb"]
)
def test_what_is_no_place_is_refused(url):
    with pytest.raises(InvalidInput) as caught:
        open_driver(url, LOGIN)
    assert caught.value.kind == "bad-url"


@pytest.mark.parametrize(
    "url", ["s3://AKEY:very/secret@bucket/x", "s3://AKEY:very-secret@bucket", "s3://AKEY@bucket"]
)
def test_credentials_in_a_url_are_refused_and_not_shown(url):
    with pytest.raises(InvalidInput) as caught:
        open_driver(url, {})
    told = f"{caught.value.message} {caught.value.hint} {caught.value.fields}"
    assert caught.value.kind == "bad-url"
    assert "very" not in told
    assert "AKEY" not in told


def test_places_are_told_apart_by_endpoint_and_profile(monkeypatch):
    def place(**options):
        return open_driver("s3://bucket/x", options).place

    assert place() == "s3 aws bucket/x"
    assert place(profile="work") == "s3 profile:work bucket/x"
    assert place(endpoint_url="HTTP://me:secret@Host:9/") == "s3 http://host:9 bucket/x"
    assert place(client_kwargs={"endpoint_url": "http://h"}) == "s3 http://h bucket/x"
    monkeypatch.setenv("AWS_PROFILE", "home")
    assert place() == "s3 profile:home bucket/x"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://all")
    assert place() == "s3 http://all bucket/x"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3")
    assert place() == "s3 http://s3 bucket/x"


def test_obstore_is_taken_where_it_can_be_told_the_same(monkeypatch):
    assert client_of(**LOGIN) == "obstore"
    assert client_of(**LOGIN, profile="work") == "s3fs"
    assert client_of(endpoint_url=LOGIN["endpoint_url"]) == "s3fs"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    assert client_of() == "s3fs"  # of which region?
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert client_of() == "obstore"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/somewhere")
    assert client_of() == "s3fs"


def test_files_of_the_user_are_left_to_s3fs(tmp_path):
    folder = tmp_path / "home" / ".aws"
    folder.mkdir()
    assert client_of(**LOGIN) == "obstore"
    (folder / "config").write_text("[default]\n")
    assert client_of(**LOGIN) == "s3fs"


def test_the_client_can_be_chosen(monkeypatch):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "s3fs")
    assert client_of(**LOGIN) == "s3fs"
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "obstore")
    assert client_of(**LOGIN) == "obstore"
    with pytest.raises(InvalidInput, match="option 'profile'") as caught:
        client_of(**LOGIN, profile="work")
    assert caught.value.kind == "bad-option"
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "boto3")
    with pytest.raises(InvalidInput, match="no client 'boto3'"):
        client_of(**LOGIN)


def without(monkeypatch, *names):
    there = s3.find_spec
    monkeypatch.setattr(s3, "find_spec", lambda name: None if name in names else there(name))


def test_what_is_not_installed_is_named(monkeypatch):
    without(monkeypatch, "obstore")
    assert client_of(**LOGIN) == "s3fs"
    without(monkeypatch, "obstore", "s3fs")
    with pytest.raises(InvalidInput) as caught:
        client_of(**LOGIN)
    assert caught.value.kind == "driver-missing"
    assert caught.value.hint == "pip install 'graven[s3]'"
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "obstore")
    with pytest.raises(InvalidInput) as caught:
        client_of(**LOGIN)
    assert caught.value.hint == "pip install 'graven[fast]'"


def test_obstore_alone_declares_no_conditional_delete(monkeypatch):
    assert open_backend("s3://bucket", storage_options=LOGIN).capabilities.swap_delete
    without(monkeypatch, "s3fs")
    backend = open_backend("s3://bucket", storage_options=LOGIN)
    assert backend.capabilities.swap
    assert not backend.capabilities.swap_delete


def test_opening_with_obstore_imports_nothing_slow():
    code = """
import sys
from graven.backends import open_backend
options = {"key": "AKEY", "secret": "x", "endpoint_url": "http://127.0.0.1:1"}
backend = open_backend("s3://bucket/x", storage_options=options)
assert type(backend.driver).__name__ == "FastDriver", backend.driver
slow = {"aiohttp", "asyncio", "botocore", "email", "fsspec", "http", "importlib.metadata", "s3fs"}
print(sorted(slow & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("client_kwargs", 5),
        ("config_kwargs", [1]),
        ("key", 5),
        ("token", {}),
        ("endpoint_url", 5),
        ("client_kwargs", {"region_name": 5}),
        ("endpoint_url", "nope"),
        ("endpoint_url", "http://"),
        ("endpoint_url", "http://[::1"),
        ("endpoint_url", "http://127.0.0.1:99999"),
        ("endpoint_url", "http://me:very-secret@:1"),
    ],
)
def test_options_of_wrong_kinds(monkeypatch, client, option, value):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", client)
    with pytest.raises(InvalidInput) as caught:
        open_driver("s3://bucket", {**LOGIN, option: value})
    assert caught.value.kind == "bad-option"
    assert "very" not in caught.value.message


def test_options_that_only_s3fs_finds_wrong(monkeypatch):
    monkeypatch.setenv("GRAVEN_S3_CLIENT", "s3fs")
    backend = open_backend("s3://bucket", storage_options={**LOGIN, "session": 5})
    with pytest.raises(InvalidInput) as caught:
        backend.get("a")
    assert caught.value.kind == "bad-option"
