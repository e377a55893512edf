"""The rules that make deleting safe, each of which can be switched off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """What clients and collectors heed; docs/design/0012-garbage.md says why.

    Attributes:
        heed_condemned: what stands only in condemned places is absent for writers.
        check_age: a decision is given up when it is older than half the grace period ...
        age_through_suspend: ... on a clock that runs while the process is suspended ...
        age_from_first_look: ... counted from the older of the session's beginning and the
            listing that the catalog comes from.
        end_requests: a request that was sent ends within less than half a grace period.
        wait_for_grace: a plan is carried out when its grace is over ...
        storage_clock: ... by the storage's clock, not by the collector's.
        ask_again: a sweep asks anew whether what is condemned is needed.
        all_plans: what stands in any plan is no home for what another plan condemns.
        equal_listings: a sweep looks twice, and goes on if both listings are equal.
        sweep_in_time: a sweep deletes within half a grace period of its look.
        keep_plans: a plan that was carried out stands for half a grace period more.
        keep_tombstones: a run's tombstone is kept, though nothing of the run is there.
        carry_floors: who rewrites an update takes along the highest floor that is known.
        read_homes: a sweep reads the other homes of what is live in a condemned place.
        repack_all: what a repack condemns for a short time stands elsewhere, dead or alive.
        keep_dormant: an attachment newer than its run's deletion is live, though nobody sees it.
        keep_history: of a guarded ref all `ref` objects are live, and the last targets.
        follow_links: what a live object names is live.
    """

    heed_condemned: bool = True
    check_age: bool = True
    age_through_suspend: bool = True
    age_from_first_look: bool = True
    end_requests: bool = True
    wait_for_grace: bool = True
    storage_clock: bool = True
    ask_again: bool = True
    all_plans: bool = True
    equal_listings: bool = True
    sweep_in_time: bool = True
    keep_plans: bool = True
    keep_tombstones: bool = True
    carry_floors: bool = True
    read_homes: bool = True
    repack_all: bool = True
    keep_dormant: bool = True
    keep_history: bool = True
    follow_links: bool = True


ALL = Rules()
