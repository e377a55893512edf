"""What git says of a working folder: asked only where file and user are silent."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from graven import clock
from graven.errors import InvalidInput

TIMEOUT_S = 10.0  # for each question; a work tree on a slow disk is answered without `dirty`

# The folder says which repository is meant; inside a hook of git these say another.
_ELSEWHERE = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFacts:
    """The checked-out commit of a working folder.

    Attributes:
        commit: full hash.
        branch: None on a detached head.
        commit_time: the committer's time.
        dirty: whether tracked files differ from the commit; None if git did not say.
    """

    commit: str
    branch: str | None = None
    commit_time: datetime | None = None
    dirty: bool | None = None


def git_facts(folder: str | Path, *, timeout: float = TIMEOUT_S) -> GitFacts | None:
    """Ask git about ``folder``; None without git, outside a checkout, or before a first commit."""
    head = _ask(folder, timeout, "log", "-1", "--no-show-signature", "--format=%H %cI", "HEAD")
    if not head:
        return None
    commit, _, when = head.strip().partition(" ")
    branch = _ask(folder, timeout, "symbolic-ref", "--quiet", "--short", "HEAD")
    changes = _ask(folder, timeout, "status", "--porcelain", "--untracked-files=no")
    return GitFacts(
        commit=commit,
        branch=branch.strip() or None if branch is not None else None,
        commit_time=_moment(when),
        dirty=None if changes is None else bool(changes.strip()),
    )


def merge_base(
    folder: str | Path, branch: str | None = None, commit: str | None = None
) -> str | None:
    """The commit where a branch and a commit part, full hash; None if git cannot say.

    Args:
        folder: within a checkout.
        branch: a branch here or of ``origin``; else the one that ``origin`` calls its
            default, ``main`` or ``master``.
        commit: the other side; HEAD where it is None, or unknown to this checkout.
    """
    names = [branch, f"origin/{branch}"] if branch else ["origin/HEAD", "main", "master"]
    base = next((found for name in names if (found := _commit(folder, name))), None)
    head = (_commit(folder, commit) if commit else None) or _commit(folder, "HEAD")
    if base is None or head is None:
        return None
    return (_ask(folder, TIMEOUT_S, "merge-base", head, base) or "").strip() or None


def ancestors(folder: str | Path, commit: str, limit: int) -> list[str]:
    """``commit`` and those before it, the nearest first, as full hashes."""
    known = _commit(folder, commit)
    if known is None:
        return []
    found = _ask(folder, TIMEOUT_S, "rev-list", f"--max-count={limit}", known)
    return (found or "").split()


def _commit(folder: str | Path, name: str) -> str | None:
    if name.startswith("-"):  # git would take it for an option
        return None
    found = _ask(folder, TIMEOUT_S, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return (found or "").strip() or None


def _moment(text: str) -> datetime | None:
    try:
        return clock.parse_time(text.strip())
    except InvalidInput:
        return None


def _ask(folder: str | Path, timeout: float, *words: str) -> str | None:
    import subprocess

    # No locks, no prompts, no programs that the folder's own settings name: asking must
    # not disturb a git at work beside us, wait for a person, or run a stranger's code.
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _ELSEWHERE},
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    try:
        answer = subprocess.run(
            command,
            capture_output=True, stdin=subprocess.DEVNULL, env=environment, timeout=timeout,
            check=False, text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return answer.stdout if answer.returncode == 0 else None
