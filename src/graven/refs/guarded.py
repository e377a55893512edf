"""Guarded refs: baselines and tags, changed only by compare-and-swap.

Order of a change: the old value is stored as a `ref` object, then the file is written
on condition that it still is what was read. After any doubtful answer the file is read
back: if our ``write_id`` stands there, or in the history behind what stands there, the
change happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from graven.ids import ObjectId, new_nonce, parse_object_id

MAX_ATTEMPTS = 64
MAX_WALK = 64  # values looked through for a write of ours that others have since replaced


class GuardedRefs:
    """The refs of one space (``baselines`` or ``tags``).

    Args:
        backend: where the files are.
        space: ``baselines`` or ``tags``.
        put_object: stores a `ref` object's bytes durably and returns its id.
        get_object: the inverse.
    """

    def __init__(
        self,
        backend: Backend,
        space: str,
        put_object: Callable[[bytes], ObjectId],
        get_object: Callable[[ObjectId], bytes],
    ) -> None:
        self._backend = backend
        self._space = space
        self._put_object = put_object
        self._get_object = get_object

    @property
    def space(self) -> str:
        """``baselines`` or ``tags``."""
        return self._space

    def names(self) -> list[str]:
        """Names of the refs that are set, sorted; a damaged file's name is among them."""
        out = []
        for file_name in self._backend.names(f"{layout.REFS}{self._space}/"):
            name = layout.parse_guarded_file(file_name)
            if name is None:
                continue
            try:
                value = self.read(name)
            except Corrupt:
                out.append(name)
                continue
            if value is not None and value.run is not None:
                out.append(name)
        return sorted(out)

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
    ) -> RefValue:
        """Write a new value on top of whatever ``allowed`` accepts.

        Args:
            name: the ref.
            run, object_hex: the new value; None and None deletes.
            allowed: called with the current value before each attempt; raises to refuse.
            by, message: kept with the value.

        Returns:
            The value that stands, which is the old one if it was equal already.

        Raises:
            Conflict: others kept changing it. InvalidInput: the place cannot swap.
            BackendUnavailable: it could not be told whether the write happened.
        """
        self._check_swap()
        for _ in range(MAX_ATTEMPTS):
            current, version = self._read(name)
            allowed(current)
            if current is not None and (current.run, current.object) == (run, object_hex):
                return current
            value = RefValue(
                run=run,
                object=object_hex,
                seq=current.seq + 1 if current else 1,
                previous=self._put_object(encode_ref_object(current)).hex() if current else None,
                write_id=new_nonce(),
                by=by,
                at=clock.now().isoformat(timespec="seconds"),
                message=message,
            )
            if self._swap(name, value, version):
                return value
        raise Conflict(
            f"{self._space[:-1]} {name!r} kept moving while it was being set",
            kind="ref-moved",
            hint="try again",
            ref=name,
        )

    def _check_swap(self) -> None:
        if not self._backend.capabilities.swap:
            raise InvalidInput(
                f"{self._backend.url} cannot compare and swap, so {self._space} cannot be"
                " changed safely there",
                kind="no-swap",
                hint="runs can be saved there; keep baselines in a store on another place",
            )

    def _swap(self, name: str, value: RefValue, version: str | None) -> bool:
        key = layout.guarded_key(self._space, name)
        data = encode_ref_file(value)
        try:
            if version is None:
                done = self._backend.put_if_absent(key, data)
            else:
                done = self._backend.put_if_version(key, data, version)
        except BackendUnavailable as error:
            if error.kind != "timeout":
                raise
            return self._happened(name, value.write_id)
        return done is not None or self._happened(name, value.write_id)

    def _happened(self, name: str, write_id: str) -> bool:
        value = self.read(name)
        for _ in range(MAX_WALK):
            if value is None:
                return False
            if value.write_id == write_id:
                return True
            value = self._before(value)
        return False
