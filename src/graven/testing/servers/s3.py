"""Servers that speak S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from graven.testing.servers.base import Bucket, Server
from graven.testing.servers.process import LOOPBACK, ServerProcess

KEY = "graven-test-key"
SECRET = "graven-test-secret"
REGION = "us-east-1"


class S3Server(Server):
    """What all S3 servers have in common."""

    protocol = "s3"

    def options(self, endpoint: str | None = None) -> dict[str, Any]:
        """Arguments of s3fs."""
        return {
            "key": KEY,
            "secret": SECRET,
            "endpoint_url": endpoint or self.endpoint,
            "client_kwargs": {"region_name": REGION},
        }

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """Variables of botocore (s3fs) and of obstore."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",  # obstore
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self, name: str) -> Bucket:
        """Make a bucket."""
        client = self.client()
        try:
            client.create_bucket(Bucket=name)
        finally:
            client.close()
        return Bucket(self, name)

    def client(self, endpoint: str | None = None, **config: object) -> Any:
        """A botocore client, synchronous, that never retries; ``close()`` it."""
        import botocore.config  # type: ignore[import-untyped]  # botocore has no types
        import botocore.session  # type: ignore[import-untyped]  # botocore has no types

        settings: dict[str, Any] = {
            "retries": {"total_max_attempts": 1},
            "s3": {"addressing_style": "path"},
            **config,
        }
        return botocore.session.Session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=endpoint or self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            config=botocore.config.Config(**settings),
        )


class Ministack(S3Server):
    """The everyday S3 server: starts in under a second, objects in memory."""

    name = "ministack"
    program = "bin/ministack"

    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        return [str(program)]

    def _variables(self, folder: Path) -> dict[str, str]:
        return {
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": LOOPBACK,  # its default is every interface
            "SERVICES": "s3",
            "LOG_LEVEL": "WARNING",
            "S3_PERSIST": "0",
        }


class SeaweedFS(S3Server):
    """A distributed store in one process; checks secrets and checksums."""

    name = "seaweedfs"
    program = "bin/weed"
    ports = 8

    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        user = {
            "name": "tests",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [user]}))
        (folder / "data").mkdir()
        # Left alone it adds 10000 to each port for gRPC, which passes 65535 now and then.
        names = ("s3", "filer", "volume", "master")
        listen = [f"-{name}.port={port}" for name, port in zip(names, ports, strict=False)]
        grpc = [f"-{name}.port.grpc={port}" for name, port in zip(names, ports[4:], strict=True)]
        return [
            str(program),
            "server",
            f"-dir={folder / 'data'}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            "-filer",
            "-s3",
            f"-s3.config={folder / 's3.json'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.max=500",
            "-master.volumeSizeLimitMB=512",
            *listen,
            *grpc,
        ]

    def _variables(self, folder: Path) -> dict[str, str]:
        # Each bucket gets volumes of its own, else seven at once: few buckets would fill it.
        return {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}

    def _settle(self, process: ServerProcess) -> None:
        """It answers seconds before it can store: store something."""
        bucket = "settle"
        client = self.client()

        def stores() -> bool:
            import botocore.exceptions  # type: ignore[import-untyped]  # botocore has no types

            try:
                if bucket not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key="x", Body=b"x")
                client.delete_object(Bucket=bucket, Key="x")
                client.delete_bucket(Bucket=bucket)
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                return False
            return True

        try:
            process.wait_until(stores)
        finally:
            client.close()


class Rclone(S3Server):
    """Files of a folder as S3. It ignores conditions: every racing writer wins."""

    name = "rclone"
    program = "bin/rclone"

    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        (folder / "data").mkdir()
        return [
            str(program),
            "serve",
            "s3",
            f"--addr={LOOPBACK}:{self._port}",
            f"--auth-key={KEY},{SECRET}",
            "--vfs-cache-mode=off",
            f"--config={folder / 'rclone.conf'}",
            f"--cache-dir={folder / 'cache'}",
            str(folder / "data"),
        ]
