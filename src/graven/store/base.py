"""What a store is made of: backend, session, catalog, guarded refs. Opened here."""

from __future__ import annotations

import math
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graven import clock
from graven.backends.base import Backend
from graven.catalog.database import Catalog
from graven.errors import BackendUnavailable, GravenError, GravenWarning, QueuedWarning
from graven.formats import layout
from graven.ids import ObjectId, hash_bytes, parse_object_id
from graven.store.index import Index
from graven.store.opening import (
    UNREACHABLE,
    check_still_the_same,
    check_views,
    open_place,
    open_store_file,
    tell_of_settings,
)

if TYPE_CHECKING:
    from graven.client.folder import ClientFolder
    from graven.formats.packbuild import Item
    from graven.formats.run import RunEncoder
    from graven.formats.run_decode import RunDecoder
    from graven.formats.storefile import StoreFile
    from graven.model.metric import MetricDef
    from graven.model.run import Run
    from graven.objects.cache import ObjectCache
    from graven.refs.guarded import GuardedRefs
    from graven.store.config import Config
    from graven.store.outbox import Outbox
    from graven.store.pointers import Pointers
    from graven.store.proving import SwapProof
    from graven.store.revisions import Resolved, Resolver
    from graven.store.session import Intent, Session
    from graven.views import ViewWriter


SETTINGS_SECONDS = 3600.0
NAMED = 3  # runs in one warning


def warn(text: str, category: type[GravenWarning] = GravenWarning) -> None:
    """Warn, in the name of whoever called graven."""
    depth = 2  # 1 is this function
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("graven."):
        frame = frame.f_back
        depth += 1
    warnings.warn(text, category, stacklevel=depth)


@dataclass(frozen=True, slots=True)
class Parts:
    """The inner parts of an open store; ``client`` is None for one that is near."""

    backend: Backend
    index: Index
    session: Session
    client: ClientFolder | None


