"""Opens containers of Azure Blob Storage."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from graven.backends.azure.place import parse_place
from graven.backends.driver import Driver, Options
from graven.errors import InvalidInput


def open_driver(url: str, storage_options: Options) -> Driver:
    """The driver for ``az://container/folder``.

    Args:
        url: where; ``abfs://container@account.dfs.core.windows.net/folder`` as well.
        storage_options: what `adlfs.AzureBlobFileSystem` takes (connection_string,
            account_name, account_key, sas_token, credential ...); where nothing is said,
            the variables AZURE_STORAGE_* and the login of the machine count, as everywhere.

    Raises:
        InvalidInput: not such a URL (``bad-url``), options that adlfs does not take
            (``bad-option``), or adlfs is not there (``driver-missing``).
        BackendUnavailable: no account is named (``no-credentials``).
    """
    place = parse_place(url)
    if find_spec("adlfs") is None:
        raise InvalidInput(
            f"cannot open {place.url!r} without adlfs",
            kind="driver-missing",
            hint="pip install 'graven[azure]'",
        )
    module = import_module("graven.backends.azure.driver")
    driver: Driver = module.AzureDriver(place, storage_options)
    return driver
