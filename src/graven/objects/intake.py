"""A stream on its way into a store: read, cut and hashed, a few chunks ahead.

One thread does this, while the one that asks writes packs: neither waits for the other
as long as there is something to do.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from graven.formats.envelope import BLOB
from graven.formats.packbuild import Item
from graven.ids import ObjectId, hash_bytes, new_hasher
from graven.objects.chunks import Readable, cut_stream

GROUP_BYTES = 2 * 1024 * 1024
_GROUPS_AHEAD = 1
_SECONDS_TO_END = 2.0


class Intake:
    """The chunks of a stream, in groups of about 2 MiB.

    Attributes:
        size: bytes of the groups that were cut; that of the whole once all are out.

    Args:
        source: read from where it stands to its end, in another thread.
    """

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._whole = new_hasher()
        self._ready: queue.Queue[list[Item] | BaseException | None] = queue.Queue(_GROUPS_AHEAD)
        self._stopped = False
        self.size = 0

    @property
    def blake3(self) -> ObjectId:
        """The hash of the whole, once all groups are out."""
        return ObjectId(self._whole.digest())

    @contextmanager
    def groups(self) -> Iterator[Iterator[list[Item]]]:
        """All chunks, each as a `blob`; the thread ends with the block, whatever happens.

        What the source raises is raised by the iterator.
        """
        # A daemon: a source that is silent must not keep the program from ending.
        worker = threading.Thread(target=self._work, name="graven-intake", daemon=True)
        worker.start()
        try:
            yield iter(self._next, None)
        finally:
            self._stopped = True
            with suppress(queue.Empty):  # room for the group that the thread waits to hand out
                while True:
                    self._ready.get_nowait()
            # So that nobody reads the source any more; one that is silent is left to itself.
            worker.join(_SECONDS_TO_END)

    def _next(self) -> list[Item] | None:
        found = self._ready.get()
        if isinstance(found, BaseException):
            raise found
        for item in found or ():  # here, since the other thread has more to do
            self._whole.update(item.data)
        return found

    def _work(self) -> None:
        last: BaseException | None = None
        try:
            for group in self._cut():
                self._ready.put(group)
                if self._stopped:
                    return
        except BaseException as error:
            last = error
        self._ready.put(last)

    def _cut(self) -> Iterator[list[Item]]:
        group: list[Item] = []
        held = 0
        for chunk in cut_stream(self._source):
            self.size += len(chunk)
            group.append(Item(hash_bytes(chunk), BLOB, chunk))
            held += len(chunk)
            if held >= GROUP_BYTES:
                yield group
                group, held = [], 0
        if group:
            yield group
