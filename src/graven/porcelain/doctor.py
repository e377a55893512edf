"""Look at a place for a store: can it be reached, does it keep what it declares, what follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graven.backends import open_backend
from graven.backends.about import about, keeps_versions
from graven.backends.base import Backend
from graven.backends.driver import About
from graven.backends.findings import Finding, Outcome
from graven.backends.local import LocalBackend
from graven.backends.probe import AWAY, Conditions, probe_conditions
from graven.backends.probe_disk import leaving_no_folders, look_at_mount, probe_disk
from graven.client.folder import ClientFolder
from graven.errors import BackendUnavailable, GravenError, NotFound
from graven.formats.layout import STORE_FILE
from graven.formats.storefile import decode_store_file
from graven.porcelain.policies import AZURE, GCS, S3, Policy, policy_for
from graven.porcelain.remote import refuse_offline
from graven.store.proving import remember_swap
from graven.sync.remotes import Remote, full_url

# What baselines and tags stand on.
_GUARD = ("create-twice", "create-over-empty", "read-after-overwrite", "stale-swap")


@dataclass(slots=True, kw_only=True)
class Diagnosis:
    """What was found out about a place.

    Attributes:
        url: where.
        about: what it is, and how graven gets there.
        trouble: why it cannot be reached; None if it can.
        store_id: of the store there; None if there is none (yet).
        findings: in the order asked; none if it cannot be reached.
        skew_seconds: the storage's clock less this machine's, where it has one.
        follows: what that means for the user, a sentence each.
        policy: the smallest access that suffices; None where there is no such thing.
        costs: what the service may keep, and bill, beside what graven stores.
    """

    url: str
    about: About
    trouble: GravenError | None = None
    store_id: str | None = None
    findings: list[Finding] = field(default_factory=list)
    skew_seconds: float | None = None
    follows: list[str] = field(default_factory=list)
    policy: Policy | None = None
    costs: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """The place answers, and lets this user in."""
        return self.trouble is None

    @property
    def ok(self) -> bool:
        """It is reached, and all that was declared holds."""
        wrong = any(finding.outcome is Outcome.WRONG for finding in self.findings)
        return self.reached and not wrong

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "url": self.url,
            "ok": self.ok,
            "service": self.about.service,
            "library": self.about.library,
            "endpoint": self.about.endpoint,
            "region": self.about.region,
            "credentials": self.about.credentials,
            "reached": self.reached,
            "error": None if self.trouble is None else self.trouble.to_dict(),
            "store": self.store_id,
            "findings": [finding.to_dict() for finding in self.findings],
            "skew_seconds": self.skew_seconds,
            "follows": list(self.follows),
            "policy": None if self.policy is None else self.policy.to_dict(),
            "costs": list(self.costs),
        }


def doctor(
    url: str,
    *,
    storage_options: Mapping[str, Any] | None = None,
    cache_dir: str | None = None,
    offline: bool = False,
) -> Diagnosis:
    """Examine a place, with a store or without. What is written there is removed again.

    Args:
        url: a folder (that of a project means its ``.graven``), an archive or a bucket.
        storage_options: what the URL's fsspec library takes.
        cache_dir: where this machine keeps what it knows of remote places.
        offline: refuse what needs the network.

    Raises:
        InvalidInput: no such kind of place, or its library is not installed.
        NotFound: an archive that is not there.
    """
    place = full_url(url)
    refuse_offline(Remote(name="", url=place), offline=offline)
    backend = open_backend(place, storage_options=storage_options)
    diagnosis = Diagnosis(url=backend.url, about=About(""))
    try:
        _examine(backend, diagnosis)
    except BackendUnavailable as error:
        diagnosis.trouble = error
    finally:
        backend.close()
    diagnosis.policy = policy_for(diagnosis.about)
    if backend.remote and diagnosis.findings:
        _remember(backend, diagnosis, cache_dir)
    return diagnosis


def _examine(backend: Backend, diagnosis: Diagnosis) -> None:
    """Fill in the diagnosis.

    Raises:
        BackendUnavailable: it cannot be reached.
    """
    diagnosis.about = about(backend)
    if isinstance(backend, LocalBackend):
        diagnosis.findings += look_at_mount(str(backend.root))
    _look_for_store(backend, diagnosis)
    if isinstance(backend, LocalBackend):
        root = str(backend.root)
        with leaving_no_folders(root):
            conditions = probe_conditions(backend)
            diagnosis.findings += conditions.findings
            if conditions.is_ok("write"):
                diagnosis.findings += probe_disk(root)
    else:
        conditions = probe_conditions(backend)
        diagnosis.findings += conditions.findings
    diagnosis.skew_seconds = conditions.skew_seconds
    diagnosis.follows += _consequences(backend, diagnosis.about, conditions)
    diagnosis.costs += _costs(backend, diagnosis.about)


def _look_for_store(backend: Backend, diagnosis: Diagnosis) -> None:
    try:
        found = decode_store_file(backend.get(STORE_FILE), f"{backend.url}/{STORE_FILE}")
        diagnosis.store_id = found.store_id
    except NotFound as error:
        if error.kind != "key-missing":
            raise
    except BackendUnavailable:
        raise
    except GravenError as error:
        diagnosis.findings.append(Finding("store", Outcome.WRONG, error.message))


def _consequences(backend: Backend, place: About, found: Conditions) -> Iterator[str]:
    write = found.find("write")
    if write is not None and write.outcome is Outcome.CANNOT:
        yield "a store here can be read; nothing can be saved"
        return
    if not found.is_ok("write"):
        yield "nothing can be saved here"
        return
    if found.is_ok(*_GUARD):
        yield "runs, baselines and tags can be kept here, by many writers at once"
    else:
        yield "runs can be kept here, by many writers at once; baselines and tags cannot"
    if not found.is_ok("list-after-write"):
        yield "others may see a new run late"
    if not found.is_ok("delete"):
        yield "nothing can be removed: what is given up goes on costing space"
    if found.is_ok("delete") and not found.is_ok("stale-delete"):
        yield "graven does without conditional deletes: it deletes only what is never written again"
    if not backend.capabilities.trusted_clock:
        yield "unreachable objects stay: gc needs a storage that tells the time"
    if place.service == "memory":
        yield "all of it ends with this process"
    elif not backend.capabilities.durable:
        yield "nothing is promised about power cuts: that is up to the server"


_VERSIONS = (
    "a baseline or tag that moves, and a view that is written again, leaves its old body"
    " behind; a lifecycle rule that expires noncurrent versions bounds that"
)
_ONE_PUT = (
    "graven sends each body in one request (packs have up to 64 MiB) and leaves no unfinished"
    " uploads of its own"
)


def _costs(backend: Backend, place: About) -> Iterator[str]:
    if place.service not in (S3, GCS, AZURE):
        return
    right = {S3: "s3:GetBucketVersioning", GCS: "storage.buckets.get"}.get(place.service)
    try:
        kept = keeps_versions(backend)
        why = "the service does not say in one request"
    except BackendUnavailable as error:
        if error.kind in AWAY:
            raise
        kept, why = None, f"asking for it needs {right}"
    if kept is None:
        yield f"versioning of the bucket is not known ({why}); where it is on, {_VERSIONS}"
    elif kept:
        yield f"versioning of the bucket is on: {_VERSIONS}"
    else:
        yield "versioning of the bucket is off: what is replaced or deleted is gone"
    if place.service == S3:
        yield (
            f"{_ONE_PUT}; those of other tools cost until a lifecycle rule ends them"
            " (AbortIncompleteMultipartUpload)"
        )
    if place.service == GCS:
        yield "soft delete, on by default for 7 days, bills what is replaced or deleted so long"
    if place.service == AZURE:
        yield "soft delete, where it is on, bills what is replaced or deleted for its time"


def _remember(backend: Backend, diagnosis: Diagnosis, cache_dir: str | None) -> None:
    """Whether baselines can be moved there is asked no more for a while, or anew."""
    found = Conditions(tuple(diagnosis.findings), None)
    if found.find("stale-swap") is None:
        return
    good = found.is_ok(*_GUARD)
    outcome = Outcome.OK if good else Outcome.WRONG
    client = ClientFolder(backend.place or backend.url, cache_dir)
    remember_swap(client, Finding("swap", outcome, "seen by graven doctor"))
