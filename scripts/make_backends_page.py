#!/usr/bin/env python3
"""Fill docs/backends.md with what `graven doctor` prints at each of the test servers.

scripts/make_backends_page.py              all of them; one that is not installed keeps its text
scripts/make_backends_page.py NAME...      only these (folder ministack seaweedfs rclone ...)

Ports, folders and what differs from machine to machine are replaced by usual values.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from graven.testing.servers import SERVERS, Server

PAGE = Path(__file__).resolve().parents[1] / "docs" / "backends.md"
WIDTH = "96"
PORTS = {"ministack": 4566, "seaweedfs": 8333, "rclone": 5002, "fake-gcs": 4443, "azurite": 10000}
SHORT = {"seaweedfs", "rclone"}  # their policy is that of ministack
NAMES = ("folder", *SERVERS)
_BLOCK = re.compile(r"(<!-- doctor: ([a-z0-9-]+) -->\n```console\n)(.*?)(\n```)", re.DOTALL)


def output_of(name: str) -> str | None:
    """What the command prints, with its command line; None if the server is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "folder":
            place = os.path.join(os.path.realpath(folder), "bench")
            shown = run(place, {}, folder).replace(place, "/home/me/bench")
            return prompt("/home/me/bench", tidy(shown))
        kind = SERVERS[name]
        if not kind.find().path:
            return None
        with kind() as server:
            return output_at(server, folder)


def output_at(server: Server, folder: str) -> str:
    """What the command prints about a bucket of a running server."""
    url = f"{server.make_bucket('team-bench').url}/project"
    shown = tidy(run(url, server.env, folder))
    port = server.endpoint.rpartition(":")[2]
    shown = shown.replace(f":{port}", f":{PORTS[server.name]}")
    return prompt(url, shorten(shown) if server.name in SHORT else shown)


def run(url: str, env: dict[str, str], folder: str) -> str:
    """The doctor's answer, as a terminal shows it."""
    done = subprocess.run(
        [sys.executable, "-m", "graven", "--color", "always", "doctor", url],
        env={
            **os.environ,
            **env,
            "COLUMNS": WIDTH,
            "PYTHONIOENCODING": "utf-8",
            "GRAVEN_CACHE_DIR": os.path.join(folder, "cache"),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.stderr or done.returncode not in (0, 1):
        raise SystemExit(f"graven doctor {url}: {done.returncode}\n{done.stderr}")
    return done.stdout + f"$ echo $?\n{done.returncode}"


def tidy(text: str) -> str:
    """No escape codes, nothing behind the last letter of a line."""
    return "\n".join(line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines())


def shorten(text: str) -> str:
    """Without the policy."""
    return re.sub(
        r"(The smallest access[^\n]*\n).*(\n\$ echo)", r"\1[...]\2", text, flags=re.DOTALL
    )


def prompt(url: str, text: str) -> str:
    """The answer behind its command."""
    return f"$ graven doctor {url}\n{text.strip()}"


def fill(page: str, names: tuple[str, ...]) -> str:
    """The page with the blocks of these names made anew."""

    def block(match: re.Match[str]) -> str:
        found = output_of(match[2]) if match[2] in names else None
        return match[0] if found is None else match[1] + found + match[4]

    return _BLOCK.sub(block, page)


def blocks(page: str) -> dict[str, str]:
    """The outputs that the page shows, by name."""
    return {match[2]: match[3] for match in _BLOCK.finditer(page)}


def main(words: list[str]) -> int:
    """Write the page."""
    unknown = set(words) - set(NAMES)
    if unknown:
        print(f"error: unknown: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
        return 2
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(fill(page, tuple(words) or NAMES), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
