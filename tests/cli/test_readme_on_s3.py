"""The README's commands for S3, pasted into a shell that reaches a test server."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = "#!/bin/sh\nexit 0\n"


@pytest.fixture
def section():
    text = (ROOT / "README.md").read_text("utf-8")
    return re.search(r"(?ms)^## On S3\n(.*?)^## ", text)[1]


@pytest.fixture
def commands(section):
    block = re.search(r"(?s)```console\n(.*?)```", section)[1]
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def shell(ministack, tmp_path):
    """Runs a script with nothing but credentials in the environment; pip does nothing."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "pip").write_text(PIP)
    (tools / "pip").chmod(0o755)
    (tools / "graven").symlink_to(Path(sys.executable).parent / "graven")
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "error",
        **ministack.env,
    }

    def run(script):
        done = subprocess.run(
            ["bash", "-euc", script],
            check=False,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_three_commands_are_all_it_takes(commands):
    assert len(commands) == 3


def test_what_pip_is_told_to_install_exists(commands):
    (extra,) = re.findall(r"pip install 'graven\[(\w+)\]'", commands[0])
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert extra in extras["optional-dependencies"]


def test_the_commands_make_a_store_that_works(ministack, commands, shell, tmp_path):
    bucket = re.search(r"s3://([\w-]+)", " ".join(commands))[1]
    own = f"{bucket}-readme"  # the pages of the docs have stores of the same name
    ministack.make_bucket(own)
    commands = [line.replace(f"s3://{bucket}", f"s3://{own}") for line in commands]
    result = ROOT / "tests" / "ingest" / "data" / "pyperf-one.json"
    said = shell("\n".join([*commands, f"graven ingest '{result}'", "graven log --json"]))
    saved, logged = said.splitlines()[-2:]
    assert json.loads(logged)["id"] == saved.split("\t")[1]


def test_the_pages_it_names_are_there(section):
    pages = re.findall(r"\]\((docs/[^)]+)\)", section)
    assert pages
    assert not [page for page in pages if not (ROOT / page).is_file()]
