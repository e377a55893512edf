"""The files of views: whole or not at all, and not synced to disk."""

from __future__ import annotations

import threading

from graven.backends.base import Backend
from graven.formats import layout
from graven.formats.run import EncodedRun
from graven.formats.run_object import RunBody
from graven.ids import ObjectId, normal
from graven.model.run import Run
from graven.views.render import render_view
from graven.views.templates import Facts, Templates, facts_of_body, facts_of_encoded


class ViewWriter:
    """Writes views beside one store. Safe to share between threads."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._threads = threading.local()

    def write(self, run: Run, object_id: str) -> str:
        """Write a run's view and return its key."""
        return self._put(normal(run.id), render_view(run, object_id))

    def write_encoded(self, run: Run, encoded: EncodedRun) -> str:
        """As `write`, for a run that was just encoded."""
        return self._write(run, facts_of_encoded(encoded), self._templates("given"))

    def write_decoded(self, run: Run, object_id: ObjectId, body: RunBody) -> str:
        """As `write`, for a run that was just read."""
        facts = facts_of_body(normal(run.id), object_id, body)
        return self._write(run, facts, self._templates("read"))

    def _templates(self, kind: str) -> Templates:
        # Apart: what a person gives has its keys in an order of its own, what is read has
        # that of the format.
        made: Templates | None = getattr(self._threads, kind, None)
        if made is None:
            made = Templates()
            setattr(self._threads, kind, made)
        return made

    def _write(self, run: Run, facts: Facts, templates: Templates) -> str:
        text = templates.render(run, facts)
        return self._put(facts.run_id, text or render_view(run, facts.object_id.hex()))

    def _put(self, run_id: str, text: bytes) -> str:
        key = layout.view_key(run_id)
        self._backend.put(key, text, durable=False)
        return key


def remove_view(backend: Backend, run_id: str) -> None:
    """Remove a run's view, if there is one."""
    backend.delete(layout.view_key(run_id))
