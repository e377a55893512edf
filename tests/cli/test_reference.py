"""docs/cli.md is what the code says, and every command says enough."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import pytest

from graven.cli.main import PROGRAM, root
from graven.cli.registry import CLASSES, COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def load_script():
    place = ROOT / "scripts" / "make_cli_reference.py"
    spec = importlib.util.spec_from_file_location("make_cli_reference", place)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def all_helps():
    script = load_script()
    context = click.Context(root, info_name=PROGRAM)
    for name in COMMANDS:
        command = root.get_command(context, name)
        yield from script.helps(command, script.child(command, name, context))


def test_the_page_is_up_to_date():
    script = load_script()
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), (
        "run scripts/make_cli_reference.py"
    )


@pytest.mark.parametrize(("path", "text"), list(all_helps()))
def test_every_command_has_help_an_example_and_exit_codes(path, text):
    body = text.split("Options:")[0].split("\n", 1)[1]
    assert len(body.split()) >= 3, "says what it does"
    assert "Example" in text
    assert path.split()[0] in text.split("Example")[1]
    assert "Exit codes:\n    0    done" in text


def test_every_command_has_a_known_class_and_one_line_of_help():
    for module, kind, text in COMMANDS.values():
        assert kind in CLASSES
        assert 10 < len(text) <= 60
        assert not text.endswith(".")
        assert (ROOT / "src/graven/cli/commands" / f"{module}.py").exists()


def test_every_module_of_a_command_is_in_the_registry():
    files = {path.stem for path in (ROOT / "src/graven/cli/commands").glob("*.py")}
    assert files - {"__init__"} == {module for module, _, _ in COMMANDS.values()}
