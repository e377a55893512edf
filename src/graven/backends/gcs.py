"""Buckets of Google Cloud Storage: where the store lies, and what gcsfs is told."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from graven.backends.bucket_folder import folder_root
from graven.backends.driver import Driver, Options
from graven.errors import InvalidInput

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class GCSPlace(NamedTuple):
    """A folder in a bucket.

    Attributes:
        url: fit for printing.
        bucket: its name.
        root: what every name begins with: empty, or with a closing ``/``.
    """

    url: str
    bucket: str
    root: str


def open_driver(url: str, storage_options: Options) -> Driver:
    """The driver for ``gs://bucket/folder``.

    Args:
        url: where.
        storage_options: what `gcsfs.GCSFileSystem` takes (token, project, endpoint_url,
            requester_pays, session_kwargs ...); where nothing is said, the machine's login
            and STORAGE_EMULATOR_HOST count, as everywhere.

    Raises:
        InvalidInput: not such a URL (``bad-url``), an option that gcsfs does not take
            (``bad-option``), or gcsfs is not there (``driver-missing``).
    """
    place = parse_place(url)
    if find_spec("gcsfs") is None:
        raise InvalidInput(
            f"cannot open {place.url!r} without gcsfs",
            kind="driver-missing",
            hint="pip install 'graven[gcs]'",
        )
    module = import_module("graven.backends.gcs_driver")
    driver: Driver = module.GCSDriver(place, storage_options)
    return driver


def parse_place(url: str) -> GCSPlace:
    """Take ``gs://bucket/folder`` apart.

    Raises:
        InvalidInput: kind ``bad-url``.
    """
    bucket, _, folder = url.partition("://")[2].partition("/")
    if "@" in bucket:
        # Nothing of it is shown: before the @ may stand a secret.
        raise InvalidInput(
            "the URL of a bucket takes no credentials",
            kind="bad-url",
            hint="log in with gcloud, set GOOGLE_APPLICATION_CREDENTIALS, or give a token",
        )
    if not _BUCKET.fullmatch(bucket):
        raise InvalidInput(
            f"not the name of a bucket: {bucket!r}",
            kind="bad-url",
            hint="write it like gs://bucket/folder",
        )
    root = folder_root(folder, f"gs://{bucket}/{folder}")
    return GCSPlace(f"gs://{bucket}/{root}".rstrip("/"), bucket, root)
