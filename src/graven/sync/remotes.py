"""Names for other stores, kept in a local store's local.json. Never a secret among them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graven.backends.redaction import public_url
from graven.errors import Conflict, Corrupt, InvalidInput, NotFound
from graven.formats.layout import LOCAL_FILE, STORE_FILE
from graven.ids import check_name
from graven.store import Store
from graven.sync.difference import Selection

DEFAULT_NAME = "origin"
_ATTEMPTS = 16
_PROJECT_STORE = ".graven"  # as graven.cli.session has it, which stands above this room
_SECRET_WORDS = (
    "secret", "passw", "token", "credential", "connection_string", "sas_", "_sas", "signature",
    "private_key", "api_key", "access_key", "account_key", "bearer", "authorization",
)  # fmt: skip
_MAX_MICROS = 10**15 * 60  # some time after the year 3800
_SECRET_NAMES = frozenset({"key", "sas", "auth"})
_NO_SECRETS = frozenset({"anon", "cloud", "google_default"})  # ways for gcsfs to get a token
_SIGNED = re.compile(r"[?&](?:sig|signature|[^=&]*(?:token|secret|key))=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Another store.

    Attributes:
        name: what it is called here.
        url: where it is.
        storage_options: what its library is told beside the environment; no secrets.
        selection: what `pull` takes from it: less than all after a partial clone.
    """

    name: str
    url: str
    storage_options: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as it stands in the file."""
        record: dict[str, Any] = {"url": self.url}
        if self.storage_options:
            record["storage_options"] = dict(self.storage_options)
        if not self.selection.whole:
            record["partial"] = self.selection._asdict()
        return record


def list_remotes(store: Store) -> list[Remote]:
    """All remotes of a store, by name."""
    records, _ = _read(store)
    return [_remote(name, record) for name, record in sorted(records.items())]


def find_remote(store: Store, name: str) -> Remote:
    """The remote of that name.

    Raises:
        NotFound: there is none.
    """
    known = {remote.name: remote for remote in list_remotes(store)}
    if name not in known:
        raise NotFound(
            f"no remote {name!r}",
            kind="remote-missing",
            hint=f"there is {', '.join(known)}" if known else "'graven remote add' names one",
            remote=name,
        )
    return known[name]


def add_remote(store: Store, remote: Remote, *, force: bool = False) -> None:
    """Remember a remote.

    Raises:
        InvalidInput: a bad name, a secret in its URL or options, or the store itself.
        Conflict: the name is taken, and not ``force``.
    """
    check_remote(remote)
    if remote.url.rstrip("/") == store.url.rstrip("/"):
        raise InvalidInput(f"{remote.url} is this store itself", kind="same-store", field="url")

    def change(records: dict[str, Any]) -> None:
        if remote.name in records and not force:
            raise Conflict(
                f"there is a remote {remote.name!r} already",
                kind="remote-exists",
                hint="remove it first, or choose another name",
                remote=remote.name,
            )
        records[remote.name] = remote.to_dict()

    _change(store, change)


def check_remote(remote: Remote) -> None:
    """Accept a remote for being kept.

    Raises:
        InvalidInput: a bad name, a secret in its URL or options.
    """
    check_name(remote.name, "remote name")
    _refuse_secrets(remote.storage_options)
    # The message does not show it: before the "@", or in the query, stands the secret.
    if public_url(remote.url) != remote.url or _SIGNED.search(remote.url):
        raise _secret("the URL holds a secret", "url")


def full_url(url: str) -> str:
    """A URL that means the same from every folder; that of a project is its ``.graven``."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme != "zip":
        return url
    path = os.path.abspath(rest if separator else url)
    inner = os.path.join(path, _PROJECT_STORE)
    is_project = not os.path.exists(os.path.join(path, STORE_FILE)) and os.path.isdir(inner)
    return f"zip://{path}" if separator else inner if is_project else path


def remove_remote(store: Store, name: str) -> None:
    """Forget a remote; what came from it stays.

    Raises:
        NotFound: there is none of that name.
    """
    find_remote(store, name)
    _change(store, lambda records: records.pop(name, None))


