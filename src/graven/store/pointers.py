"""Baselines and tags as users see them: names that stand for runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from graven.errors import Conflict, Corrupt, NotFound
from graven.formats.guarded import RefValue
from graven.refs.guarded import GuardedRefs

if TYPE_CHECKING:
    from graven.model.run import Run


class Pointers(Mapping[str, "Run"]):
    """A mapping of names to runs. A name keeps the run as it was when the name was set.

    Args:
        refs: the files.
        resolve: a revision to (run id, hex object id).
        load: the run of a hex object id.
        secure: sees to it that the object of a run (id, hex object id) outlives the look at
            it; returns what must be called right before a ref is made to name it.
        create_only: changing a name that is set needs ``force`` (tags).
    """

    def __init__(
        self,
        refs: GuardedRefs,
        resolve: Callable[[str], tuple[str, str]],
        load: Callable[[str], Run],
        *,
        create_only: bool,
        author: Callable[[], str],
        secure: Callable[[str, str], Callable[[], None]],
    ) -> None:
        self._refs = refs
        self._resolve = resolve
        self._load = load
        self._create_only = create_only
        self._author = author
        self._secure = secure

    @property
    def space(self) -> str:
        """``baselines`` or ``tags``."""
        return self._refs.space

    @property
    def refs(self) -> GuardedRefs:
        """The files behind it."""
        return self._refs

    def names(self) -> list[str]:
        """All names that are set, sorted."""
        return self._refs.names()

    def entries(self) -> dict[str, RefValue | Corrupt]:
        """The value of each name that is set, sorted; of a damaged file its fault."""
        return self._refs.values()

    def entry(self, name: str) -> RefValue | None:
        """The value of a name; None if it is not set."""
        value = self._refs.read(name)
        return value if value is not None and value.run is not None else None

    def history(self, name: str) -> list[RefValue]:
        """All values of a name, newest first, deletions included.

        Raises:
            NotFound: never set.
        """
        values = list(self._refs.history(name))
        if not values:
            raise self._missing(name)
        return values

    def set(
        self,
        name: str,
        rev: str,
        *,
        message: str = "",
        force: bool = False,
        expect: str | None = None,
    ) -> RefValue:
        """Let a name stand for the run that ``rev`` means now.

        Args:
            name: the baseline or tag.
            rev: any revision.
            message: why; kept with the value.
            force: move a tag that is set already.
            expect: hex object id that the name must stand for, else it is a conflict.

        Raises:
            NotFound: no such run. Conflict: a tag that exists; not what was expected.
        """
        run_id, object_hex = self._resolve(rev)
        self._refs.check_swap()
        check = self._secure(run_id, object_hex)

        def allowed(current: RefValue | None) -> None:
            live = current is not None and current.run is not None
            same = current is not None and current.object == object_hex
            if self._create_only and live and not same and not force:
                raise Conflict(
                    f"tag {name!r} exists already",
                    kind="tag-exists",
                    hint="tags are meant to stay; move it with --force",
                    ref=name,
                    actual=current.run if current else None,
                )
            if expect is not None and (current is None or current.object != expect):
                raise Conflict(
                    f"{self.space[:-1]} {name!r} is not what was expected",
                    kind="ref-moved",
                    ref=name,
                    expected=expect,
                    actual=current.object if current else None,
                )

        return self._refs.set_if(
            name,
            run_id,
            object_hex,
            allowed=allowed,
            by=self._author(),
            message=message,
            check=check,
        )

    def delete(self, name: str, *, message: str = "") -> RefValue:
        """Unset a name; its history stays.

        Raises:
            NotFound: it is not set.
        """

        def allowed(current: RefValue | None) -> None:
            if current is None or current.run is None:
                raise self._missing(name)

        return self._refs.set_if(
            name, None, None, allowed=allowed, by=self._author(), message=message
        )

    def value_before(self, name: str, steps: int) -> RefValue:
        """The value that stood ``steps`` changes ago.

        Raises:
            NotFound: the history is shorter.
        """
        for index, value in enumerate(self._refs.history(name)):
            if index == steps:
                return value
        raise NotFound(
            f"{self.space[:-1]} {name!r} has no value {steps} before this one",
            kind="ref-history-end",
        )

    def pointing_at(self) -> dict[str, list[str]]:
        """Run id to the names that stand for it (``baselines/main``)."""
        out: dict[str, list[str]] = {}
        for name, value in self.entries().items():
            if isinstance(value, Corrupt):
                raise value
            if value.run is not None:
                out.setdefault(value.run, []).append(f"{self.space}/{name}")
        return out

    def _missing(self, name: str) -> NotFound:
        known = ", ".join(self.names()[:5])
        return NotFound(
            f"no {self.space[:-1]} {name!r}",
            kind="ref-missing",
            hint=f"there is {known}" if known else f"no {self.space} are set yet",
            ref=name,
        )

    def __getitem__(self, name: str) -> Run:
        value = self.entry(name)
        if value is None or value.object is None:
            raise self._missing(name)
        return self._load(value.object)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())
