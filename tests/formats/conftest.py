"""Runs to objects and back, with no store between."""

import pytest

from graven.formats.run import RunEncoder
from graven.formats.run_decode import RunDecoder


@pytest.fixture
def through_objects():
    """Encodes a run and decodes it from its three objects."""

    def through_objects(run, encoder=None):
        encoded = (encoder or RunEncoder()).encode(run)
        shared = {item.id: item.data for item in (encoded.environment, encoded.definitions)}
        return RunDecoder(shared.__getitem__).decode(encoded.run.data)

    return through_objects
