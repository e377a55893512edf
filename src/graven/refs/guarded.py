"""Guarded refs: baselines and tags, changed only by compare-and-swap.

Order of a change: the old value is stored as a `ref` object, then the file is written
on condition that it still is what was read. After any answer but a plain yes the file is
read back: if a ``write_id`` of ours stands there, or in the history behind what stands
there, the change happened. A request that nothing was heard of may still arrive later, so
each attempt is remembered until it is found, or can no longer succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from graven import clock
from graven.backends.base import Backend
from graven.errors import BackendUnavailable, Conflict, Corrupt, InvalidInput, NotFound
from graven.formats import layout
from graven.formats.guarded import (
    RefValue,
    decode_ref_file,
    decode_ref_object,
    encode_ref_file,
    encode_ref_object,
)
from graven.ids import ObjectId, new_nonce, parse_object_id, random_fraction

KEPT_VALUES = 20
"""So many values of a ref, from the newest on, keep their runs; older ones may be pruned."""
MAX_ATTEMPTS = 64  # at least, before a change is given up


PATIENCE_SECONDS = 120.0  # a baseline that many move has its turn for each of them
_FIRST_WAIT = 0.01
_LONGEST_WAIT = 1.0


def _wait(lost: int) -> float:
    """Seconds until the next attempt: those who lost together must not come back together."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(lost, 10)) * random_fraction()


def _open(tried: Sequence[RefValue], current: RefValue | None) -> list[RefValue]:
    """Those of ``tried`` that may still come to stand."""
    return [value for value in tried if current is None or value.seq > current.seq]


