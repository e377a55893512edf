"""Live logs of a bucket: on this machine until they are closed, also when it is out of reach."""

import pytest

import graven
from graven.backends.memory import MemoryBackend
from graven.errors import BackendUnavailable
from graven.testing.runs import sample_run


@pytest.fixture
def open_afar(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAVEN_STATE_DIR", str(tmp_path / "state"))
    yield lambda: graven.Store("memory://live-logs-afar", views="none")
    MemoryBackend.forget("live-logs-afar")


def test_a_log_waits_here_while_the_place_is_out_of_reach(open_afar, monkeypatch):
    store = open_afar()
    store.save(sample_run("a"))
    log = store.live_log("a", "train")
    log.write("kept\n")

    def unreachable(*args):
        raise BackendUnavailable("no way there", kind="unreachable")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryBackend, "put", unreachable)
        with pytest.raises(BackendUnavailable):
            log.close()
    assert store.read_attachment("a", "logs/train") == b"kept\n"
    (left,) = store.left_logs()
    assert (left.run_id, left.name) == ("a", "logs/train")
    (found,) = open_afar().recover_logs()
    assert found.error is None
    assert open_afar().read_attachment("a", "logs/train") == b"kept\n"
    assert store.left_logs() == []
