"""What every test server gives: where it is, how to log in, new buckets."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from graven.errors import BackendUnavailable
from graven.testing.servers.process import LOOPBACK, ServerProcess, free_ports, temp_folder

STARTS = 3  # tries: somebody may take a port between the choice and the start


@dataclass(frozen=True, slots=True)
class Found:
    """A program, or the reason why there is none."""

    path: Path | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket (Azure: a container) that exists."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        """As fsspec and graven take it: ``s3://name``."""
        return self.server.url(self.name)

    @property
    def protocol(self) -> str:
        """The protocol's name in fsspec."""
        return self.server.protocol

    @property
    def storage_options(self) -> dict[str, Any]:
        """The arguments of the fsspec filesystem, a new dict each time."""
        return self.server.options()


class Server(ABC):
    """A server on loopback; a context manager that starts and stops it.

    Args:
        root: the folder that holds the installed servers (default: `installed_root()`).
    """

    name: ClassVar[str]
    protocol: ClassVar[str]
    program: ClassVar[str]  # where it lies in its folder; may have wildcards
    ports: ClassVar[int] = 1  # how many it needs; the first is the one that clients use

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._process: ServerProcess | None = None
        self._port = 0

    @classmethod
    def find(cls, root: Path | None = None) -> Found:
        """Where the program is: among the installed servers, else on PATH."""
        where = root or installed_root()
        here = where / cls.name
        for path in sorted(here.glob(cls.program)) if (here / "installed").exists() else []:
            return Found(path)
        elsewhere = on_path(Path(cls.program).name)
        if elsewhere:
            return Found(elsewhere)
        reason = where / f"{cls.name}.reason"
        if reason.exists():
            return Found(None, reason.read_text("utf-8", "replace").strip())
        return Found(None, f"not in {where} and not on PATH; scripts/servers installs it")

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            BackendUnavailable: not installed, or it does not start; the message has its log.
        """
        found = self.find(self._root)
        if not found.path:
            raise BackendUnavailable(
                f"{self.name} is not installed: {found.why}", kind="server-missing"
            )
        for left in reversed(range(STARTS)):
            try:
                return self._start(found.path)
            except BackendUnavailable:
                self.stop()
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _start(self, program: Path) -> Self:
        ports = free_ports(self.ports)
        self._port = ports[0]
        folder = temp_folder(self.name)
        command = self._command(program, ports, folder)
        # Some leave files in the common temp folder, which goes away with nobody.
        env = {"TMPDIR": str(folder), **self._variables(folder)}
        self._process = ServerProcess(self.name, command, folder, env)
        self._process.wait_until(self._answers)
        self._settle(self._process)
        return self

    def stop(self) -> None:
        """End it and remove its files; does nothing if it does not run."""
        if self._process:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process(self) -> ServerProcess:
        """The running process, for tests that look at its log or end it."""
        if not self._process:
            raise BackendUnavailable(f"{self.name} is not running", kind="server-failed")
        return self._process

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:port`` without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def url(self, bucket: str) -> str:
        """The URL of a bucket, as fsspec and graven take it."""
        return f"{self.protocol}://{bucket}"

    @property
    def storage_options(self) -> dict[str, Any]:
        """Arguments of the fsspec filesystem for this server, a new dict each time."""
        return self.options()

    @property
    def env(self) -> dict[str, str]:
        """What a user of the client library would set to reach this server without arguments."""
        return self.environment()

    @abstractmethod
    def options(self, endpoint: str | None = None) -> dict[str, Any]:
        """`storage_options` at another endpoint, for example that of a proxy."""

    @abstractmethod
    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """`env` at another endpoint, for example that of a proxy."""

    @abstractmethod
    def make_bucket(self, name: str) -> Bucket:
        """Make a bucket, which must not exist."""

    @abstractmethod
    def _command(self, program: Path, ports: list[int], folder: Path) -> list[str]:
        """The program and arguments that bind nothing but loopback."""

    def _variables(self, folder: Path) -> dict[str, str]:
        """Environment variables of the server process."""
        return {}

    def _answers(self) -> bool:
        """True once the server says anything in HTTP."""
        try:
            with urllib.request.urlopen(self.endpoint, timeout=5):
                return True
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False

    def _settle(self, process: ServerProcess) -> None:
        """Wait for what the first answer does not promise."""
        return


def on_path(program: str) -> Path | None:
    """The program of this name that the shell would run."""
    found = shutil.which(program)
    return Path(found) if found else None


def installed_root() -> Path:
    """The folder into which scripts/servers installs.

    ``GRAVEN_SERVERS_DIR``, else ``graven-servers`` in the user's cache folder.
    """
    named = os.environ.get("GRAVEN_SERVERS_DIR")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "graven-servers"
