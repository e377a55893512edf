"""The arrows between the rooms, as pyproject.toml has them under ``tool.importlinter``."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_in_one_direction(capsys, monkeypatch):
    cli = pytest.importorskip("importlinter.cli", reason="import-linter is not installed")
    monkeypatch.chdir(ROOT)
    broken = cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    if broken:
        pytest.fail(capsys.readouterr().out, pytrace=False)
