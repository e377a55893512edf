"""Take in what another store has: a remote, a folder, an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from graven import clock
from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.sync.difference import Selection
from graven.sync.remotes import Remote, add_remote, find_or_name, open_remote
from graven.sync.transfer import Progress, SyncReport, transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class PullReport:
    """What came from where; ``selection`` says which runs were taken."""

    remote: str
    url: str
    selection: Selection
    received: SyncReport

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "remote": self.remote or None,
            "url": self.url,
            "partial": None if self.selection.whole else show_selection(self.selection),
            "received": self.received.to_dict(),
        }


def pull(
    store: Store,
    remote: str | None = None,
    *,
    since: datetime | None = None,
    branch: str | None = None,
    attachments: bool | None = None,
    everything: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> PullReport:
    """Take in what a remote has and the store lacks. Deletions always come along.

    Args:
        store: is written to.
        remote: a name, URL, folder or archive; None for the only one, or ``origin``.
        since, branch, attachments: which runs; what is None is as the remote has it, of
            which a partial clone takes a part.
        everything: all of it, and a partial clone is whole from now on.
        storage_options: of the environment; the remote's own go before.
        offline: refuse what needs the network.
        progress: told after each pack.
        options: what else `Store` takes, for the remote.

    Returns:
        The report; in its conflicts ``ours`` is this store's side.

    Raises:
        NotFound: no such remote, or no store at its URL.
        BackendUnavailable: it cannot be reached; what came until then is whole.
    """
    found = find_or_name(store, remote)
    refuse_offline(found, offline=offline)
    wanted = Selection() if everything else found.selection
    if since is not None:
        wanted = wanted._replace(since=clock.micros(since))
    if branch is not None:
        wanted = wanted._replace(branch=branch)
    if attachments is not None:
        wanted = wanted._replace(attachments=attachments)
    source = open_remote(found, readonly=True, storage_options=storage_options, **options)
    received = transfer(source, store, wanted, progress=progress)
    received.conflicts = [conflict.turned() for conflict in received.conflicts]
    if everything and wanted.whole and found.name and not found.selection.whole:
        add_remote(store, _made_whole(found), force=True)
    return PullReport(remote=found.name, url=source.url, selection=wanted, received=received)


def _made_whole(remote: Remote) -> Remote:
    return replace(remote, selection=Selection())


def select(
    since: datetime | None = None, branch: str | None = None, *, attachments: bool = True
) -> Selection:
    """A selection as people say it."""
    moment = None if since is None else clock.micros(since)
    return Selection(since=moment, branch=branch, attachments=attachments)


def show_selection(selection: Selection) -> dict[str, Any]:
    """JSON-ready, the time as ISO text."""
    record = selection._asdict()
    if selection.since is not None:
        record["since"] = clock.micros_to_datetime(selection.since).isoformat()
    return record
