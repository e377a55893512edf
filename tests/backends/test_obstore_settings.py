import pytest

from graven.backends.s3.obstore_settings import NotSayable, settings_for

OPTIONS = {"key": "AKEY", "secret": "very-secret"}
SERVER = "http://127.0.0.1:9000"


def said(options=OPTIONS, endpoint=SERVER, environ=(), has_files=False):
    return settings_for(options, endpoint, dict(environ), has_files=has_files)


def test_options_are_said_in_its_terms():
    found = said({**OPTIONS, "token": "t", "client_kwargs": {"region_name": "eu-west-1"}})
    assert found.config == {
        "access_key_id": "AKEY",
        "secret_access_key": "very-secret",
        "session_token": "t",
        "endpoint": SERVER,
        "region": "eu-west-1",
        "disable_bulk_delete": True,
    }
    assert found.allow_http
    assert found.endpoint == SERVER


def test_aws_itself_needs_a_region():
    found = said(endpoint="", environ={"AWS_DEFAULT_REGION": "eu-west-1"})
    assert found.config["endpoint"] == "https://s3.eu-west-1.amazonaws.com"
    assert not found.allow_http
    for region in ("", "cn-north-1", "us-iso-east-1"):
        with pytest.raises(NotSayable, match="region"):
            said(endpoint="", environ={"AWS_DEFAULT_REGION": region})


def test_keys_of_the_environment_count_where_none_are_given():
    environ = {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T"}
    assert said({}, environ=environ).config["session_token"] == "T"
    assert "session_token" not in said(environ=environ).config
    assert said({"anon": True}).config["skip_signature"] is True
    for options in ({}, {"key": "AKEY"}, {"secret": "x"}, {"token": "t"}):
        with pytest.raises(NotSayable, match="keys"):
            said(options)


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "work"},
        {"session": object()},
        {"s3_additional_kwargs": {"ServerSideEncryption": "aws:kms"}},
        {"requester_pays": True},
        {"client_kwargs": {"verify": False}},
        {"config_kwargs": {"s3": {"addressing_style": "virtual"}}},
        {"config_kwargs": {"read_timeout": 5}},
        {"config_kwargs": {"signature_version": "s3"}},
        {"use_ssl": False},
    ],
)
def test_in_doubt_it_is_s3fs(options):
    with pytest.raises(NotSayable):
        said({**OPTIONS, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"use_listings_cache": True, "default_block_size": 5},
        {"profile": None, "use_ssl": True},
        {"config_kwargs": {"s3": {"addressing_style": "path"}, "signature_version": "s3v4"}},
    ],
)
def test_what_says_nothing_does_not_matter(options):
    assert said({**OPTIONS, **options}) == said()


@pytest.mark.parametrize(
    "name", ["AWS_PROFILE", "AWS_SOMETHING_NEW", "FSSPEC_S3_KEY", "https_proxy", "HTTP_PROXY"]
)
def test_variables_that_it_does_not_know_in_that_way(name):
    with pytest.raises(NotSayable, match=name):
        said(environ={name: "x"})
    assert said(environ={name: ""}) == said()


def test_certificates_matter_with_tls_only():
    environ = {"AWS_CA_BUNDLE": "/ca.pem"}
    assert said(environ=environ) == said()
    with pytest.raises(NotSayable):
        said(endpoint="https://host", environ=environ)


@pytest.mark.parametrize(
    "endpoint", ["http://host/path", "http://me:secret@host", "host:9000", "ftp://host"]
)
def test_endpoints_with_more_than_a_host(endpoint):
    with pytest.raises(NotSayable, match="endpoint"):
        said(endpoint=endpoint)


def test_files_of_the_user():
    with pytest.raises(NotSayable, match="files"):
        said(has_files=True)
