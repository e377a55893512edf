"""Buckets of S3 and of what speaks like it: which client, and what it is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from graven.backends.driver import Driver, Options
from graven.backends.redaction import public_url
from graven.backends.s3.obstore_settings import NotSayable, settings_for
from graven.backends.s3.place import S3Place, parse_place
from graven.errors import InvalidInput

CLIENT_VARIABLE = "GRAVEN_S3_CLIENT"
_CLIENTS = ("", "s3fs", "obstore")
_TEXTS = frozenset(
    ["key", "secret", "token", "username", "password", "profile", "endpoint_url", "region_name"]
)
# Where botocore and fsspec look for more than the environment says.
_FILES = ("~/.aws/config", "~/.aws/credentials", "~/.config/fsspec")


def open_driver(url: str, storage_options: Options) -> Driver:
    """The driver for ``s3://bucket/folder``.

    The client is obstore where it is installed and can be told exactly what s3fs would be
    told, else s3fs; the variable ``GRAVEN_S3_CLIENT`` (``s3fs`` or ``obstore``) overrules.

    Args:
        url: where.
        storage_options: what `s3fs.S3FileSystem` takes (key, secret, token, endpoint_url,
            profile, client_kwargs, config_kwargs, anon ...); where nothing is said, the
            environment and the files of ~/.aws count, as everywhere.

    Raises:
        InvalidInput: see `parse_place`; an option that s3fs does not take (``bad-option``);
            no client library is there (``driver-missing``).
    """
    options = dict(storage_options)
    wanted = os.environ.get(CLIENT_VARIABLE, "")
    if wanted not in _CLIENTS:
        raise InvalidInput(
            f"no client {wanted!r} for S3",
            kind="bad-option",
            hint=f"set {CLIENT_VARIABLE} to s3fs or obstore, or not at all",
        )
    _check_kinds(options)
    endpoint = _endpoint(options, os.environ)
    _check_endpoint(endpoint)
    place = parse_place(url, endpoint or _profile_word(options, os.environ))
    if wanted != "s3fs" and (wanted or find_spec("obstore")):
        try:
            return _fast(place, options, endpoint)
        except NotSayable as why:
            if wanted:
                raise InvalidInput(
                    f"obstore cannot be told what s3fs would be told for {place.url}: {why}",
                    kind="bad-option",
                    hint=f"unset {CLIENT_VARIABLE}",
                ) from why
    return _whole(place, options, endpoint)


def _check_kinds(options: Mapping[str, Any]) -> None:
    """Refuse what both clients would choke on in words of their own."""
    maps, texts = ("client_kwargs", "config_kwargs"), _TEXTS
    inner = options.get("client_kwargs")
    found = [*options.items(), *(inner.items() if isinstance(inner, Mapping) else ())]
    for name, value in found:
        wanted = "a map" if name in maps else "text" if name in texts else ""
        fits = isinstance(value, Mapping if name in maps else str)
        if wanted and value is not None and not fits:
            raise InvalidInput(
                f"storage option {name!r} must be {wanted}, not {type(value).__name__}",
                kind="bad-option",
                field=str(name),
            )


def _check_endpoint(endpoint: str) -> None:
    if not endpoint:
        return
    try:
        parts = urlsplit(endpoint)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, half an address
        fits = False
    if not fits:
        raise InvalidInput(
            f"not the address of a server: endpoint {public_url(endpoint)!r}",
            kind="bad-option",
            hint="write it like https://minio.example.com:9000",
            field="endpoint_url",
        )


def _fast(place: S3Place, options: Options, endpoint: str) -> Driver:
    has_files = any(os.path.exists(os.path.expanduser(path)) for path in _FILES)
    settings = settings_for(options, endpoint, os.environ, has_files=has_files)
    if find_spec("obstore") is None:
        raise _missing(place, "obstore", "fast")
    fast = import_module("graven.backends.s3.obstore_driver").ObstoreDriver(
        place, settings, options
    )
    whole = (lambda: _whole(place, options, endpoint)) if find_spec("s3fs") else None
    both = import_module("graven.backends.s3.fast").FastDriver
    driver: Driver = both(fast, whole, lambda: _missing(place, "s3fs", "s3"))
    return driver


def _whole(place: S3Place, options: Options, endpoint: str) -> Driver:
    if find_spec("s3fs") is None:
        raise _missing(place, "s3fs", "s3")
    module = import_module("graven.backends.s3.s3fs_driver")
    driver: Driver = module.S3fsDriver(place, options, checksums=not endpoint)
    return driver


def _missing(place: S3Place, library: str, extra: str) -> InvalidInput:
    return InvalidInput(
        f"{place.url!r} needs {library}, which is not installed",
        kind="driver-missing",
        hint=f"pip install 'graven[{extra}]'",
    )


def _endpoint(options: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    given = options.get("endpoint_url") or (options.get("client_kwargs") or {}).get("endpoint_url")
    if given:
        return str(given)
    for name in ("FSSPEC_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if environ.get(name):
            return environ[name]
    return ""


def _profile_word(options: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """What tells places apart that no endpoint was named for: a profile may name one."""
    name = options.get("profile") or environ.get("AWS_PROFILE") or ""
    return f"profile:{name}" if name else "aws"
