"""The URL of a folder in a bucket of Google Cloud Storage."""

from __future__ import annotations

import re
from typing import NamedTuple

from graven.backends.bucket_folder import folder_root
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
