"""What programs rely on: the names graven exports, its errors and their codes."""

import subprocess
import sys

import pytest

import graven
from graven import errors

NAMES = {
    "Metric",
    "MetricDef",
    "MetricDirection",
    "MetricPriority",
    "Origin",
    "Point",
    "PointStatus",
    "Run",
    "Store",
    "TrendPoint",
    "TrendSeries",
    "__version__",
    "init",
    "open",
}

TREE = {
    # class: (exit code, kind of its own, built-in parents)
    "InvalidInput": (2, "invalid-input", {ValueError}),
    "NotFound": (3, "not-found", {KeyError, FileNotFoundError}),
    "Conflict": (4, "conflict", set()),
    "Corrupt": (5, "corrupt", set()),
    "BackendUnavailable": (6, "backend-unavailable", {OSError}),
    "FormatTooNew": (7, "format-too-new", set()),
}


def test_the_exports():
    assert set(graven.__all__) == NAMES
    for name in NAMES:
        assert getattr(graven, name) is not None
        assert name in dir(graven)
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        _ = graven.close


def test_the_calls_of_calibrax_are_there():
    calls = """
        save load list_runs latest query set_baseline get_baseline ingest export_asv
        extract_trend metric_defs delete headers batch resolve baselines tags
    """
    for name in calls.split():
        assert hasattr(graven.Store, name), name


def test_the_tree_of_errors():
    made = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.GravenError)
    }
    assert made == {*TREE, "GravenError"}
    assert errors.GravenError.exit_code == 70


@pytest.mark.parametrize("name", TREE)
def test_an_error_says_what_to_do_next(name):
    code, kind, parents = TREE[name]
    kind_of_error = getattr(errors, name)
    error = kind_of_error("the fault", hint="mend it", file="a.json", count=2)
    assert (error.exit_code, error.kind, str(error)) == (code, kind, "the fault")
    assert all(isinstance(error, parent) for parent in {errors.GravenError, *parents})
    assert error.to_dict() == {
        "error": name,
        "kind": kind,
        "message": "the fault",
        "exit_code": code,
        "hint": "mend it",
        "file": "a.json",
        "count": 2,
    }
    assert kind_of_error("x", kind="special").kind == "special"


def test_importing_graven_loads_nothing_else():
    code = "import graven, sys; print([m for m in sys.modules if m.startswith('graven.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['graven._version']"
