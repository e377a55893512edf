"""What is kept beside a run: artifacts and logs, as bytes, files and folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from graven.errors import NotFound
from graven.formats import layout
from graven.ids import parse_object_id
from graven.store.attachment_names import check_attachment_name
from graven.store.attachments import Attachment, find_attachment, list_attachments
from graven.store.writing import WritingStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graven.catalog.questions import Header
    from graven.store.attachment_writes import Progress
    from graven.store.folders import Entry
    from graven.store.livelogs import LiveLog, RecoveredLog
    from graven.store.sources import Source


class AttachingStore(WritingStore):
    """A store's attachments."""

    def attach(
        self,
        run_id: str,
        name: str,
        source: Source,
        *,
        media_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> Attachment:
        """Keep something beside a run, durable on return; what had the name is replaced.

        Memory stays small however large it is, and what stands in the store already is not
        written again. Of a folder, links are kept as links and never followed; sockets,
        devices and pipes in it are left out with a warning.

        Args:
            run_id: the run (an exact id).
            name: ``artifacts/model.bin``; any text behind ``artifacts/``, ``logs/``,
                ``results/``, ``derived/``, ``tables/`` or ``tensors/``. Never a path.
            source: bytes, an open binary file (read from where it stands), or the path of
                a file or folder.
            media_type: such as ``text/csv``; without it one is guessed from the name.
            metadata: JSON-like facts, kept with the name.
            progress: told the bytes read so far, and how many of them were new.

        Raises:
            NotFound: no such run, no such file. InvalidInput: a name that no attachment may
                have, a source that cannot be read or changed meanwhile.
        """
        from graven.store.attachment_writes import attach

        header = self._header(run_id)
        return attach(
            self, header, name, source, media_type=media_type, metadata=metadata, progress=progress
        )

    def detach(self, run_id: str, name: str) -> None:
        """Take an attachment away; a tombstone keeps it away in copies of the store too.

        Raises:
            NotFound: no such run or attachment.
        """
        from graven.store.session import Intent

        header, found = self._find(run_id, name)
        self._session.observe(max(header.stamp, found.stamp))
        ref = layout.attachment_ref(header.run_id, found.name)
        self._commit([], [Intent(ref, None)])

    # --- questions ---

    def attachments(self, run_id: str, prefix: str = "") -> list[Attachment]:
        """What is kept beside a run, by name; with ``prefix`` only names that begin so.

        Raises:
            NotFound: no such run.
        """
        run_id = self._header(run_id).run_id
        return self._index.look(partial(list_attachments, run_id=run_id, prefix=prefix))

    def attachment(self, run_id: str, name: str) -> Attachment:
        """One of them.

        Raises:
            NotFound: no such run or attachment. InvalidInput: no name of an attachment.
        """
        return self._find(run_id, name)[1]

    def _find(self, run_id: str, name: str) -> tuple[Header, Attachment]:
        wanted = check_attachment_name(name)
        header = self._header(run_id)
        found = self._index.look(partial(find_attachment, run_id=header.run_id, name=wanted))
        if found is None:
            raise NotFound(
                f"run {header.run_id} has no attachment {name!r}",
                kind="attachment-missing",
                hint=f"'graven show {header.run_id}' lists them",
                run=header.run_id,
                name=name,
            )
        return header, found

    def open_attachment(self, run_id: str, name: str, path: str | None = None) -> BinaryIO:
        """An attachment as a binary file to read and seek in.

        Only the parts that are read are fetched, each checked by its hash. A log that is
        being written on this machine is opened as it is now. A record (a result, derived
        metrics) opens as its JSON, an array as its raw bytes.

        Args:
            run_id: the run.
            name: the attachment.
            path: of a file within it, where it is a folder.

        Raises:
            NotFound: no such run, attachment or file. InvalidInput: a folder without
                ``path``. Corrupt: damaged; reading raises it too, for the damaged part.
        """
        from graven.store.contents import open_object
        from graven.store.livelogs import open_live

        live = open_live(self, run_id, check_attachment_name(name)) if path is None else None
        if live is not None:
            return live
        found = self.attachment(run_id, name)
        return open_object(self, parse_object_id(found.object_id), path, found.name)

    def read_attachment(self, run_id: str, name: str, path: str | None = None) -> bytes:
        """The bytes of an attachment; see `open_attachment`.

        Raises:
            NotFound: no such run or attachment. Corrupt: damaged.
        """
        with self.open_attachment(run_id, name, path) as content:
            return content.read()

    def list_folder(self, run_id: str, name: str) -> list[Entry]:
        """What a folder holds, by path.

        Raises:
            NotFound: no such run or attachment. InvalidInput: it is no folder.
        """
        from graven.store.contents import entries_of

        found = self.attachment(run_id, name)
        return entries_of(self, parse_object_id(found.object_id), found.name)

    def export_attachment(
        self, run_id: str, name: str, target: str | os.PathLike[str], *, force: bool = False
    ) -> None:
        """Write an attachment to a new file, or a folder to a new folder.

        It appears when it is whole. Links that lead out of the folder are left out with a
        warning.

        Args:
            run_id: the run.
            name: the attachment.
            target: the path of the file or folder to make; its parent is there.
            force: replace a file that is there (never a folder).

        Raises:
            Conflict: there is something at ``target``. Corrupt: damaged; nothing is left.
        """
        from graven.store.extracting import export

        found = self.attachment(run_id, name)
        export(self, parse_object_id(found.object_id), found.name, os.fspath(target), force=force)

    def read_content(self, object_id: str) -> bytes:
        """The content of a blob, or of a file that is kept in chunks."""
        from graven.catalog.places import locate
        from graven.formats.envelope import FILE
        from graven.objects.chunks import read_file

        wanted = parse_object_id(object_id)
        data = self._index.get(wanted)
        places = self._index.look(partial(locate, object_id=wanted))
        return read_file(data, self._index.get) if places[0].kind == FILE else data

    # --- logs ---

    def put_log(self, run_id: str, name: str, text: str | bytes) -> Attachment:
        """Keep a log that is finished: ``logs/`` may be left out of its name.

        Raises:
            NotFound: no such run. InvalidInput: a name that no attachment may have.
        """
        from graven.store.attachment_names import under

        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        return self.attach(run_id, under("logs", name), data, media_type="text/plain")

    def live_log(self, run_id: str, name: str, *, append: bool = False) -> LiveLog:
        """A log that is written while the run goes on, and kept when it is closed.

        Use it as a context manager. Its ``path`` is a file that a `logging.FileHandler` or a
        child process may append to; it lies in the user's state folder, is readable through
        `open_attachment` while it grows, and outlives a crash (`recover_logs`).

        Args:
            run_id: a run that is in the store (a run saved anew keeps its logs).
            name: ``logs/`` may be left out.
            append: go on from what is stored under this name.

        Raises:
            NotFound: no such run. Conflict: somebody is writing this log.
        """
        from graven.store.livelogs import begin_log

        return begin_log(self, self._header(run_id).run_id, name, append=append)

    def recover_logs(self) -> list[RecoveredLog]:
        """Keep the logs whose writers died before closing them; those of living ones stay.

        Called when a live log of this store begins. What cannot be kept (its run was
        deleted) stays where it is, and is told with its reason.
        """
        from graven.store.livelogs import recover_logs

        return recover_logs(self)

    def left_logs(self) -> list[RecoveredLog]:
        """The logs that `recover_logs` would keep, untouched."""
        from graven.store.livelogs import left_logs

        return left_logs(self)

    def follow_log(self, run_id: str, name: str) -> Iterator[bytes]:
        """What a log holds, and what is added to it until its writer closes it.

        Raises:
            NotFound: no such run or log.
        """
        from graven.store.livelogs import follow_log

        return follow_log(self, run_id, name)
