"""Buckets of S3 and of what speaks like it: which client, and what it is told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from graven.backends.driver import Driver, Options
from graven.backends.s3_place import S3Place, parse_place
from graven.errors import InvalidInput


def open_driver(url: str, storage_options: Options) -> Driver:
    """The driver for ``s3://bucket/folder``.

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
    endpoint = _endpoint(options, os.environ)
    place = parse_place(url, endpoint or "aws")
    return _s3fs(place, options, own_server=bool(endpoint))


def _s3fs(place: S3Place, options: Mapping[str, Any], *, own_server: bool) -> Driver:
    if find_spec("s3fs") is None:
        raise InvalidInput(
            f"cannot open {place.url!r} without s3fs",
            kind="driver-missing",
            hint="pip install 'graven[s3]'",
        )
    module = import_module("graven.backends.s3fs_driver")
    driver: Driver = module.S3fsDriver(place, options, checksums=not own_server)
    return driver


def _endpoint(options: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    given = options.get("endpoint_url") or (options.get("client_kwargs") or {}).get("endpoint_url")
    if given:
        return str(given)
    for name in ("FSSPEC_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if environ.get(name):
            return environ[name]
    return ""
