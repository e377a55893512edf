"""Opens buckets of Google Cloud Storage."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from graven.backends.driver import Driver, Options
from graven.backends.gcs.place import parse_place
from graven.errors import InvalidInput


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
    module = import_module("graven.backends.gcs.driver")
    driver: Driver = module.GCSDriver(place, storage_options)
    return driver
