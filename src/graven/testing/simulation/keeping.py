"""What simulated clients do that keeps a store small: attachments, repack, gc."""

from __future__ import annotations

import io
import random
from functools import cache
from typing import Any

from graven.errors import GravenError, NotFound
from graven.formats import layout
from graven.testing.simulation.clients import Client, Task
from graven.testing.simulation.model import BucketModel, Moment, demand
from graven.testing.simulation.operations import Operation

ATTACHED = ("artifacts/model", "derived/x")
CONTENTS = 4
_LARGE = 1_300_000


@cache
def content(number: int, *, large: bool) -> bytes:
    """What is attached; large ones share most of their chunks."""
    if not large:
        return f"content no. {number}".encode()
    shared = random.Random("shared").randbytes(_LARGE)
    return shared if number == 0 else shared + random.Random(number).randbytes(40_000)


class Attach(Operation):
    """Attach something to a run, whole or in chunks."""

    refusals = (NotFound,)

    def __init__(
        self, model: BucketModel, run_id: str, name: str, number: int, *, large: bool
    ) -> None:
        super().__init__(model)
        self.run_id = run_id
        self.name = name
        self.data = content(number, large=large)
        self.large = large

    def do(self, client: Client) -> object:
        """See `Operation`."""
        source = io.BytesIO(self.data) if self.large else self.data
        return self.store(client).attach(self.run_id, self.name, source)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """The update landed, and it alone."""
        landed = [(u.name, u.target is None) for u in self.model.footprint(task).updates]
        wanted = [(layout.attachment_ref(self.run_id, self.name), False)]
        demand(landed == wanted or self._stood(task), f"{task} stored {landed}")

    def _stood(self, task: Task[Any]) -> bool:
        """It was there already, so that nothing had to be written."""
        return not self.model.footprint(task).updates

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """The run was not there."""
        return any(moment.object_of(self.run_id) is None for moment in seen)


class Detach(Operation):
    """Take an attachment away."""

    refusals = (NotFound,)

    def __init__(self, model: BucketModel, run_id: str, name: str) -> None:
        super().__init__(model)
        self.run_id = run_id
        self.name = name

    def do(self, client: Client) -> None:
        """See `Operation`."""
        self.store(client).detach(self.run_id, self.name)

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """A tombstone landed."""
        landed = [(u.name, u.target) for u in self.model.footprint(task).updates]
        wanted = [(layout.attachment_ref(self.run_id, self.name), None)]
        demand(landed == wanted, f"{task} stored {landed}")

    def may_refuse(self, error: GravenError, seen: list[Moment]) -> bool:
        """What is attached is not part of a `Moment`: there may have been nothing."""
        return True


class Upkeep(Operation):
    """Something that deletes: the model judges each deletion when it lands."""

    whole = False

    def check_done(self, task: Task[Any], seen: list[Moment]) -> None:
        """Nothing that clients ask for has changed: the model has seen to that."""


class Collect(Upkeep):
    """A visit of gc: carry out what is ripe, condemn what nobody needs."""

    def do(self, client: Client) -> object:
        """See `Operation`."""
        return self.store(client).gc()


class Repack(Upkeep):
    """Merge the packs into one."""

    def do(self, client: Client) -> object:
        """See `Operation`."""
        return self.store(client).repack()
