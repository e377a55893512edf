"""A calibrax program runs under graven with nothing but its imports changed."""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAM = (HERE / "program.py").read_text()
# What calibrax 0.1.14 printed; test_calibrax_gives_the_expected_answers makes sure.
EXPECTED = json.loads((HERE / "expected.json").read_text())


def test_graven_gives_the_answers_of_calibrax(run_python, tmp_path):
    code, changed = re.subn(r"(?m)^from calibrax\.\w+ import", "from graven import", PROGRAM)
    assert changed == 2
    facts = run_python(sys.executable, code, tmp_path / "store")
    assert facts.keys() == EXPECTED.keys()
    for name, expected in EXPECTED.items():
        assert facts[name] == expected, name


def test_calibrax_gives_the_expected_answers(run_python, calibrax_python, tmp_path):
    assert run_python(calibrax_python, PROGRAM, tmp_path / "store") == EXPECTED
