"""What plans condemn: places that a writer must not count on (docs/design/0012-garbage.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from graven.backends.base import Backend
from graven.backends.parallel import run_all
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats import layout
from graven.formats.plan import MAX_PLAN_BYTES, Plan, decode_plan


class Everything(frozenset[str]):
    """Holds whatever is asked for: where a plan cannot be read, anything may be condemned."""

    def __contains__(self, place: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return 1


class ReadPlan(NamedTuple):
    """A plan that was listed: its file name, and its content or why that cannot be read."""

    name: str
    content: Plan | Corrupt | FormatTooNew


def read_plans(backend: Backend, names: Iterable[str]) -> list[ReadPlan]:
    """The plans among the file names of a listing of packs, those carried out included.

    A request each, several at once. One that has gone since is left out.
    """
    parsed = [(name, layout.parse_plan_name(name)) for name in names]
    plans = sorted(name for name, plan in parsed if plan is not None and not plan.done)
    found = run_all(backend, [partial(_read, backend, name) for name in plans])
    return [plan for plan in found if plan is not None]


def _read(backend: Backend, name: str) -> ReadPlan | None:
    key = layout.PACKS + name
    try:
        data, _ = backend.get_tail(key, MAX_PLAN_BYTES + 1)
        return ReadPlan(name, decode_plan(data, key))
    except NotFound:
        return None
    except (Corrupt, FormatTooNew) as error:
        return ReadPlan(name, error)


def places_of_plans(plans: Sequence[ReadPlan]) -> frozenset[str]:
    """Names of packs and keys of loose objects; `Everything` if a plan cannot be read."""
    found: set[str] = set()
    for _, content in plans:
        if not isinstance(content, Plan):
            return Everything()
        found.update(content.packs)
        found.update(content.loose)
    return frozenset(found)


def condemned_places(backend: Backend, names: Iterable[str]) -> frozenset[str]:
    """What the plans among these file names condemn."""
    return places_of_plans(read_plans(backend, names))
