"""Hypothesis profiles: ``ci`` finds the same things on every run, ``deep`` looks longer."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

os.environ.setdefault("GRAVEN_AUTO_REPACK", "0")  # a test that wants it says so

pytest_plugins = ["servers_fixtures"]

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_make_parametrize_id(config: Any, val: Any, argname: str) -> str | None:
    """Bytes do not name a test: test processes must collect the same names.

    A stamp in the bytes (gzip's time) would differ from process to process by the second
    in which each looked, and then none of the tests would run.
    """
    return argname if isinstance(val, bytes) else None


_LONG = ("test_state_machine.py", "test_baseline_race.py")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """What takes minutes begins first: at the end one process would wait for the other."""
    items.sort(key=lambda item: item.path.name not in _LONG)
