"""A bucket, its clients and everything that goes wrong between them, replayed from a seed.

The clients run graven's own code. Each is a process of its own as far as graven can tell:
it has a clock, which may be days off, random bits, a disk that outlives it, and a patience
with the bucket. It stops at every request until a seeded scheduler says that it is its turn;
then the request is carried out, or meets a fault, and the client goes on to its next one. So
every interleaving of requests can happen, and happens again with the same seed: time,
chance and faults all come from there.

fibers      threads that run only when it is their turn
clocks      the true time, and clocks that are off
faults      what may become of a request
bucket      a store of keys that tells what landed, and a client's way to it
clients     processes, and the tasks they do
scheduler   whose turn it is; the trace of all requests
model       what the bucket has to hold, by rules written down a second time
places      where objects stand, and what may never be deleted
operations  what clients do to a store, and which outcomes are right
keeping     attachments in packs and in files, long transactions, repack and gc
outboxes    what waits on a machine while a bucket cannot be reached, and sending it
pruning     pruning, and what it may choose
world       several clients, things to do, and the proof at the end
scenario    what they do, drawn from a seed

Replaying. A broken promise is a `Violation`, whose message begins with seed and step::

    from graven.testing.simulation import run_scenario

    world = run_scenario(1234)              # does it again, to the same request
    for step in world.simulation.trace:     # or in a debugger, up to the step that was named
        print(step)

`run_scenario` draws from the seed also what the clients do. Where a test chooses that
itself (tests/simulation/test_state_machine.py lets hypothesis do so), the failing example
that it prints holds the seed and all that was done: run as it stands, it replays.

Writing one's own::

    simulation = Simulation(seed=1)
    bucket = simulation.bucket()
    ann, bob = simulation.client("ann"), simulation.client("bob", offset_ms=-60_000)
    saved = ann.begin(lambda client: client.store(bucket).save(run))
    bob.plan(Fault.LOST, "put")             # his next put happens, and he is not told
    simulation.run()                        # until nobody has anything left to do
    assert saved.outcome is Outcome.DONE
    simulation.close()
"""

from graven.testing.simulation.bucket import Bucket, SimulatedBackend
from graven.testing.simulation.clients import Client, Outcome, Task
from graven.testing.simulation.faults import CALM, ROUGH, Fault, Faults
from graven.testing.simulation.model import BucketModel, Pointer, Violation
from graven.testing.simulation.scenario import run_scenario
from graven.testing.simulation.scheduler import Simulation, Step
from graven.testing.simulation.world import POINTERS, RUN_IDS, Conditions, World

__all__ = [
    "CALM",
    "POINTERS",
    "ROUGH",
    "RUN_IDS",
    "Bucket",
    "BucketModel",
    "Client",
    "Conditions",
    "Fault",
    "Faults",
    "Outcome",
    "Pointer",
    "SimulatedBackend",
    "Simulation",
    "Step",
    "Task",
    "Violation",
    "World",
    "run_scenario",
]
