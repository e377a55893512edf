"""A store made once, copied for each crash."""

import shutil

import pytest
from scenes import CHANGES, State, make_store

from graven import Store


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "store"
    make_store(folder)
    return folder


@pytest.fixture(params=CHANGES)
def change(request):
    return request.param


@pytest.fixture
def before_and_after(template, tmp_path, change):
    """What the store shows before a change, and after it."""
    before = State.of(Store(template, readonly=True))
    shutil.copytree(template, tmp_path / "after")
    store = Store(tmp_path / "after", durable=False)
    CHANGES[change](store, tmp_path / "after")
    return before, State.of(store)
