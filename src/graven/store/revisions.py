"""The revision syntax: what may stand where a run is asked for (docs/cli.md, "Revisions").

3f9c1a2b7d04            a run id, or an object id, or a unique prefix of either
latest, latest~2        the newest run, the second before it
latest@BRANCH, latest@BRANCH~2
main, baselines/main, tags/v1, baselines/main~1 (the value before)
commit:SHA              the newest run of a commit
"""

from __future__ import annotations

import re
from typing import NamedTuple

from graven.catalog import questions
from graven.errors import InvalidInput, NotFound
from graven.ids import MIN_PREFIX_HEX, is_hex, normal
from graven.store.index import Index
from graven.store.pointers import Pointers

_HOW_TO_SAVE = "'graven ingest FILE' saves one"
_STEPS = re.compile(r"(.*)~(\d{1,6})", re.DOTALL)


class Resolved(NamedTuple):
    """What a revision means: ``object_id`` is 64 hex digits.

    ``kind`` says how it was found: run, object, latest, baseline, tag or commit.
    """

    run_id: str
    object_id: str
    kind: str


class Resolver:
    """Looks revisions up, each kind in a fixed order, exact names before prefixes."""

    def __init__(self, index: Index, baselines: Pointers, tags: Pointers) -> None:
        self._index = index
        self._baselines = baselines
        self._tags = tags

    def resolve(self, rev: str, experiment: str | None = None) -> Resolved:
        """What ``rev`` means now; ``latest`` and ``commit:`` among the runs of an experiment.

        Raises:
            NotFound: nothing, or a prefix that fits several.
        """
        if not isinstance(rev, str) or not rev or "\0" in rev:
            raise InvalidInput(
                f"not a revision: {rev!r}",
                kind="bad-revision",
                hint="a run id, 'latest', a baseline or a tag; 'graven show --help' has all forms",
                field="rev",
            )
        rev = normal(rev)
        found = self._run(rev)
        if found is not None:
            return found
        match = _STEPS.fullmatch(rev)
        base, steps = (match[1], int(match[2])) if match else (rev, 0)
        found = (
            (self._pointer(rev, 0) if match else None)  # a name may hold "~2" itself
            or self._latest(base, steps, experiment)
            or self._pointer(base, steps)
            or (self._commit(rev, experiment) if not match else None)
            or (self._prefix(rev) if not match else None)
        )
        if found is None:
            raise NotFound(
                f"Run not found: {rev}",
                kind="run-missing",
                hint="'graven log' lists the runs; 'graven baseline' and 'graven tag' the names",
                rev=rev,
            )
        return found

    def _run(self, rev: str) -> Resolved | None:
        header = self._index.ask(lambda catalog: questions.find_header(catalog, rev))
        if header is None:
            return None
        if header.deleted:
            raise NotFound(
                f"run {rev!r} was deleted",
                kind="run-deleted",
                hint=f"'graven restore {rev}' brings it back",
                run=rev,
            )
        return Resolved(header.run_id, header.object_id, "run")

    def _latest(self, base: str, steps: int, experiment: str | None) -> Resolved | None:
        word, at, branch = base.partition("@")
        if word != "latest" or (at and not branch):
            return None
        wanted = questions.Filter(branch=branch or None, experiment=experiment)
        headers = self._index.ask(
            lambda catalog: questions.select_headers(catalog, wanted, 1, steps)
        )
        if not headers:
            where = f" on branch {branch!r}" if branch else ""
            raise NotFound(
                f"No runs in store{where}"
                if not steps
                else f"there are no {steps + 1} runs{where}",
                kind="run-missing",
                hint="'graven log' lists the runs" if branch or steps else _HOW_TO_SAVE,
                rev=base,
            )
        return Resolved(headers[0].run_id, headers[0].object_id, "latest")

    def _pointer(self, base: str, steps: int) -> Resolved | None:
        for pointers, kind in ((self._baselines, "baseline"), (self._tags, "tag")):
            prefix = f"{pointers.space}/"
            name = base.removeprefix(prefix)
            try:
                value = None if not name or "/" in name else pointers.entry(name)
            except InvalidInput:
                continue  # cannot be a name, so it is none
            if value is None:
                continue
            if steps:  # without, a bucket is not asked for the same again
                value = pointers.value_before(name, steps)
            if value.run is None or value.object is None:
                raise NotFound(f"{base}~{steps} is a deletion", kind="ref-missing", rev=base)
            return Resolved(value.run, value.object, kind)
        return None

    def _commit(self, rev: str, experiment: str | None) -> Resolved | None:
        word, colon, commit = rev.partition(":")
        if word != "commit" or not colon:
            return None
        if len(commit) < 4:
            raise InvalidInput(
                f"commit {commit!r} is too short: give 4 digits at least", kind="bad-revision"
            )
        wanted = questions.Filter(commit=commit, experiment=experiment)
        headers = self._index.ask(lambda catalog: questions.select_headers(catalog, wanted, 1))
        if not headers:
            raise NotFound(f"no run of commit {commit}", kind="run-missing", rev=rev)
        return Resolved(headers[0].run_id, headers[0].object_id, "commit")

    def _prefix(self, rev: str) -> Resolved | None:
        if len(rev) < MIN_PREFIX_HEX or not is_hex(rev) or len(rev) > 64:
            return None
        runs = self._index.ask(lambda catalog: questions.find_run_ids(catalog, rev))
        objects = _run_objects(self._index, rev)
        if len(runs) + len(objects) > 1:
            names = ", ".join([*runs, *(f"object {o[1].hex()[:16]}" for o in objects)])
            raise NotFound(
                f"prefix {rev!r} fits several: {names}",
                kind="prefix-ambiguous",
                hint="give more digits",
                rev=rev,
            )
        if runs:
            return self._run(runs[0])
        if objects:
            run_id, object_id = objects[0]
            return Resolved(run_id, object_id.hex(), "object")
        gone = self._index.ask(
            lambda catalog: questions.find_run_ids(catalog, rev, limit=2, deleted=True)
        )
        return self._run(gone[0]) if len(gone) == 1 else None  # says that it was deleted


def _run_objects(index: Index, prefix: str) -> list[tuple[str, bytes]]:
    """(run id, object id) of the run objects that begin with a prefix."""
    from graven.catalog.places import find_by_prefix
    from graven.formats.envelope import RUN
    from graven.formats.run_object import decode_body

    found = index.ask(lambda catalog: find_by_prefix(catalog, prefix, kind=RUN))
    return [(decode_body(index.get(object_id)).id, object_id) for object_id in found]
