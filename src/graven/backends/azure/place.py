"""The URL of a folder in a container of Azure Blob Storage."""

from __future__ import annotations

import re
from typing import NamedTuple

from graven.backends.bucket_folder import folder_root
from graven.errors import InvalidInput

_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}|\$root|\$web")
_HOST = re.compile(r"([a-z0-9-]{3,24})\.(?:dfs|blob)\.(core\.[a-z0-9.-]+)(:[0-9]+)?")
_USUAL_SUFFIX = "core.windows.net"


class AzurePlace(NamedTuple):
    """A folder in a container.

    Attributes:
        url: fit for printing.
        container: its name.
        root: what every name begins with: empty, or with a closing ``/``.
        account: of the URL; empty where that does not say.
        account_host: of the blob service, where it is not the usual one.
    """

    url: str
    container: str
    root: str
    account: str = ""
    account_host: str = ""


def parse_place(url: str) -> AzurePlace:
    """Take the URL of a folder in a container apart.

    Raises:
        InvalidInput: kind ``bad-url``.
    """
    scheme, _, rest = url.partition("://")
    authority, _, folder = rest.partition("/")
    container, at, host = authority.partition("@")
    account = account_host = ""
    if not at and _HOST.fullmatch(authority):  # the container is the first folder
        host = authority
        container, _, folder = folder.partition("/")
    if at or host:
        known = _HOST.fullmatch(host)
        if not known or ":" in container:
            # Nothing of it is shown: before the @ may stand a secret.
            raise InvalidInput(
                "not a container and the host of an account before and behind the @",
                kind="bad-url",
                hint="write it like abfs://container@account.dfs.core.windows.net/folder",
            )
        account, suffix, port = known[1], known[2], known[3] or ""
        if suffix != _USUAL_SUFFIX or port:
            account_host = f"{account}.blob.{suffix}{port}"
    if not _CONTAINER.fullmatch(container):
        raise InvalidInput(
            f"not the name of a container: {container!r}",
            kind="bad-url",
            hint="write it like az://container/folder",
        )
    shown = f"{scheme.lower()}://{container}{f'@{host}' if host else ''}"
    root = folder_root(folder, f"{shown}/{folder}")
    return AzurePlace(f"{shown}/{root}".rstrip("/"), container, root, account, account_host)