class GuardedRefs:
    """The refs of one space (``baselines`` or ``tags``).

    Args:
        backend: where the files are.
        space: ``baselines`` or ``tags``.
        put_object: stores a `ref` object's bytes durably and returns its id.
        get_object: the inverse.
        prove: called before a change; raises if the place does not swap as it declares.
    """

    def __init__(
        self,
        backend: Backend,
        space: str,
        put_object: Callable[[bytes], ObjectId],
        get_object: Callable[[ObjectId], bytes],
        prove: Callable[[], None] | None = None,
    ) -> None:
        self._backend = backend
        self._space = space
        self._put_object = put_object
        self._get_object = get_object
        self._prove = prove

    @property
    def space(self) -> str:
        """``baselines`` or ``tags``."""
        return self._space

    def names(self) -> list[str]:
        """Names of the refs that are set, sorted; a damaged file's name is among them."""
        return list(self.values())

    def values(self) -> dict[str, RefValue | Corrupt]:
        """The refs that are set, by name, sorted; of a damaged file its fault."""
        folder = f"{layout.REFS}{self._space}"
        found: dict[str, RefValue | Corrupt] = {}
        for file_name, data in self._backend.bodies(f"{folder}/").items():
            name = layout.parse_guarded_file(file_name)
            if name is None:
                continue
            try:
                value = decode_ref_file(data, f"{folder}/{file_name}")
            except Corrupt as error:
                found[name] = error
                continue
            if value.run is not None:
                found[name] = value
        return dict(sorted(found.items()))

    def read(self, name: str) -> RefValue | None:
        """The current value, None if the ref was never set. A deleted one has ``run`` None."""
        return self._read(name)[0]

    def _read(self, name: str) -> tuple[RefValue | None, str | None]:
        key = layout.guarded_key(self._space, name)
        try:
            data, version = self._backend.get_with_version(key)
        except NotFound:
            return None, None
        return decode_ref_file(data, key), version

    def history(self, name: str) -> Iterator[RefValue]:
        """Values, newest first, the current one included.

        Raises:
            NotFound: an older value's object is gone (pruned).
        """
        value = self.read(name)
        while value is not None:
            yield value
            value = self._before(value)

    def _before(self, value: RefValue) -> RefValue | None:
        if value.previous is None:
            return None
        return decode_ref_object(self._get_object(parse_object_id(value.previous)))

    def set_if(
        self,
        name: str,
        run: str | None,
        object_hex: str | None,
        *,
        allowed: Callable[[RefValue | None], None],
        by: str = "",
        message: str = "",
        check: Callable[[], None] = lambda: None,
    ) -> RefValue:
        """Write a new value on top of whatever ``allowed`` accepts.

        Args:
            name: the ref.
            run, object_hex: the new value; None and None deletes.
            allowed: called with the current value before each attempt; raises to refuse.
            by, message: kept with the value.
            check: called right before each write; raises if what is named may be gone by now.

        Returns:
            The value that stands, which is the old one if it was equal already.

        Raises:
            Conflict: others kept changing it. InvalidInput: the place cannot swap.
            BackendUnavailable: not done; kind ``unknown`` if that cannot be told.
        """
        self.check_swap()
        tried: list[RefValue] = []  # sent, and not known to have failed
        begun = clock.monotonic()
        lost = 0
        try:
            while lost < MAX_ATTEMPTS or clock.monotonic() - begun < PATIENCE_SECONDS:
                current, version = self._read(name)
                if (ours := self._happened(tried, current)) is not None:
                    return ours
                tried = _open(tried, current)
                allowed(current)
                if current is not None and (current.run, current.object) == (run, object_hex):
                    return current
                value = self._next(current, run, object_hex, by, message)
                check()
                if self._swap(name, value, version):
                    return value
                tried.append(value)
                # Looked at before the wait: what follows at once upon the old value tells
                # without its history whether it was ours.
                current, _ = self._read(name)
                if (ours := self._happened(tried, current)) is not None:
                    return ours
                tried = _open(tried, current)
                lost += 1
                clock.sleep(_wait(lost))
        except BackendUnavailable as error:
            if tried:
                raise self._unknown(name, error.message) from error
            raise
        if tried:
            raise self._unknown(name, "no answer came in time")
        raise Conflict(
            f"{self._space[:-1]} {name!r} kept moving while it was being set",
            kind="ref-moved",
            hint="try again",
            ref=name,
        )

    def _next(
        self,
        current: RefValue | None,
        run: str | None,
        object_hex: str | None,
        by: str,
        message: str,
    ) -> RefValue:
        """The value to follow ``current``, which is stored first."""
        return RefValue(
            run=run,
            object=object_hex,
            seq=current.seq + 1 if current else 1,
            previous=self._keep(current),
            write_id=new_nonce(),
            by=by,
            at=clock.now().isoformat(timespec="seconds"),
            message=message,
            recent=current.recent_with_own() if current else (),
        )

    def forward(self, name: str, value: RefValue, version: str | None) -> bool:
        """Let a value that was made elsewhere follow the one of ``version`` (None: none yet).

        The caller has seen to it that what stands is in the history behind ``value``, and
        that this history has been stored.

        Returns:
            False if it was not done, or nothing was heard: look again.

        Raises:
            InvalidInput: the place cannot swap.
        """
        self.check_swap()
        return self._swap(name, value, version)

    def read_versioned(self, name: str) -> tuple[RefValue | None, str | None]:
        """The current value, and the version that `forward` asks for."""
        return self._read(name)

    def before(self, value: RefValue) -> RefValue | None:
        """The value that stood before another; None before the first.

        Raises:
            NotFound: its object is gone (pruned).
        """
        return self._before(value)

    def _keep(self, current: RefValue | None) -> str | None:
        return self._put_object(encode_ref_object(current)).hex() if current else None

    def check_swap(self) -> None:
        """Accept the place for changes.

        Raises:
            InvalidInput: it cannot swap (kind ``no-swap``).
        """
        if not self._backend.capabilities.swap:
            raise InvalidInput(
                f"{self._backend.url} cannot compare and swap, so {self._space} cannot be"
                " changed safely there",
                kind="no-swap",
                hint="runs can be saved there; keep baselines in a store on another place",
            )
        if self._prove is not None:
            self._prove()

    def _swap(self, name: str, value: RefValue, version: str | None) -> bool:
        """Send a value; False if it was refused or nothing was heard of it."""
        key = layout.guarded_key(self._space, name)
        data = encode_ref_file(value)
        try:
            if version is None:
                return self._backend.put_if_absent(key, data) is not None
            return self._backend.put_if_version(key, data, version) is not None
        except BackendUnavailable as error:
            if error.kind != "timeout":
                raise
            return False

    def _happened(self, tried: Sequence[RefValue], current: RefValue | None) -> RefValue | None:
        """The one of ``tried`` that stands, or stood before what others wrote since.

        A value that is not found and is not newer than what stands never will be: what it
        was to replace is gone. One that is newer may still be under way.
        """
        if not tried:
            return None
        sent = {value.write_id: value for value in tried}
        oldest = min(value.seq for value in tried)
        if current is not None and current.seq - oldest <= len(current.recent):
            stood = (current.write_id, *current.recent)
            return next((sent[write_id] for write_id in stood if write_id in sent), None)
        value = current
        try:
            while value is not None and value.seq >= oldest:
                if value.write_id in sent:
                    return sent[value.write_id]
                value = self._before(value) if value.seq > oldest else None
        except NotFound as error:
            raise BackendUnavailable(error.message, kind="history-missing") from error
        return None

    def _unknown(self, name: str, message: str) -> BackendUnavailable:
        return BackendUnavailable(
            f"it is not known whether {self._space[:-1]} {name!r} was set: {message}",
            kind="unknown",
            hint="look at it, then set it again if need be",
            ref=name,
        )
