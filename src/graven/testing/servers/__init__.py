"""Real servers for tests of buckets: started on loopback, ended with the test process.

========== ======== ==========================================================
class      protocol what it is good for
========== ======== ==========================================================
Ministack  s3       everyday S3; enforces conditional writes; checks no secret
SeaweedFS  s3       the second opinion: distributed, checks secrets
Rclone     s3       ignores conditional writes: what a probe must refuse
FakeGCS    gs       conditions on multipart uploads only
Azurite    az       enforces conditional writes
========== ======== ==========================================================

`scripts/servers` of graven's repository installs them all. A test skips what is missing::

    found = Ministack.find()
    if not found.path:
        pytest.skip(f"ministack is not installed: {found.why}")
    with Ministack() as server:
        bucket = server.make_bucket("results")
        fsspec.filesystem(bucket.protocol, **bucket.storage_options)
"""

from __future__ import annotations

from graven.testing.servers.azure import Azurite
from graven.testing.servers.base import Bucket, Found, Server
from graven.testing.servers.gcs import FakeGCS
from graven.testing.servers.s3 import Ministack, Rclone, S3Server, SeaweedFS

SERVERS: dict[str, type[Server]] = {
    kind.name: kind for kind in (Ministack, SeaweedFS, Rclone, FakeGCS, Azurite)
}

__all__ = [
    "SERVERS",
    "Azurite",
    "Bucket",
    "FakeGCS",
    "Found",
    "Ministack",
    "Rclone",
    "S3Server",
    "SeaweedFS",
    "Server",
]
