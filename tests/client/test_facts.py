"""What was found out about a place is believed for a while, and never in the way."""

import json

import pytest

from graven import clock
from graven.client.facts import Facts
from graven.client.folder import ClientFolder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "place" / "facts.json"


class Later:
    """A clock that is ahead."""

    def __init__(self, seconds):
        self.seconds = seconds

    def time_ns(self):
        import time

        return time.time_ns() + int(self.seconds * 1e9)

    monotonic = sleep = None


def test_a_fact_is_kept_for_all_processes(path):
    Facts(str(path)).keep("swap", "yes")
    assert Facts(str(path)).recall("swap", 60.0) == "yes"
    assert Facts(str(path)).recall("other", 60.0) is None


def test_nothing_is_made_before_a_fact_is_kept(path):
    assert Facts(str(path)).recall("swap", 60.0) is None
    assert not path.parent.exists()


@pytest.mark.parametrize(("later", "value"), [(59, "yes"), (61, None), (-61, None)])
def test_a_fact_grows_old(path, later, value):
    Facts(str(path)).keep("swap", "yes")
    with clock.kept_by(Later(later)):
        assert Facts(str(path)).recall("swap", 60.0) == value


def test_facts_stand_beside_each_other_and_one_is_forgotten_alone(path):
    facts = Facts(str(path))
    facts.keep("a", {"n": 1})
    facts.keep("b", 2)
    facts.keep("b", None)
    assert facts.recall("a", 60.0) == {"n": 1}
    assert facts.recall("b", 60.0) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"swap": 1}', '{"swap": {"at": "x", "value": 1}}']
)
def test_a_damaged_file_is_as_none(path, text):
    path.parent.mkdir()
    path.write_text(text)
    facts = Facts(str(path))
    assert facts.recall("swap", 60.0) is None
    facts.keep("swap", True)
    assert facts.recall("swap", 60.0) is True
    assert list(json.loads(path.read_text())) == ["swap"]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    facts = Facts(str(tmp_path / "file" / "facts.json"))
    facts.keep("swap", True)
    assert facts.recall("swap", 60.0) is None


def test_each_place_has_facts_of_its_own(tmp_path):
    ClientFolder("here", str(tmp_path)).facts.keep("swap", True)
    assert ClientFolder("here", str(tmp_path)).facts.recall("swap", 60.0) is True
    assert ClientFolder("there", str(tmp_path)).facts.recall("swap", 60.0) is None
