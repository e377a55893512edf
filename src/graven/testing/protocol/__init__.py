"""A model of how clients share a store with collectors of garbage, explored from seeds.

It is the protocol of docs/design/0012-garbage.md and none of graven's code: clients whose
catalogs, sessions and clocks are of any age; saves, transactions in several packs, loose
objects, deduplication against a catalog, restores, guarded refs, stores of one's own that
push what they did offline; repack, gc and its sweep. Each call of the storage is a step, any
client may go next, time may jump between two steps, processes may die or be suspended.

The storage itself knows all that ever landed (`Storage.truth`) and raises `Loss` at the very
call after which something live cannot be read, or merging gives another answer than before.
A plain Python program does some 4,000 interleavings a second, so rare ones are met::

    from graven.testing.protocol import Rules, explore

    for seed in range(100_000):
        explore(seed)                          # nothing is ever lost
    explore(seed, Rules(ask_again=False))      # Loss, for some seeds

What is left out: what a single backend call does wrong (testing/simulation has that, with
graven's own code), and damage, but for a rewritten pack that arrives damaged.
"""

from graven.testing.protocol.collectors import Collector
from graven.testing.protocol.explore import explore
from graven.testing.protocol.rules import ALL, Rules
from graven.testing.protocol.storage import Loss, Storage

__all__ = ["ALL", "Collector", "Loss", "Rules", "Storage", "explore"]
