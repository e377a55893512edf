"""Does a live service keep what its driver declares? It is asked, with keys of the probe's own.

What a service ignores it does not refuse: a server that does not know conditions answers
yes to each of two writers, and a baseline is lost with nobody told. So before a machine
trusts a place it tries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from graven import clock
from graven.backends.base import Backend
from graven.backends.findings import Finding, Outcome
from graven.errors import BackendUnavailable, GravenError, NotFound
from graven.ids import new_nonce

PROBE_FOLDER = "probe/"  # as graven.formats.layout has it, which stands beside this room
FAR_SECONDS = 60.0  # clocks that differ by more are worth a word
MAX_SKEW_SECONDS = clock.MAX_AHEAD_MS / 1000
_TICK_SECONDS = 10.0  # services tell whole seconds, and some take several for an answer
_STAMP_MS = 30_000

# No answer, or none that says anything about the service behind it.
AWAY = frozenset(
    [
        "bucket-missing",
        "busy",
        "no-credentials",
        "not-gcs",
        "not-azure",
        "not-s3",
        "timeout",
        "tls",
        "unreachable",
    ]
)

Answer: TypeAlias = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What `probe_conditions` found.

    Attributes:
        findings: one for each question, in the order asked.
        skew_seconds: the storage's clock less this machine's; None where it tells no time.
    """

    findings: tuple[Finding, ...]
    skew_seconds: float | None

    @property
    def holds(self) -> bool:
        """Nothing is wrong: all that was declared is so."""
        return all(finding.outcome is not Outcome.WRONG for finding in self.findings)

    def find(self, name: str) -> Finding | None:
        """The finding of this name; None if the question was not asked."""
        return next((found for found in self.findings if found.name == name), None)

    def is_ok(self, *names: str) -> bool:
        """True if each of these was asked and found good."""
        found = {finding.name for finding in self.findings if finding.outcome is Outcome.OK}
        return found.issuperset(names)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "skew_seconds": self.skew_seconds,
        }


def probe_conditions(backend: Backend) -> Conditions:
    """Ask everything: some 25 requests, one after the other, under ``probe/<nonce>/``.

    What it writes it removes, also after an error.

    Raises:
        BackendUnavailable: the place cannot be reached (a kind of `AWAY`). That something
            is refused is a finding.
    """
    probe = _Probe(backend)
    try:
        probe.ask_all()
    finally:
        probe.clean_up()
    return Conditions(tuple(probe.findings), probe.skew_seconds)


def proves_swap(backend: Backend) -> Finding:
    """Ask only what guarded refs need: create twice, swap, stale swap.

    Five requests, the last of which removes what the others wrote.

    Returns:
        The finding ``swap``, ``ok`` or ``wrong``.

    Raises:
        BackendUnavailable: no answer, or a request that was refused for other reasons.
    """
    probe = _Probe(backend)
    try:
        outcome, words = probe.prove_swap()
    finally:
        probe.clean_up()
    return Finding("swap", outcome, words)


