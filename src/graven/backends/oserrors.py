"""Errors of the operating system, told in graven's own classes."""

from __future__ import annotations

import errno
from types import TracebackType

from graven.errors import BackendUnavailable, Corrupt, GravenError, InvalidInput

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
_NOT_A_FILE = {errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST}


class translated:  # noqa: N801  used as a function: "with translated(path, 'write')"
    """Turn an `OSError` from the block into the error of `translate`.

    A class and not a generator: it stands in the path of every read and write,
    and costs a third of what `contextlib` would.
    """

    __slots__ = ("doing", "path")

    def __init__(self, path: str, doing: str) -> None:
        self.path = path
        self.doing = doing

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        fault: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if isinstance(fault, OSError) and not isinstance(fault, GravenError):
            raise translate(fault, self.path, self.doing) from fault


def translate(fault: OSError, path: str, doing: str) -> GravenError:
    """The error to raise for ``fault``, met while ``doing`` (``"write"``) something to ``path``."""
    code = fault.errno
    if code in _FULL:
        return BackendUnavailable(
            f"no space left to {doing} {path!r}",
            kind="disk-full",
            hint="free some space (or raise the quota) and try again; nothing was half written",
            file=path,
        )
    if code in _DENIED:
        why = ": the file system is read-only" if code == errno.EROFS else ""
        return BackendUnavailable(
            f"not allowed to {doing} {path!r}{why}",
            kind="denied",
            hint="check owner, permissions and mount of the store's folder",
            file=path,
        )
    if code == errno.ENAMETOOLONG:
        return InvalidInput(
            f"name too long for this file system: {path!r}", kind="name-too-long", file=path
        )
    if code == errno.ELOOP:
        return symlink_found(path)
    if code in _NOT_A_FILE:
        return InvalidInput(
            f"cannot {doing} {path!r}: a file stands where a folder has to be, or the reverse",
            kind="not-a-file",
            file=path,
        )
    if code in _TOO_MANY:
        return BackendUnavailable(
            f"too many open files to {doing} {path!r}",
            kind="too-many-files",
            hint="raise the limit (ulimit -n)",
            file=path,
        )
    if code == errno.ENOENT:
        return BackendUnavailable(
            f"folder of {path!r} went away during the {doing}", kind="gone", file=path
        )
    reason = fault.strerror or str(fault) or type(fault).__name__
    return BackendUnavailable(f"cannot {doing} {path!r}: {reason}", kind="io-error", file=path)


def symlink_found(path: str) -> Corrupt:
    """The error for a link inside a store: it could lead a write out of it."""
    return Corrupt(
        f"symbolic link inside the store: {path!r}",
        kind="symlink",
        hint="a store holds no links; put the real folder there, or link to the whole store",
        file=path,
    )
