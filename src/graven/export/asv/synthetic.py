"""A git repository that stands in for the real one, so that runs without it can be published.

asv takes the order of results, and which of them there are, from git alone. Here every
commit that a run names (or every run that names none) becomes an empty commit of a bare
repository in the export's folder: one line for each branch, in the order of time. The
commits' ids follow from what the runs say, so that exporting again moves nothing.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from graven import clock
from graven.errors import BackendUnavailable, InvalidInput
from graven.export.asv.git import MAX_BRANCHES, git_environment
from graven.export.asv.names import distinct, safe_name
from graven.ids import new_nonce

REPOSITORY = "repo.git"
DEFAULT_BRANCH = "main"
REST_BRANCH = "other-branches"  # of what is left when asv's graphs have enough branches
TIMEOUT_S = 600.0
_MARK = "graven.synthetic"  # key in the repository's own config: this one is ours
_WHO = "graven <>"
_BRANCH_LIMIT = 80
_WHOLE_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Moment:
    """A commit to be made.

    Attributes:
        label: what the runs are grouped by: the commit they name, or a run's own id.
        when: the commit's time where a run knows it, else the first run's.
        branch: of the newest run that names one.
        about: a line for people: whose commit it stands for.
    """

    label: str
    when: datetime
    branch: str | None
    about: str


@dataclass(frozen=True, slots=True)
class Synthetic:
    """What was made: label to commit (40 hex digits), and the branches, most used first."""

    path: Path
    commits: Mapping[str, str]
    branches: tuple[str, ...]


def make_repository(folder: Path, moments: Iterable[Moment]) -> Synthetic:
    """Make ``repo.git`` in an export's folder, or bring the one that is there up to date.

    Raises:
        InvalidInput: there is another repository, or something else, of that name.
        BackendUnavailable: git is missing or failed.
    """
    path = folder.resolve() / REPOSITORY  # git is run inside it
    if path.exists():
        _check_ours(path)
    else:
        _create(path)
    lines = _lines(moments)
    marks = path / f"graven-marks-{new_nonce()}"
    script = b"".join(_script(lines))
    try:
        _git(path, "fast-import", "--quiet", "--force", f"--export-marks={marks}", stdin=script)
        ids = dict(line.split(" ") for line in marks.read_text(encoding="ascii").splitlines())
    except OSError as error:
        raise BackendUnavailable(
            f"cannot read what git made at {str(path)!r}: {error.strerror or error}",
            kind="export-failed",
            file=path,
        ) from error
    finally:
        marks.unlink(missing_ok=True)
    _remove_other_branches(path, lines)
    numbered = [moment for line in lines.values() for moment in line]
    return Synthetic(
        path,
        {moment.label: ids[f":{number}"] for number, moment in enumerate(numbered, 1)},
        tuple(lines),
    )


def _lines(moments: Iterable[Moment]) -> dict[str, list[Moment]]:
    """Branch (a name that git takes) to its commits, oldest first."""
    every = sorted(moments, key=lambda moment: (clock.micros(moment.when), moment.label))
    counts = Counter(moment.branch or DEFAULT_BRANCH for moment in every)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    chosen = ranked if len(ranked) <= MAX_BRANCHES else ranked[: MAX_BRANCHES - 1]
    names = distinct(chosen, _ref_name, limit=_BRANCH_LIMIT, reserved=[REST_BRANCH], fold_case=True)
    lines: dict[str, list[Moment]] = {names[branch]: [] for branch in chosen}
    for moment in every:
        name = names.get(moment.branch or DEFAULT_BRANCH, REST_BRANCH)
        lines.setdefault(name, []).append(moment)
    return lines


def _ref_name(branch: str) -> str:
    """A branch's name with nothing in it that git, or asv's split at spaces, trips over."""
    name = safe_name(branch.replace("/", "-")).replace("[", "_").replace("]", "_")
    while ".." in name:
        name = name.replace("..", ".")
    # What CI calls the branch of a detached checkout means something else to git.
    taken = name == "HEAD" or _WHOLE_HASH.fullmatch(name)
    return f"{name}_" if taken or name.endswith((".", ".lock")) else name


def _script(lines: Mapping[str, Sequence[Moment]]) -> Iterable[bytes]:
    """The stream that `git fast-import` reads; its format is that of git-fast-import(1)."""
    mark = 0
    for branch, moments in lines.items():
        # The line begins anew: an earlier export's commits are no parents of this one's.
        yield f"reset refs/heads/{branch}\n".encode()
        previous = 0
        for moment in moments:
            mark += 1
            seconds = max(clock.micros(moment.when) // 1_000_000, 0)  # git knows none before 1970
            message = moment.about.encode("utf-8", "replace")
            yield f"commit refs/heads/{branch}\nmark :{mark}\n".encode()
            yield f"author {_WHO} {seconds} +0000\ncommitter {_WHO} {seconds} +0000\n".encode()
            yield b"data %d\n%s\n" % (len(message), message)
            if previous:
                yield f"from :{previous}\n".encode()
            previous = mark
    yield b"done\n"


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _git(path.parent, "init", "--quiet", "--bare", f"--initial-branch={DEFAULT_BRANCH}", path.name)
    _git(path, "config", _MARK, "true")


def _check_ours(path: Path) -> None:
    mine = path.is_dir() and _git(path, "config", "--local", "--default=", _MARK).strip()
    if mine != b"true":
        raise InvalidInput(
            f"{str(path)!r} is there, and graven did not make it",
            kind="not-ours",
            hint="export into another folder, or give the real repository with --repo",
            file=path,
        )


def _remove_other_branches(path: Path, lines: Mapping[str, object]) -> None:
    found = _git(path, "for-each-ref", "--format=%(refname)", "refs/heads").decode()
    gone = [ref for ref in found.split() if ref.removeprefix("refs/heads/") not in lines]
    if gone:
        _git(path, "update-ref", "--stdin", stdin="".join(f"delete {r}\n" for r in gone).encode())
    first = next(iter(lines), DEFAULT_BRANCH)
    _git(path, "symbolic-ref", "HEAD", f"refs/heads/{first}")


def _git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=git_environment(),
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise BackendUnavailable(
            "git is not installed", kind="git-missing", hint="install git"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendUnavailable(
            f"git {words[0]} failed in {str(folder)!r}: {error}", kind="git-failed", file=folder
        ) from error
    if done.returncode != 0:
        text = done.stderr.decode(errors="replace").strip().splitlines()
        raise BackendUnavailable(
            f"git {words[0]} failed in {str(folder)!r}: {text[0] if text else 'no message'}",
            kind="git-failed",
            file=folder,
        )
    return done.stdout
