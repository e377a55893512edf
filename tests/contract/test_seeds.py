"""Tests draw the same numbers each time: a failure is one that can be seen again.

Only what the program itself draws (nonces, ids, keys) differs from run to run.
"""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DRAWN = {"os.urandom", "os.getrandom"}
SEEDED = {"random.Random", "Random", "np.random.default_rng", "numpy.random.default_rng"}
UNSEEDED_MODULES = ("random.", "np.random.", "numpy.random.", "secrets.")


def unseeded(tree):
    """The calls that draw from the system or from a generator without a seed."""
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {alias.asname or alias.name for node in imports for alias in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.split(".")[0] not in modules:  # a generator that somebody called `random`
            continue
        without_seed = name in SEEDED and not node.args and not node.keywords
        of_module = name.startswith(UNSEEDED_MODULES) and "(" not in name
        shared = of_module and name not in SEEDED
        if name in DRAWN or without_seed or shared:
            yield node.lineno, name


def test_the_rule_sees_what_it_forbids():
    calls = ["os.urandom(4)", "random.Random()", "random.Random(1)", "np.random.rand(3)"]
    tree = ast.parse("\n".join(["import os, random, numpy as np", *calls]))
    assert [name for _, name in unseeded(tree)] == ["os.urandom", "random.Random", "np.random.rand"]


def test_every_test_has_fixed_seeds():
    found = [
        f"{path.relative_to(TESTS)}:{line} calls {name}"
        for path in sorted(TESTS.rglob("*.py"))
        for line, name in unseeded(ast.parse(path.read_text()))
    ]
    assert not found, "\n".join([*found, "draw from random.Random(seed)"])
