"""What asv will see of a git repository: branches, first-parent lines, tags."""

from __future__ import annotations

import bisect
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from graven.errors import BackendUnavailable, InvalidInput

TIMEOUT_S = 120.0  # `rev-list --all` of the largest public repositories takes some 20 s
MAX_BRANCHES = 16  # asv draws every graph once a branch

_HEX = re.compile(r"[0-9a-f]{4,40}")
FULL_HEX = 40


class Repository:
    """A git repository, asked by ``git``; nothing in it is changed.

    Raises:
        InvalidInput: ``path`` is no git repository.
        BackendUnavailable: git is missing, fails or takes over `TIMEOUT_S`.
    """

    def __init__(self, path: Path) -> None:
        self._given = path
        if not path.is_dir():
            raise self._not_a_repository()
        # asv wants the top folder, or the bare repository itself.
        try:
            bare = self._git("rev-parse", "--is-bare-repository").strip() == "true"
            question = "--absolute-git-dir" if bare else "--show-toplevel"
            self.path = Path(self._git("rev-parse", question).removesuffix("\n"))
        except _GitFailed:
            raise self._not_a_repository() from None
        self._all: list[str] | None = None

    def _not_a_repository(self) -> InvalidInput:
        return InvalidInput(
            f"no git repository at {str(self._given)!r}",
            kind="bad-repository",
            hint="give a checkout or a bare clone, or leave the repository out",
            file=self._given,
        )

    def expand(self, commit: str) -> tuple[str | None, str]:
        """The full hash of a commit's hex prefix; else None and the reason, as a clause."""
        if self._all is None:
            self._all = sorted(self._git("rev-list", "--all").split())
        start = bisect.bisect_left(self._all, commit)
        found = [full for full in self._all[start : start + 2] if full.startswith(commit)]
        if len(found) == 1:
            return found[0], ""
        return None, "the repository has several such commits" if found else "not in the repository"

    def first_parent_line(self, branch: str) -> dict[str, int]:
        """Commits asv finds on a branch, with their author dates (ms since 1970)."""
        out = self._git("rev-list", "--first-parent", "--format=%H %at", branch, "--")
        dates: dict[str, int] = {}
        for line in out.splitlines():
            head, _, seconds = line.partition(" ")
            if head != "commit":
                dates[head] = int(seconds) * 1000
        return dates

    def tagged(self) -> set[str]:
        """Commits that have a tag (asv shows those on every branch)."""
        out = self._git("for-each-ref", "--format=%(objectname) %(*objectname)", "refs/tags")
        return {line.split()[-1] for line in out.splitlines() if line.strip()}

    def base_branch(self) -> str:
        """The branch checked out, or "HEAD" where there is none."""
        try:
            return self._git("symbolic-ref", "--quiet", "--short", "HEAD").strip() or "HEAD"
        except _GitFailed:
            return "HEAD"

    def has(self, branch: str) -> bool:
        """True when asv can follow ``branch`` (any revision git knows)."""
        if not branch or branch.startswith("-") or any(char.isspace() for char in branch):
            return False  # an option to git; asv splits the name at spaces
        try:
            self._git("rev-parse", "--verify", "--quiet", f"{branch}^{{commit}}")
        except _GitFailed:
            return False
        return True

    def choose_branches(self, wanted: Sequence[str], commits: set[str]) -> list[str]:
        """The branch checked out, and those of ``wanted`` that bring further ``commits`` to light.

        Args:
            wanted: branch names as the runs have them, the most important first.
            commits: full hashes of all commits exported.
        """
        base = self.base_branch()
        chosen = [base] if self.has(base) else []
        left = commits - self.tagged()
        for branch in chosen:
            left -= self.first_parent_line(branch).keys()
        out = self._git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes")
        refs = set(out.split())
        for name in wanted:
            if not left or len(chosen) >= MAX_BRANCHES:
                break
            found = _ref_of(name, refs)
            if found and found not in chosen and self.has(found):
                line = self.first_parent_line(found).keys()
                if left & line:
                    chosen.append(found)
                    left -= line
        return chosen or ["HEAD"]

    def _git(self, *args: str) -> str:
        command = ["git", "-c", "core.quotePath=false", *args]
        try:
            done = subprocess.run(
                command,
                cwd=self._given,
                env=git_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError:
            raise BackendUnavailable(
                "git is not installed",
                kind="git-missing",
                hint="install git, or export without a repository",
            ) from None
        except subprocess.TimeoutExpired:
            raise BackendUnavailable(
                f"git {args[0]} took over {TIMEOUT_S:.0f} s in {str(self._given)!r}",
                kind="git-timeout",
                file=self._given,
            ) from None
        if done.returncode != 0:
            raise _GitFailed(args[0], self._given, done.stderr.decode(errors="replace"))
        return done.stdout.decode("utf-8", "surrogateescape")


class _GitFailed(BackendUnavailable):
    """Git ended with an error; most callers know what that means."""

    def __init__(self, verb: str, path: Path, stderr: str) -> None:
        text = stderr.strip().splitlines()
        super().__init__(
            f"git {verb} failed in {str(path)!r}: {text[0] if text else 'no message'}",
            kind="git-failed",
            file=path,
        )


def git_environment() -> dict[str, str]:
    """The person's environment, less what would lead git to another repository."""
    # Variables such as GIT_DIR (set inside hooks) would send git to another repository.
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def _ref_of(branch: str, refs: Iterable[str]) -> str | None:
    """What to call ``branch`` in git: by its own name, else as a remote's (CI checkouts)."""
    known = set(refs)
    if f"refs/heads/{branch}" in known:
        return branch
    return f"origin/{branch}" if f"refs/remotes/origin/{branch}" in known else None


def read_commit(text: str | None) -> str | None:
    """A commit as lower-case hex of 4 to 40 digits, else None."""
    lowered = (text or "").strip().lower()
    return lowered if _HEX.fullmatch(lowered) else None
