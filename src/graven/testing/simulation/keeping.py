"""What simulated clients keep beside runs, and what keeps a store small: repack, gc."""

from __future__ import annotations

import io
import random
from functools import cache
from typing import TYPE_CHECKING, Any

from graven import Run, clock
from graven.errors import GravenError, NotFound
from graven.formats import layout
from graven.testing.simulation.clients import Client, Task
from graven.testing.simulation.model import BucketModel, Moment, demand
from graven.testing.simulation.operations import Batch, Operation

if TYPE_CHECKING:
    import pyarrow as pa

ATTACHED = ("artifacts/model", "derived/x")
TABLE = "tables/t"
CONTENTS = 4
_LARGE = 1_300_000
_ROWS, _ROW_BYTES = 130, 8192  # just over what a pack takes: the table is a loose object


@cache
def content(number: int, *, large: bool) -> bytes:
    """What is attached; large ones share most of their chunks."""
    if not large:
        return f"content no. {number}".encode()
    shared = random.Random("shared").randbytes(_LARGE)
    return shared if number == 0 else shared + random.Random(number).randbytes(40_000)


@cache
def table(number: int) -> pa.Table:
    """A table that is too large for a pack."""
    import pyarrow as pa

    dice = random.Random(f"table {number}")
    return pa.table({"x": pa.array([dice.randbytes(_ROW_BYTES) for _ in range(_ROWS)])})


class Beside(Operation):
    """Let a name beside a run stand for something."""

    refusals = (NotFound,)

    def __init__(self, model: BucketModel, run_id: str, name: str) -> None:
        super().__init__(model)
        self.run_id = run_id
        self.name = name

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


class Attach(Beside):
    """Attach something to a run, whole or in chunks."""

    def __init__(
        self, model: BucketModel, run_id: str, name: str, number: int, *, large: bool
    ) -> None:
        super().__init__(model, run_id, name)
        self.data = content(number, large=large)
        self.large = large

    def do(self, client: Client) -> object:
        """See `Operation`."""
        source = io.BytesIO(self.data) if self.large else self.data
        return self.store(client).attach(self.run_id, self.name, source)


class PutTable(Beside):
    """Put a table beside a run: a loose object, and then the ref that names it."""

    def __init__(self, model: BucketModel, run_id: str, number: int) -> None:
        super().__init__(model, run_id, TABLE)
        self.number = number

    def do(self, client: Client) -> object:
        """See `Operation`."""
        return self.store(client).put_table(self.run_id, self.name, table(self.number))


class LongBatch(Batch):
    """Save runs with something large beside each, hours apart, in one transaction."""

    def __init__(self, model: BucketModel, runs: list[Run], number: int, hours: int) -> None:
        super().__init__(model, runs, fails=False)
        self.number = number
        self.hours = hours

    def do(self, client: Client) -> None:
        """See `Operation`."""
        large = content(self.number, large=True)
        with self.store(client).batch() as batch:
            for position, run in enumerate(self.runs):
                if position:
                    clock.sleep(self.hours * 3600)
                batch.save(run, attachments={ATTACHED[0]: large} if position else None)
                if not position:
                    batch.put_table(run.id, TABLE, table(self.number))


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
