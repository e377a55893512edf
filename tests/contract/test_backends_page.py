"""docs/backends.md shows what graven doctor prints today."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("ministack", "seaweedfs", "rclone", "fake-gcs", "azurite")


def load_script():
    place = ROOT / "scripts" / "make_backends_page.py"
    spec = importlib.util.spec_from_file_location("make_backends_page", place)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def steady(text):
    """Without what differs from machine to machine: client libraries, the disk."""
    text = re.sub(r"^(library) +.*$", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^. +(file system|space|hard link) .*$", r"\1", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def script():
    return load_script()


@pytest.fixture(scope="module")
def shown(script):
    return script.blocks(script.PAGE.read_text(encoding="utf-8"))


def test_the_page_has_an_output_of_each(shown):
    assert set(shown) == {"folder", *SERVERS}


def test_of_a_folder(script, shown):
    assert steady(script.output_of("folder")) == steady(shown["folder"])


@pytest.mark.parametrize("name", SERVERS)
def test_of_a_server(script, shown, name, request, tmp_path):
    server = request.getfixturevalue(name.replace("-", "_"))
    assert steady(script.output_at(server, str(tmp_path))) == steady(shown[name])
