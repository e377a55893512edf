"""A small history with measurements: the repository and the result files of the demo.

    python story.py repo DIR       the git repository, commit by commit (git is all it needs)
    python story.py measure        measure every commit anew into results/ (needs pytest-benchmark)

Authors and dates are fixed, so the repository has the same commit ids wherever it is
made, and the result files, which name their commits, belong to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

TEST = """\
import random

import pytest
from wordcount import count_words, top_words

WORDS = [f"word{n}" for n in range(400)]


def text(size):
    return " ".join(random.Random(1).choices(WORDS, k=size)) + "."


@pytest.mark.parametrize("size", [1_000, 20_000])
def test_count_words(benchmark, size):
    counts = benchmark(count_words, text(size))
    assert sum(counts.values()) == size


def test_top_words(benchmark):
    assert len(benchmark(top_words, text(5_000), 10)) == 10
"""

FIRST = """\
def count_words(text):
    counts = {}
    for word in text.split():
        word = word.strip(".,;:!?").lower()
        if word not in counts:
            counts[word] = 0
        counts[word] = counts[word] + 1
    return counts


def top_words(text, limit):
    counts = count_words(text)
    return sorted(counts, key=counts.get, reverse=True)[:limit]
"""

COUNTER = """\
from collections import Counter


def count_words(text):
    return Counter(word.strip(".,;:!?").lower() for word in text.split())


def top_words(text, limit):
    return [word for word, _ in count_words(text).most_common(limit)]
"""

LOWER_ONCE = COUNTER.replace(
    'word.strip(".,;:!?").lower() for word in text.split()',
    'word.strip(".,;:!?") for word in text.lower().split()',
)

TRANSLATE = """\
from collections import Counter

MARKS = str.maketrans("", "", ".,;:!?")


def count_words(text):
    return Counter(text.lower().translate(MARKS).split())


def top_words(text, limit):
    return [word for word, _ in count_words(text).most_common(limit)]
"""

DOCUMENTED = '"""Count the words of a text."""\n\n' + TRANSLATE

UNICODE = '''\
"""Count the words of a text."""

import re
import unicodedata
from collections import Counter

WORD = re.compile(r"[^\\W_]+")


def count_words(text):
    words = WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return Counter(unicodedata.normalize("NFC", word) for word in words)


def top_words(text, limit):
    return [word for word, _ in count_words(text).most_common(limit)]
'''

COMMITS = [  # day of March 2026, subject, wordcount.py
    (2, "count words", FIRST),
    (3, "count with Counter", COUNTER),
    (5, "lower the text once", LOWER_ONCE),
    (9, "drop marks with translate", TRANSLATE),
    (10, "say what the module does", DOCUMENTED),
    (12, "find words by the rules of Unicode", UNICODE),
]


def make_repo(folder: Path, upto: int = len(COMMITS)) -> list[str]:
    """Make the repository with its first ``upto`` commits; return their ids."""
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for day, subject, source in COMMITS[:upto]:
        (folder / "wordcount.py").write_text(source)
        (folder / "test_speed.py").write_text(TEST)
        date = f"2026-03-{day:02d}T12:00:00+00:00"
        _git(folder, "add", "wordcount.py", "test_speed.py", date=date)
        _git(folder, "commit", "--quiet", "--no-verify", "--message", subject, date=date)
    return _git(folder, "log", "--reverse", "--format=%H").split()


def measure() -> None:
    """Run the benchmarks at every commit; one file each, in the order of history."""
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        repo = Path(scratch) / "wordcount"
        for number, commit in enumerate(make_repo(repo), 1):
            _git(repo, "checkout", "--quiet", "-B", "main", commit)
            out = results / f"{number:02d}-{commit[:7]}.json"
            subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                    *("--benchmark-disable-gc", "--benchmark-warmup=on"),
                    *(
                        "--benchmark-max-time=0.4",
                        "--benchmark-min-time=0.008",
                        "--benchmark-min-rounds=20",
                    ),
                    f"--benchmark-json={out}",
                ],
                cwd=repo,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                check=True,
            )


def _git(folder: Path, *arguments: str, date: str = "") -> str:
    """Run git as if on a fresh account, so that no setting of this one changes a commit id."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "Ada", f"GIT_{role}_EMAIL": "ada@example.org"}
        environment |= {f"GIT_{role}_DATE": date} if date else {}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["repo", folder]:
            print("\n".join(make_repo(Path(folder))))
        case ["measure"]:
            measure()
        case _:
            sys.exit(__doc__)
