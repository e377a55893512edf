"""Commits of a git repository, checked out one after the other beside the person's own folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from graven import clock
from graven.errors import BackendUnavailable, InvalidInput, NotFound

GIT_SECONDS = 600.0
_TAIL = 2000  # characters of a failed command's output that are kept
_GRACE = 2.0  # seconds that a command has to tidy up in
_GROUPS = hasattr(os, "killpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of the line that is searched."""

    sha: str
    subject: str
    author: str
    date: str

    def to_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command went: seconds on the wall, and the end of its output if it failed."""

    seconds: float
    error: str | None


def first_parent_line(repo: Path, good: str, bad: str) -> list[Commit]:
    """The commits from ``good`` to ``bad``, oldest first, both included.

    Raises:
        NotFound: no such revision. InvalidInput: no repository, or one does not lead to the
            other.
    """
    ends = [_commit_of(repo, rev) for rev in (good, bad)]
    if ends[0] == ends[1]:
        raise InvalidInput(
            f"{good!r} and {bad!r} are the same commit", kind="bad-range", field="good"
        )
    if not _succeeds(repo, "merge-base", "--is-ancestor", *ends):
        turned = _succeeds(repo, "merge-base", "--is-ancestor", *reversed(ends))
        raise InvalidInput(
            f"{good!r} is no ancestor of {bad!r}",
            kind="bad-range",
            hint="give the older commit first" if turned else "see 'git merge-base' for one",
            field="good",
        )
    words = ("log", "--first-parent", "--reverse", "--no-show-signature", "-z",
             "--format=%H%x1f%s%x1f%an%x1f%cI")  # fmt: skip
    first = _git(repo, *words, "-1", ends[0])
    rest = _git(repo, *words, f"{ends[0]}..{ends[1]}")
    found = [row.split("\x1f") for row in (first + rest).split("\0") if row]
    return [Commit(sha=row[0], subject=row[1], author=row[2], date=row[3]) for row in found]


@contextmanager
def worktree(repo: Path, commit: str) -> Iterator[Worktree]:
    """A folder of its own to check commits out in, ``commit`` first; it is gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="graven-bisect-"))
    try:
        add = ("worktree", "add", "--detach", "--no-checkout", "--quiet")
        _git(repo, *add, str(place / "tree"), commit)  # the branch checked out may have none yet
        yield Worktree(repo, place / "tree")
    finally:
        # No `worktree prune`: it forgets the person's own worktrees on disks that are away.
        words = ("worktree", "remove", "--force", "--force", str(place / "tree"))
        with suppress(BackendUnavailable):  # git may be the reason why we are here
            _git(repo, *words)
        shutil.rmtree(place, ignore_errors=True)
        with suppress(BackendUnavailable):  # of what is gone git only drops its own notes
            _git(repo, *words)


class Worktree:
    """Checks out commits, and runs a command in each."""

    def __init__(self, repo: Path, path: Path) -> None:
        top = Path(_git(repo, "rev-parse", "--show-toplevel").removesuffix("\n"))
        self.path = path
        # The command runs where the person stands, in the other tree.
        self.inside = repo.resolve().relative_to(top.resolve()).as_posix()

    @property
    def folder(self) -> Path:
        """Where commands run."""
        inside = self.path / self.inside
        return inside if inside.is_dir() else self.path

    def check_out(self, sha: str) -> None:
        """Put a commit's files there, and nothing that an earlier command left."""
        _git(self.path, "checkout", "--quiet", "--force", "--detach", sha)
        # Forced twice: repositories that a command cloned into the tree go too.
        _git(self.path, "clean", "--quiet", "--force", "--force", "-d", "-x")

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], timeout: float | None
    ) -> Ran:
        """Run a command there; the end of its output is kept only if it fails.

        Whatever it started ends with it where it takes too long or we are interrupted: it
        would disturb what is measured next.

        Raises:
            InvalidInput: there is no such command, which no other commit will change.
        """
        begin = clock.monotonic()
        try:
            code, output = _run_group(
                command, self.folder, {**git_free_environment(), **environment}, timeout
            )
        except subprocess.TimeoutExpired:
            return Ran(seconds=clock.monotonic() - begin, error=f"took over {timeout:g} s")
        except OSError as error:
            if shutil.which(command[0]):
                return Ran(seconds=0.0, error=f"cannot be run: {error.strerror or error}")
            if "/" in command[0]:  # a file of the tree, which this commit may not have
                return Ran(seconds=0.0, error=f"no such command: {command[0]}")
            raise InvalidInput(
                f"no such command: {command[0]!r}", kind="no-command", field="command"
            ) from None
        seconds = clock.monotonic() - begin
        if code == 0:
            return Ran(seconds=seconds, error=None)
        tail = output.decode(errors="replace")[-_TAIL:].strip()
        return Ran(seconds=seconds, error=f"exit code {code}\n{tail}".strip())


def _run_group(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float | None
) -> tuple[int, bytes]:
    """Exit code and output of a command, which gets a process group of its own."""
    with subprocess.Popen(
        list(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=_GROUPS,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException:
            _end_group(process)
            raise
        return process.returncode, output


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started; politely first."""
    if not _GROUPS:
        process.kill()
        return
    with suppress(ProcessLookupError):  # all of them are gone
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):  # it does not listen
            process.wait(timeout=_GRACE)
        os.killpg(process.pid, signal.SIGKILL)


def git_free_environment() -> dict[str, str]:
    """The person's environment, less what would lead git to another repository."""
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}


def _commit_of(repo: Path, rev: str) -> str:
    if not repo.is_dir() or not _succeeds(repo, "rev-parse", "--show-toplevel"):
        raise InvalidInput(
            f"no git checkout at {str(repo)!r}",
            kind="bad-repository",
            hint="run it inside the checkout, or name one with --repo",
            file=repo,
        )
    if rev.startswith("-") or not _succeeds(
        repo, "rev-parse", "--verify", "-q", f"{rev}^{{commit}}"
    ):
        raise NotFound(f"git knows no commit {rev!r}", kind="commit-missing", revision=rev)
    return _git(repo, "rev-parse", "--verify", "-q", f"{rev}^{{commit}}").strip()


def _succeeds(repo: Path, *words: str) -> bool:
    return _run_git(repo, words).returncode == 0


def _git(repo: Path, *words: str) -> str:
    done = _run_git(repo, words)
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(
            f"git {words[0]} failed in {str(repo)!r}: {text[-1] if text else 'no message'}",
            kind="git-failed",
            file=repo,
        )
    return done.stdout.decode(errors="replace")


def _run_git(repo: Path, words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *words],
            cwd=repo,
            env={**git_free_environment(), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise BackendUnavailable(
            "git is not installed", kind="git-missing", hint="install git"
        ) from None
    except subprocess.TimeoutExpired:
        raise BackendUnavailable(
            f"git {words[0]} took over {GIT_SECONDS:.0f} s", kind="git-timeout", file=repo
        ) from None
