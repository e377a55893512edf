"""The simulator reports what graven only warns of: a view that could not be written is no loss."""

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "simulation" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings("ignore::graven.store.GravenWarning"))
