"""Many writers on one bucket: none lost, none refused."""

from itertools import pairwise

from graven import Store
from graven.testing.invariants import check_nothing_damaged
from graven.testing.runs import sample_run
from graven.testing.simulation import Outcome, Simulation

MINUTE_MS = 60_000


def test_sixty_four_writers_of_fifty_saves_lose_nothing_and_refuse_nothing():
    simulation = Simulation(seed=64)
    bucket = simulation.bucket()
    runs = {
        f"w{writer}-{number}": sample_run(f"w{writer}-{number}", float(number))
        for writer in range(64)
        for number in range(50)
    }

    def work(client):
        store = client.store(bucket)
        for number in range(50):
            store.save(runs[f"{client.name}-{number}"])

    tasks = [
        simulation.client(f"w{writer}", offset_ms=(writer - 32) * MINUTE_MS // 2).begin(work)
        for writer in range(64)
    ]
    simulation.run()
    simulation.close()

    assert [task.outcome for task in tasks] == [Outcome.DONE] * 64
    store = Store(bucket.url, create=False, backend=bucket.storage)
    assert {run.id: run for run in store.list_runs()} == runs
    check_nothing_damaged(store)
    packs = [step for step in simulation.trace if step.key.startswith("packs/0")]
    assert len(packs) == 64 * 50
    changes = sum(one.client != other.client for one, other in pairwise(packs))
    assert changes > 3_000  # they did not come one after the other