class _Probe:
    """One visit. Each body is like no other, so that a read-back tells whose it is."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.findings: list[Finding] = []
        self.skew_seconds: float | None = None
        self._nonce = new_nonce()
        self._bodies = 0
        self._folder = f"{PROBE_FOLDER}{self._nonce}/"
        self._key = self._folder + "a"
        self._empty = self._folder + "empty"
        self._written: list[str] = []

    # --- the questions, in order ---

    def ask_all(self) -> None:
        """Fill `findings`."""
        can = self.backend.capabilities
        if not self._write():
            return
        self._ask("create-twice", self._create_twice, declared=can.create)
        self._ask("create-over-empty", self._create_over_empty, declared=can.create)
        self._ask("list-after-write", self._list_after_write)
        self._ask("read-after-overwrite", self._read_after_overwrite)
        self._ask("stale-swap", self._stale_swap, declared=can.swap)
        if can.swap:
            self._ask("equal-bodies", self._equal_bodies)
        self._ask("stale-delete", self._stale_delete, declared=can.swap and can.swap_delete)
        self._ask("clock", self._clock)
        if self._ask("delete", self._delete):
            self._ask("list-after-delete", self._list_after_delete)
            if can.swap:
                self._ask("swap-of-a-missing-key", self._swap_missing)

    def prove_swap(self) -> Answer:
        """See `proves_swap`."""
        version = self._create(self._body())
        if version is None:
            return Outcome.WRONG, _CREATES_NOTHING
        if self._put_if_absent(self._key, self._body()) is not None:
            return Outcome.WRONG, _CREATED_TWICE
        if self._swap(self._body(), version) is None:
            return Outcome.WRONG, _SWAPS_NOTHING
        if self.backend.put_if_version(self._key, self._body(), version) is not None:
            return Outcome.WRONG, _SWAPPED_STALE
        return Outcome.OK, _SWAPS

    def clean_up(self) -> None:
        """Remove what was written; what stays is a finding, not an error."""
        left = []
        why = ""
        for key in dict.fromkeys(self._written):
            try:
                self.backend.delete(key)
            except GravenError as error:
                left.append(key)
                why = error.message
        if left:
            self._say("clean-up", Outcome.WRONG, f"cannot remove {', '.join(left)}: {why}")

    # --- writing and creating ---

    def _write(self) -> bool:
        """The first key; False if there is no use in further questions."""
        data = self._body()
        try:
            if not self.backend.capabilities.create:
                self._put(data)
            elif self._create(data) is None:
                self._say("write", Outcome.WRONG, _CREATES_NOTHING)
                return False
            same = self.backend.get(self._key) == data
        except NotFound:
            same = False
        except BackendUnavailable as error:
            if error.kind in AWAY:
                raise
            if error.kind == "read-only":
                self._written.clear()
            outcome = Outcome.CANNOT if error.kind == "read-only" else Outcome.WRONG
            self._say("write", outcome, error.message)
            return False
        words = "is read back" if same else "is not there, or with other bytes"
        self._say("write", Outcome.OK if same else Outcome.WRONG, f"a key that was written {words}")
        return same

    def _create_twice(self) -> Answer:
        before = self.backend.get(self._key)
        if self._put_if_absent(self._key, self._body()) is not None:
            return Outcome.WRONG, _CREATED_TWICE
        if self.backend.get(self._key) != before:
            return Outcome.WRONG, _REFUSED_AND_DONE
        return Outcome.OK, "of two who create one name the first wins"

    def _create_over_empty(self) -> Answer:
        if self._put_if_absent(self._empty, b"") is None and self.backend.get(self._empty) != b"":
            return Outcome.WRONG, _CREATES_NOTHING
        if self._put_if_absent(self._empty, self._body()) is not None:
            return Outcome.WRONG, "an empty body is replaced as if there were none"
        return Outcome.OK, "an empty body counts as one"

    # --- swapping ---

    def _read_after_overwrite(self) -> Answer:
        data = self._body()
        self._put(data)
        if self.backend.get(self._key) != data:
            return Outcome.WRONG, "the old body is read after it was replaced"
        return Outcome.OK, "the new body is read as soon as it is written"

    def _stale_swap(self) -> Answer:
        old = self.backend.get_with_version(self._key)[1]
        data = self._body()
        answered = self._swap(data, old)
        if answered is None:
            return Outcome.WRONG, _SWAPS_NOTHING
        if self.backend.get_with_version(self._key) != (data, answered):
            return Outcome.WRONG, "what a swap wrote is read with another version, or not at all"
        if self.backend.put_if_version(self._key, self._body(), old) is not None:
            return Outcome.WRONG, _SWAPPED_STALE
        if self.backend.get(self._key) != data:
            return Outcome.WRONG, _REFUSED_AND_DONE
        return Outcome.OK, _SWAPS

    def _equal_bodies(self) -> Answer:
        data, first = self.backend.get_with_version(self._key)
        between = self._swap(self._body(), first)
        again = None if between is None else self._swap(data, between)
        if again is None:
            return Outcome.WRONG, _SWAPS_NOTHING
        if again == first:
            return Outcome.NOTED, "equal bodies have equal versions (no two of graven's are equal)"
        return Outcome.OK, "each write has a version of its own"

    def _swap_missing(self) -> Answer:
        version = self._create(self._body())
        if version is None:
            return Outcome.WRONG, _CREATES_NOTHING
        self.backend.delete(self._key)
        if self.backend.put_if_version(self._key, self._body(), version) is not None:
            return Outcome.WRONG, "a deleted key came back by a swap"
        return Outcome.OK, "a deleted key is not swapped back"

    def _stale_delete(self) -> Answer:
        old = self.backend.get_with_version(self._key)[1]
        if self._swap(self._body(), old) is None:
            return Outcome.WRONG, _SWAPS_NOTHING
        if self.backend.delete_if_version(self._key, old):
            return Outcome.WRONG, _DELETED_STALE
        if self.backend.head(self._key) is None:
            return Outcome.WRONG, _REFUSED_AND_DONE
        return Outcome.OK, "what has changed is not deleted"

    # --- listing, deleting, time ---

    def _list_after_write(self) -> Answer:
        listed = [entry.key for entry in self.backend.list(self._folder)]
        if self._key not in listed or "a" not in self.backend.names(self._folder):
            return Outcome.WRONG, "a new key is not in the listing that follows"
        return Outcome.OK, "a new key is in the listing at once"

    def _delete(self) -> Answer:
        self._put(self._body())
        self.backend.delete(self._key)
        if self.backend.head(self._key) is not None:
            return Outcome.WRONG, "a deleted key is still there"
        self.backend.delete(self._key)  # of one that is gone: no error
        return Outcome.OK, "a deleted key is gone at once"

    def _list_after_delete(self) -> Answer:
        if "a" in self.backend.names(self._folder):
            return Outcome.WRONG, "a deleted key is still listed"
        return Outcome.OK, "a deleted key leaves the listing at once"

    def _clock(self) -> Answer:
        if not self.backend.capabilities.trusted_clock:
            return Outcome.CANNOT, "the place tells no time that can be relied on"
        self._put(self._body())
        entry = self.backend.head(self._key)
        now_ms = self.backend.now_ms()
        self.skew_seconds = (now_ms - clock.wall_ms()) / 1000
        if entry is None or abs(now_ms - entry.modified_ms) > _STAMP_MS:
            return Outcome.WRONG, "the time of a new key and the storage's time are far apart"
        return _skew(self.skew_seconds)

    # --- asking ---

    def _ask(self, name: str, question: Callable[[], Answer], *, declared: bool = True) -> bool:
        if not declared:
            self._say(name, Outcome.CANNOT, "the place has no such call")
            return False
        try:
            outcome, words = question()
        except GravenError as error:
            if error.kind in AWAY:
                raise
            outcome, words = Outcome.WRONG, error.message
        self._say(name, outcome, words)
        return outcome is Outcome.OK

    def _say(self, name: str, outcome: Outcome, words: str) -> None:
        self.findings.append(Finding(name, outcome, words))

    def _body(self) -> bytes:
        self._bodies += 1
        return f"{self._nonce} {self._bodies}".encode()

    def _put(self, data: bytes) -> None:
        self._written.append(self._key)
        self.backend.put(self._key, data)

    def _put_if_absent(self, key: str, data: bytes) -> str | None:
        self._written.append(key)  # before: what was not answered may have been done
        return self.backend.put_if_absent(key, data)

    def _create(self, data: bytes) -> str | None:
        """Create the key; its version, or None if it was refused and is not ours either."""
        version = self._put_if_absent(self._key, data)
        return version if version is not None else self._version_of(data)

    def _swap(self, data: bytes, version: str) -> str | None:
        """Swap; the new version, or None if it was refused and is not ours either."""
        done = self.backend.put_if_version(self._key, data, version)
        return done if done is not None else self._version_of(data)

    def _version_of(self, data: bytes) -> str | None:
        # A request that was sent again because its answer was lost is refused by itself.
        try:
            found, version = self.backend.get_with_version(self._key)
        except NotFound:
            return None
        return version if found == data else None


_CREATES_NOTHING = "a name that nobody has taken cannot be created"
_CREATED_TWICE = "two who create one name both win: the service ignores the condition"
_SWAPS_NOTHING = "a write on the version that is there is refused"
_SWAPS = "a write on a version that is gone is refused"
_SWAPPED_STALE = "a write on a version that is gone is done: the service ignores the condition"
_DELETED_STALE = "what has changed is deleted: the service ignores the condition"
_REFUSED_AND_DONE = "what was refused was done all the same"


def _skew(seconds: float) -> Answer:
    if abs(seconds) <= _TICK_SECONDS:
        return Outcome.OK, "the storage's clock and this machine's agree within seconds"
    side = "ahead of" if seconds > 0 else "behind"
    words = f"the storage's clock is {_span(abs(seconds))} {side} this machine's"
    if abs(seconds) > MAX_SKEW_SECONDS:
        return Outcome.WRONG, f"{words}: over an hour, and writes are refused"
    return (Outcome.NOTED if abs(seconds) > FAR_SECONDS else Outcome.OK), words


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