class StoreBase:
    """The parts of an open store, each made when first needed.

    Args:
        url: a folder, a bucket (``s3://``, ``gs://``, ``az://`` ...), ``zip://`` or
            ``memory://NAME``.
        create: make the store if there is none.
        readonly: refuse every write; nothing beside the store is written either.
        durable: sync to disk before a write is acknowledged. Off, a power cut may take
            the last writes (never a part of one); for tests and throw-away stores.
        author: who is named in the history of baselines and tags.
        storage_options: what the URL's fsspec library takes; it asks the environment too.
        offline: answer from what this machine keeps of a remote store; see `as_of`.
        refresh_every: seconds for which one look at a remote store serves all questions;
            0: each question looks.
        views: ``all`` or ``none`` for this client; else config.json decides.
        cache_dir: where this machine keeps what it reads of remote stores.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        create: bool = True,
        readonly: bool = False,
        durable: bool = True,
        author: str = "",
        backend: Backend | None = None,
        storage_options: Mapping[str, Any] | None = None,
        offline: bool = False,
        refresh_every: float = 0.0,
        views: str | None = None,
        cache_dir: str | None = None,
    ) -> None:
        place = open_place(
            url,
            backend=backend,
            readonly=readonly,
            durable=durable,
            storage_options=storage_options,
            offline=offline,
            cache_dir=cache_dir,
        )
        self._backend = place.backend
        self._client = place.client
        self.offline = offline and place.client is not None
        self.readonly = readonly or self.offline or self._backend.readonly
        self.author = author
        self._views = check_views(views)
        self._file = open_store_file(place, create=create and not self.readonly)
        self._lock = threading.RLock()
        self._threads = threading.local()
        self._index = Index(
            self._make_catalog(),
            self._backend,
            cache=self._make_cache,
            # Plans that were carried out stay for half a grace: the catalog must not be older.
            refresh_every=math.inf
            if self.offline
            else min(refresh_every, self._file.grace_seconds / 2),
            on_gone=lambda: check_still_the_same(place, self._file),
        )
        self._session_made: Session | None = None
        self._config_made: Config | None = None
        self._view_writer_made: ViewWriter | None = None
        self._pointers: dict[str, Pointers] = {}
        self._swap_proof: SwapProof | None = None
        _stores.add(self)

    @property
    def url(self) -> str:
        """Where the store is."""
        return self._backend.url

    @property
    def path(self) -> Path | None:
        """The folder of a local store, None for others."""
        return Path(self._root) if self._root else None

    @cached_property
    def _root(self) -> str:
        return str(getattr(self._backend, "root", ""))

    @property
    def file(self) -> StoreFile:
        """What store.json says."""
        return self._file

    @property
    def store_id(self) -> str:
        """32 hex digits, shared by all copies of the store."""
        return self._file.store_id

    @property
    def grace_seconds(self) -> int:
        """How long unreachable objects live, at least."""
        return self._file.grace_seconds

    @property
    def as_of(self) -> datetime | None:
        """When this machine last looked at a remote store; None for others, and for never."""
        looked = self._index.catalog.get_meta("looked")
        return None if looked is None else clock.micros_to_datetime(int(looked) * 1000)

    def close(self) -> None:
        """Let go of files and connections. The store opens them again when used."""
        self._index.catalog.close()
        self._backend.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    # --- parts ---

    @property
    def parts(self) -> Parts:
        """What the rooms beside the store work with: sync, doctor, simulation."""
        return Parts(self._backend, self._index, self._session, self._client)

    @property
    def wrote(self) -> bool:
        """True if a pack was written from here."""
        return self._session_made is not None and self._session_made.wrote

    def guarded(self, space: str) -> GuardedRefs:
        """The files of ``baselines`` or ``tags``, for who moves them between stores."""
        return self._space(space, create_only=space == "tags").refs

    def _make_catalog(self) -> Catalog:
        root = getattr(self._backend, "root", None)
        path = None
        if self._client is not None:
            path = self._client.catalog_path
        elif root is not None and not self.readonly:
            path = os.path.join(str(root), layout.CACHE, layout.CATALOG_FILE)
        place = self._backend.place or self._backend.url
        return Catalog(path, store_id=self._file.store_id, url=place)

    def _make_cache(self) -> ObjectCache | None:
        if self._client is None:
            return None
        from graven.client.folder import OBJECT_CACHE_BYTES
        from graven.objects.cache import ObjectCache

        return ObjectCache(self._client.objects_path, OBJECT_CACHE_BYTES)

    @property
    def _session(self) -> Session:
        if self._session_made is None:
            from graven.store.session import Session

            with self._lock:
                if self._session_made is None:
                    self._session_made = Session(
                        self._backend,
                        readonly=self.readonly,
                        grace_seconds=self.grace_seconds,
                        # A local pack is read again for less than this costs.
                        on_written=self._index.take_in if self._client is not None else None,
                    )
        return self._session_made

    @property
    def config(self) -> Config:
        """The shared settings, read anew when the store is opened."""
        if self._config_made is None:
            from graven.store.config import Config

            self._config_made = Config(self._backend, before_first=self._tell_of_settings)
            if self._config_made.found and not self.readonly:  # put there by hand
                self._best_effort("store.json was not changed", self._tell_of_settings)
        return self._config_made

    def _tell_of_settings(self) -> None:
        if self._backend.remote and not self._file.settings:
            tell_of_settings(self._backend)
            self._file = self._file._replace(settings=True)

    def settings_for_writing(self) -> Config:
        """The settings; of a remote store those of the last hour will do.

        They only say what is written beside a commit, and the look would cost as much as
        the commit itself. Where it cannot be reached older ones must do.
        """
        if self._config_made is not None or self._client is None:
            return self.config
        from graven.client.remembering import OfflineBackend
        from graven.store.config import Config

        memo = self._client.memo
        seen = memo.recall(layout.CONFIG_FILE)
        if seen is None and not self._file.settings:
            told = memo.recall(layout.STORE_FILE)  # None where nothing can be kept
            if told is None or 0 <= told.age < SETTINGS_SECONDS:
                return Config(self._backend, absent=True)
        if seen is None or not 0 <= seen.age < SETTINGS_SECONDS:
            try:
                return self.config
            except BackendUnavailable as error:
                if seen is None or not self.can_queue(error):
                    raise
        return Config(OfflineBackend(self._backend.url, "", memo))

    @property
    def metric_defs(self) -> dict[str, MetricDef]:
        """Metric definitions of config.json."""
        return self.config.metric_defs

    @property
    def _encoder(self) -> RunEncoder:
        encoder: RunEncoder | None = getattr(self._threads, "encoder", None)
        if encoder is None:
            from graven.formats.run import RunEncoder

            encoder = self._threads.encoder = RunEncoder()
        return encoder

    @property
    def _decoder(self) -> RunDecoder:
        decoder: RunDecoder | None = getattr(self._threads, "decoder", None)
        if decoder is None:
            from graven.formats.run_decode import RunDecoder

            decoder = self._threads.decoder = RunDecoder(self._index.get)
        return decoder

    @property
    def baselines(self) -> Pointers:
        """Names that stand for accepted runs, and may move."""
        return self._space("baselines", create_only=False)

    @property
    def tags(self) -> Pointers:
        """Names that stand for runs, and are meant to stay."""
        return self._space("tags", create_only=True)

    def _space(self, space: str, *, create_only: bool) -> Pointers:
        if space not in self._pointers:
            from graven.refs.guarded import GuardedRefs
            from graven.store.pointers import Pointers

            refs = GuardedRefs(
                self._backend, space, self._put_ref_object, self._index.get, self._prove_swap
            )
            self._pointers[space] = Pointers(
                refs,
                self._resolve_pair,
                self.load_object,
                create_only=create_only,
                author=lambda: self.author,
                secure=self._secure,
            )
        return self._pointers[space]

    def _secure(self, run_id: str, object_hex: str) -> Callable[[], None]:
        from graven.store.restoring import secure

        return secure(self._index, self._session, run_id, parse_object_id(object_hex))

    def _prove_swap(self) -> None:
        """Before baselines or tags of a remote store change; once is enough."""
        if self._client is None:
            return
        if self._swap_proof is None:
            from graven.store.proving import SwapProof

            self._swap_proof = SwapProof(self._backend, self._client)
        self._swap_proof.check()

    def _put_ref_object(self, data: bytes) -> ObjectId:
        from graven.formats.envelope import REF
        from graven.formats.packbuild import Item

        item = Item(hash_bytes(data), REF, data)
        self._commit([item], [])
        return item.id

    def _commit(self, items: Sequence[Item], intents: Sequence[Intent]) -> None:
        self._session.commit(items, intents)

    def _commit_or_queue(self, items: Sequence[Item], intents: Sequence[Intent]) -> bool:
        """Commit, or keep it in the outbox where the place cannot be reached; True if kept."""
        try:
            self._commit(items, intents)
        except BackendUnavailable as error:
            return self._queue(items, intents, error)
        return False

    def _queue(
        self, items: Sequence[Item], intents: Sequence[Intent], error: BackendUnavailable
    ) -> bool:
        if self.outbox is None or not self.can_queue(error) or not intents:
            raise error
        seen = self._index.catalog.one("SELECT max(name) FROM pack")
        parsed = layout.parse_pack_name(seen[0]) if seen and seen[0] else None
        self.outbox.commit(items, intents, parsed.stamp if parsed else 0)
        runs = [i.name.removeprefix("runs/") for i in intents if i.header is not None]
        more = f" and {len(runs) - NAMED:,} more" if len(runs) > NAMED else ""
        named = ", ".join(runs[:NAMED]) + more
        warn(f"{error.message}; queued: {named}; 'graven push' sends what is queued", QueuedWarning)
        return True

    def can_queue(self, error: BackendUnavailable) -> bool:
        """True if what met this error may wait in the outbox: nothing was said against it."""
        return not self.readonly and self.outbox is not None and error.kind in UNREACHABLE

    @cached_property
    def outbox(self) -> Outbox | None:
        """What this machine could not send yet; None for a store that is near.

        A store that was opened read-only, or offline, has one too, to be looked at.
        """
        if self._client is None:
            return None
        from graven.store.outbox import Outbox

        place = self._backend.place or self._backend.url
        return Outbox(place, self._file, heard_ms=self._backend.heard_ms)

    def _resolve_pair(self, rev: str) -> tuple[str, str]:
        found = self.resolve(rev)
        return found.run_id, found.object_id

    @property
    def _resolver(self) -> Resolver:
        from graven.store.revisions import Resolver

        return Resolver(self._index, self.baselines, self.tags)

    def resolve(self, rev: str, *, experiment: str | None = None) -> Resolved:
        """What a revision means now: run id and object id.

        With an experiment ``latest`` and ``commit:`` are asked of its runs alone.

        Raises:
            NotFound: nothing, or a prefix that fits several things.
        """
        return self._resolver.resolve(rev, experiment)

    def load_object(self, object_id: str) -> Run:
        """The run of a hex object id.

        Raises:
            NotFound: no such object. Corrupt: damaged.
        """
        wanted = parse_object_id(object_id)
        return self._decoder.decode(self._index.get(wanted), wanted)

    def _best_effort(self, what: str, action: Callable[[], object]) -> None:
        """Do what is only derived; a failure is a warning, since the commit stands."""
        try:
            action()
        except GravenError as error:
            warn(f"{what}: {error.message}")


_stores: weakref.WeakSet[StoreBase] = weakref.WeakSet()


def _begin_in_child() -> None:
    for store in list(_stores):
        store._lock = threading.RLock()
        store._index.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)
