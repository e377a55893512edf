"""What a backend is and how it gets to its place, in words. No secrets."""

from __future__ import annotations

from graven.backends.archive.backend import ArchiveBackend
from graven.backends.base import Backend
from graven.backends.driver import About
from graven.backends.local import LocalBackend
from graven.backends.memory import MemoryBackend
from graven.backends.remote import RemoteBackend


def about(backend: Backend) -> About:
    """What is known without a question to the place.

    Raises:
        BackendUnavailable: the driver has to log in for it, and cannot.
    """
    if isinstance(backend, RemoteBackend):
        return backend.driver.about()
    kinds = ((LocalBackend, "folder"), (MemoryBackend, "memory"), (ArchiveBackend, "archive"))
    words = (word for kind, word in kinds if isinstance(backend, kind))
    return About(next(words, type(backend).__name__))


def keeps_versions(backend: Backend) -> bool | None:
    """See `Driver.keeps_versions`; None for what is no bucket.

    Raises:
        BackendUnavailable: it is not told to everybody (kind ``denied``).
    """
    if not isinstance(backend, RemoteBackend):
        return None
    return backend.keeps_versions()
