"""The worker that copies files with s3fs alone."""

from __future__ import annotations

from typing import Any

import s3fs

from peers.protocol import Stopwatch, serve


def version() -> dict[str, Any]:
    return {"s3fs": s3fs.__version__}


def upload(folder: str, bucket: str) -> dict[str, Any]:
    """All files of a folder; untimed."""
    s3fs.S3FileSystem().put(f"{folder}/", f"{bucket}/files/", recursive=True)
    return {}


def download(bucket: str, folder: str) -> dict[str, Any]:
    """All files of the bucket, with as many requests at once as it sends by itself."""
    with Stopwatch() as watch:
        s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False).get(
            f"{bucket}/files/", f"{folder}/", recursive=True
        )
    return watch.answer()


if __name__ == "__main__":
    serve({operation.__name__: operation for operation in (version, upload, download)})