def open_remote(
    remote: Remote, *, storage_options: Mapping[str, Any] | None = None, **options: Any
) -> Store:
    """Open the store that a remote means.

    Args:
        remote: its own storage options go before the others.
        storage_options: what the environment says; may hold secrets.
        options: as `Store` takes them.

    Raises:
        NotFound: there is none at its URL.
    """
    merged = {**(storage_options or {}), **remote.storage_options}
    try:
        return Store(remote.url, create=False, storage_options=merged, **options)
    except NotFound as error:
        if error.kind != "store-missing":
            raise
        # Not "make one": whoever names another store expects something there.
        hint = "is the name or URL right? 'graven remote' lists the names"
        raise NotFound(error.message, kind=error.kind, hint=hint, **error.fields) from None


def find_or_name(store: Store, name_or_url: str | None) -> Remote:
    """A remote by its name, or any URL or folder; None: the only one, or ``origin``.

    Raises:
        NotFound: no such remote, or none was said and there are several.
    """
    known = {remote.name: remote for remote in list_remotes(store)}
    if name_or_url is None:
        if len(known) == 1:
            return next(iter(known.values()))
        return find_remote(store, DEFAULT_NAME)
    if name_or_url in known:
        return known[name_or_url]
    if _is_place(name_or_url):
        return Remote(name="", url=full_url(name_or_url))
    return find_remote(store, name_or_url)


def _is_place(word: str) -> bool:
    return "/" in word or os.sep in word or word.endswith(".zip") or os.path.isdir(word)


def _read(store: Store) -> tuple[dict[str, Any], str | None]:
    if store.path is None:
        return {}, None
    try:
        data, version = store.parts.backend.get_with_version(LOCAL_FILE)
    except NotFound:
        return {}, None
    try:
        records = json.loads(data)["remotes"]
        for name, record in records.items():
            _check_record(_remote(name, record))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise Corrupt(
            f"{LOCAL_FILE} is damaged: {error}",
            kind="bad-local-file",
            hint=f"mend or remove {LOCAL_FILE}: it names the remotes, nothing else",
            file=LOCAL_FILE,
        ) from None
    return records, version


def _change(store: Store, change: Callable[[dict[str, Any]], object]) -> None:
    if store.path is None:
        raise InvalidInput(
            f"{store.url} is no local store, and remotes are named in those",
            kind="not-local",
            hint="name them in a clone of it",
        )
    backend = store.parts.backend
    for _ in range(_ATTEMPTS):
        records, version = _read(store)
        change(records)
        text = (json.dumps({"remotes": records}, indent=2, ensure_ascii=False) + "\n").encode()
        if version is None:
            done = backend.put_if_absent(LOCAL_FILE, text)
        else:
            done = backend.put_if_version(LOCAL_FILE, text, version)
        if done is not None:
            return
    raise Conflict(f"{LOCAL_FILE} kept changing", kind="local-moved", hint="try again")


def _remote(name: str, record: dict[str, Any]) -> Remote:
    partial = record.get("partial") or {}
    known = {key: partial[key] for key in Selection._fields if key in partial}
    return Remote(
        name=name,
        url=record["url"],
        storage_options=record.get("storage_options") or {},
        selection=Selection(**known),
    )


def _check_record(remote: Remote) -> None:
    """Raise TypeError or ValueError for what nobody but a stray editor could have written."""
    wanted = {
        "url": isinstance(remote.url, str),
        "storage_options": isinstance(remote.storage_options, Mapping),
    }
    for field_name, right in wanted.items():
        if not right:
            raise TypeError(f"remote {remote.name!r}: field {field_name!r} is of a wrong kind")
    check_selection(remote.selection)


def check_selection(selection: Selection) -> None:
    """Accept a selection that stood in a file.

    Raises:
        TypeError: a field of a wrong kind.
    """
    since, branch, attachments = selection
    wanted = {
        "since": since is None or (type(since) is int and abs(since) <= _MAX_MICROS),
        "branch": branch is None or isinstance(branch, str),
        "attachments": isinstance(attachments, bool),
    }
    for field_name, right in wanted.items():
        if not right:
            raise TypeError(f"field {field_name!r} of a part is of a wrong kind")


def _refuse_secrets(options: Mapping[str, Any]) -> None:
    for key, value in options.items():
        if isinstance(value, Mapping):
            _refuse_secrets(value)
        low = key.lower()
        named = low in _SECRET_NAMES or any(word in low for word in _SECRET_WORDS)
        if named and not (isinstance(value, str) and value in _NO_SECRETS):
            raise _secret(f"storage option {key!r} is a secret", key)


def _secret(fault: str, field: str) -> InvalidInput:
    return InvalidInput(
        f"{fault}, and {LOCAL_FILE} is no place for one",
        kind="secret",
        hint="put it into the environment or the library's own settings",
        field=field,
    )
