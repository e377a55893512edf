"""Whether obstore can be told exactly what s3fs would be told, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

# Options of s3fs that say nothing of the requests that are sent here.
_MOOT = frozenset(
    [
        "asynchronous",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
        "listings_expiry_time",
        "max_concurrency",
        "max_paths",
        "skip_instance_cache",
        "use_listings_cache",
    ]
)
_LOGIN = frozenset(["key", "secret", "token", "username", "password", "anon"])
_OPTIONS = _MOOT | _LOGIN | {"endpoint_url", "client_kwargs", "config_kwargs", "use_ssl"}
# Variables that are taken over below, or that botocore does not look at for what is sent here.
_VARIABLES = frozenset(
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_ALLOW_HTTP",
        "AWS_DEFAULT_OUTPUT",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_EXECUTION_ENV",
        "AWS_MAX_ATTEMPTS",
        "AWS_PAGER",
        "AWS_REGION",
        "AWS_RETRY_MODE",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ]
)
# How these are understood differs from library to library.
_PROXIES = frozenset(["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"])
_CERTIFICATES = frozenset(["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"])
_OTHER_DOMAINS = ("cn-", "us-iso", "eu-isoe")  # AWS regions that are not below amazonaws.com


class NotSayable(Exception):
    """Why obstore cannot be told what s3fs would be told."""


class Settings(NamedTuple):
    """What `obstore.store.S3Store` is told.

    Attributes:
        config: its ``config``.
        allow_http: the endpoint is one without TLS.
        endpoint: where an unsigned request gets an answer, ``https://host``.
    """

    config: Mapping[str, Any]
    allow_http: bool
    endpoint: str


def settings_for(
    options: Mapping[str, Any], endpoint: str, environ: Mapping[str, str], *, has_files: bool
) -> Settings:
    """Say in obstore's terms what the options of s3fs and the environment say.

    Args:
        options: as s3fs takes them.
        endpoint: the server that they name, or empty.
        environ: the environment.
        has_files: there are files in which botocore or fsspec would look for more.

    Raises:
        NotSayable: in doubt, too.
    """
    # Without TLS it does not matter where certificates lie.
    moot = _CERTIFICATES if endpoint.startswith("http://") else frozenset()
    _check_options(options)
    _check_variables({name: value for name, value in environ.items() if name not in moot})
    if has_files:
        raise NotSayable("files in ~/.aws or of fsspec")
    region = (options.get("client_kwargs") or {}).get("region_name")
    region = region or environ.get("AWS_DEFAULT_REGION", "")
    config: dict[str, Any] = {"disable_bulk_delete": True, **_login(options, environ)}
    if not endpoint:
        if not region or region.startswith(_OTHER_DOMAINS):
            raise NotSayable("the region has to be found out")
        endpoint = f"https://s3.{region}.amazonaws.com"
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or parts.path.strip("/") or "@" in parts.netloc:
        raise NotSayable("the endpoint has more than a host and a port")
    bare = f"{parts.scheme}://{parts.netloc}"
    config |= {"endpoint": bare, "region": region or "us-east-1"}
    return Settings(config, parts.scheme == "http", bare)


def _check_options(options: Mapping[str, Any]) -> None:
    given = {name for name, value in options.items() if value is not None}
    strange = sorted(given - _OPTIONS)
    strange += sorted(set(options.get("client_kwargs") or {}) - {"region_name", "endpoint_url"})
    if strange:
        raise NotSayable(f"option {strange[0]!r}")
    if options.get("use_ssl", True) is not True:
        raise NotSayable("option 'use_ssl'")
    config = dict(options.get("config_kwargs") or {})
    if config.pop("signature_version", "s3v4") != "s3v4" or (
        config.pop("s3", {}) not in ({}, {"addressing_style": "path"}) or config
    ):
        raise NotSayable("option 'config_kwargs'")


def _check_variables(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        ours = name.startswith(("AWS_", "FSSPEC_")) and name not in _VARIABLES
        elsewhere = name.upper() in _PROXIES | _CERTIFICATES
        if environ[name] and (ours or elsewhere):
            raise NotSayable(f"variable {name}")


def _login(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    if options.get("anon"):
        return {"skip_signature": True}
    key = options.get("key") or options.get("username")
    secret = options.get("secret") or options.get("password")
    token = options.get("token")
    if not (key or secret or token):
        key = environ.get("AWS_ACCESS_KEY_ID")
        secret = environ.get("AWS_SECRET_ACCESS_KEY")
        token = environ.get("AWS_SESSION_TOKEN")
    if not (isinstance(key, str) and key and isinstance(secret, str) and secret):
        raise NotSayable("keys that have to be found")
    login = {"access_key_id": key, "secret_access_key": secret}
    return login | {"session_token": token} if token else login
