"""Packs that are gone, and what only they told: from the catalog, and from views."""

from __future__ import annotations

import json
from itertools import groupby
from operator import attrgetter

from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.catalog.refresh import refresh
from graven.catalog.vanished import losses, unknown_runs
from graven.errors import NotFound
from graven.formats import layout
from graven.store.checking.report import Damage, FsckReport

VANISHED = "vanished, and no plan had named it"


def check_vanished(backend: Backend, catalog: Catalog, report: FsckReport) -> None:
    """Report what this catalog knew once, and runs of which only a view is left.

    A store is a set of packs, and a subset of them is a store: nobody else can tell.
    """
    # Where a pack cannot be read its runs are unknown for that reason, which is told already.
    readable = not any(damage.place.startswith(layout.PACKS) for damage in report.damage)
    told: set[str] = set()
    for pack, found in groupby(losses(catalog), attrgetter("pack")):
        lost = list(found)
        runs = {loss.run_id for loss in lost if loss.run_id is not None}
        names = tuple(loss.name for loss in lost)
        told |= runs
        report.damage.append(
            Damage(layout.pack_key(pack), VANISHED, runs=tuple(sorted(runs)), names=names)
        )
    if readable and not (backend.remote and report.level == "quick"):  # a listing more
        _check_views(backend, catalog, report, told)


def _check_views(backend: Backend, catalog: Catalog, report: FsckReport, told: set[str]) -> None:
    parsed = (layout.parse_guarded_file(name) for name in backend.names(layout.RUNS))
    unknown = unknown_runs(catalog, [run_id for run_id in parsed if run_id is not None])
    if not unknown:
        return
    refresh(catalog, backend)  # they may have been saved since: a view follows its run
    lost = [
        run_id
        for run_id in unknown_runs(catalog, unknown)
        if run_id not in told and _is_view(backend, run_id)
    ]
    if lost:
        report.damage.append(
            Damage(
                layout.RUNS,
                "there are views of runs that no pack knows: a pack has vanished",
                runs=tuple(sorted(lost)),
            )
        )


def _is_view(backend: Backend, run_id: str) -> bool:
    """True if graven wrote it: others may keep files of runs there, too."""
    try:
        record = json.loads(backend.get(layout.view_key(run_id)))
        return record["id"] == run_id and "object_id" in record
    except (NotFound, ValueError, TypeError, KeyError, RecursionError):
        return False
