"""Where on S3 a store lies: the URL taken apart, with no secret in it."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from graven.backends.bucket_folder import folder_root
from graven.errors import InvalidInput

# Wider than what AWS takes today: old buckets and other servers have such names.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


class S3Place(NamedTuple):
    """A folder in a bucket.

    Attributes:
        url: fit for printing.
        bucket: its name.
        root: what every key begins with: empty, or with a closing ``/``.
        place: tells it from all others (see `Driver.place`).
    """

    url: str
    bucket: str
    root: str
    place: str


def parse_place(url: str, endpoint: str) -> S3Place:
    """Take ``s3://bucket/folder`` apart.

    Args:
        url: where.
        endpoint: the server, or a word for the one that is meant without any.

    Raises:
        InvalidInput: no bucket, a strange folder, or credentials (kind ``bad-url``).
    """
    rest = url.partition("://")[2]
    bucket, _, folder = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        # Nothing of it is shown: it holds a secret, which may hold a slash.
        raise InvalidInput(
            "the URL of a bucket takes no credentials",
            kind="bad-url",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
        )
    if not bucket:
        raise InvalidInput(
            f"no bucket in {url!r}", kind="bad-url", hint="write it like s3://bucket/folder"
        )
    if not _BUCKET.fullmatch(bucket):
        raise InvalidInput(f"not the name of a bucket: {bucket!r}", kind="bad-url")
    root = folder_root(folder, f"s3://{bucket}/{folder}")
    prefix = root.removesuffix("/")
    clean = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
    return S3Place(clean, bucket, root, f"s3 {bare_address(endpoint)} {bucket}/{prefix}")


def bare_address(endpoint: str) -> str:
    """An endpoint without a user's name and password, and without what may differ freely."""
    if "//" not in endpoint:
        return endpoint
    parts = urlsplit(endpoint)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}"
