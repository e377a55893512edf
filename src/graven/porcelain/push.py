"""Send runs, baselines and tags to another store, and what waits in the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graven.errors import BackendUnavailable, NotFound
from graven.porcelain.remote import refuse_offline
from graven.store import Store
from graven.sync.delivery import deliver
from graven.sync.remotes import Remote, find_or_name, open_remote
from graven.sync.transfer import Progress, SyncReport, transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What went where.

    Attributes:
        remote: its name, empty for one that has none.
        url: where it is.
        sent: what the store had and the other lacked; None where only the outbox was sent.
        delivered: what had waited in this machine's outbox.
    """

    remote: str
    url: str
    sent: SyncReport | None
    delivered: SyncReport

    @property
    def parts(self) -> tuple[SyncReport, ...]:
        """The reports there are."""
        return (self.delivered,) if self.sent is None else (self.delivered, self.sent)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "remote": self.remote or None,
            "url": self.url,
            "sent": None if self.sent is None else self.sent.to_dict(),
            "delivered": self.delivered.to_dict(),
        }


def push(
    store: Store,
    remote: str | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> PushReport:
    """Send all that a remote lacks; nothing is taken away there but by tombstones.

    A store that is remote itself, and no remote named: what waits in its outbox is sent.

    Args:
        store: is read.
        remote: a name, URL, folder or archive; None for the only one, or ``origin``.
        storage_options: of the environment; the remote's own go before.
        offline: refuse what needs the network.
        progress: told after each pack.
        options: what else `Store` takes, for the remote.

    Raises:
        NotFound: no such remote, or no store at its URL.
        BackendUnavailable: it cannot be reached or written; what is queued stays queued.
    """
    if remote is None and store.outbox is not None:
        refuse_offline(Remote(name="", url=store.url), offline=offline)
        return PushReport(remote="", url=store.url, sent=None, delivered=deliver(store, progress))
    found = find_or_name(store, remote)
    refuse_offline(found, offline=offline)
    try:
        target = open_remote(found, storage_options=storage_options, **options)
    except NotFound as error:
        if error.kind != "store-missing":
            raise
        hint = f"'graven init {found.url}' makes one"
        raise NotFound(error.message, kind=error.kind, hint=hint, **error.fields) from None
    if target.url.startswith("zip:"):
        raise BackendUnavailable(
            f"archives are read-only: {target.url}",
            kind="read-only",
            hint="'graven bundle create' makes a new one",
            url=target.url,
        )
    delivered = deliver(target, progress)
    sent = transfer(store, target, progress=progress, leads=False)
    return PushReport(remote=found.name, url=target.url, sent=sent, delivered=delivered)
