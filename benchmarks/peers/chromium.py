"""A headless Chromium, asked through its DevTools pipe when it painted a page first.

Messages are JSON, each ended by a zero byte: what the browser reads on descriptor 3 and
writes on 4. So no port is opened and no library needed.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
_PAINTS = """JSON.stringify({
  paint: performance.getEntriesByType('paint').map(e => [e.name, e.startTime]),
  loaded: performance.timing.loadEventEnd - performance.timing.navigationStart})"""


class Chromium:
    """A browser for a while; each page is opened in a tab of its own."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        read, self._write = os.pipe()
        self._read, write = os.pipe()
        # Its numbers 3 and 4 are given by a shell: dup2 between fork and exec is not ours.
        command = f'exec "$0" "$@" 3<&{read} 4>&{write}'
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                command,
                executable,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
                "--window-size=1280,900",
                f"--user-data-dir={self._profile.name}",
            ],
            pass_fds=(read, write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read)
        os.close(write)
        self._buffer = b""
        self._number = 0
        self.version = str(self._call("Browser.getVersion")["product"])

    def open(self, page: Path) -> dict[str, Any]:
        """``wall``: seconds from the navigation to the first paint; ``loaded``: to the load."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable", session)
        self._call("Page.navigate", session, url=page.as_uri())
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            said = self._call("Runtime.evaluate", session, expression=_PAINTS)["result"]
            found = json.loads(said.get("value", "{}"))
            paints = dict(found.get("paint", ()))
            if "first-contentful-paint" in paints and found["loaded"] > 0:
                self._call("Target.closeTarget", targetId=target)
                return {
                    "wall": paints["first-contentful-paint"] / 1000,
                    "loaded": found["loaded"] / 1000,
                }
            time.sleep(0.05)
        raise RuntimeError(f"{page} was not painted in {_PATIENCE:g} s")

    def _call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answer = self._next(lambda said: said.get("id") == number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            text, mark, rest = self._buffer.partition(b"\0")
            if not mark:
                more = os.read(self._read, 1 << 16)
                if not more:
                    raise RuntimeError("the browser ended")
                self._buffer += more
                continue
            self._buffer = rest
            said: dict[str, Any] = json.loads(text)
            if wanted(said):
                return said

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # a browser whose pipe ends, ends
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        self._profile.cleanup()
