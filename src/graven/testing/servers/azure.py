"""A server that speaks Azure Blob Storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graven.testing.servers.base import Bucket, Found, Server, on_path
from graven.testing.servers.process import LOOPBACK

# Of the storage emulator, the same for everybody and published in Azure's documentation.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class Azurite(Server):
    """Azurite's blob service, objects in memory; needs node."""

    name = "azurite"
    protocol = "az"
    program = "node_modules/.bin/azurite-blob"

    @classmethod
    def find(cls, root: Path | None = None) -> Found:
        """Where the program is; it is of no use without node."""
        found = super().find(root)
        if found.path and not on_path("node"):
            return Found(None, "there is no node on PATH")
        return found

    def connection_string(self, endpoint: str | None = None) -> str:
        """All that Azure's clients need, in one text."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={endpoint or self.endpoint}/{ACCOUNT};"
        )

    def options(self, endpoint: str | None = None) -> dict[str, Any]:
        """Arguments of adlfs."""
        return {
            "account_name": ACCOUNT,
            "connection_string": self.connection_string(endpoint),
        }

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Variables of adlfs."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_CONNECTION_STRING": self.connection_string(endpoint),
        }

    def make_bucket(self, name: str) -> Bucket:
        """Make a container."""
        from azure.storage.blob import BlobServiceClient

        with BlobServiceClient.from_connection_string(self.connection_string()) as client:
            client.create_container(name).close()
        return Bucket(self, name)

    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        return [
            str(program),
            f"--blobHost={LOOPBACK}",
            f"--blobPort={self._port}",
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--inMemoryPersistence",
        ]
