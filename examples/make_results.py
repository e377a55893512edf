"""Make examples/results: a small project measured at six commits by real tools.

    [CALIBRAX_PYTHON=python3.12] python examples/make_results.py WORK_FOLDER

Needs hyperfine and git on the path, and pytest-benchmark, pyperf, google-benchmark, asv
and virtualenv beside the python that runs it. The project counts words; its last commit
makes it slower. Everything measured is kept as it was; only the host's name and the
folders of the machine are written over, and machine properties that name a host.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
OUT = HERE / "results"
PYTHON = sys.executable
BIN = Path(PYTHON).parent
HOST = "demo-box"

COUNT = {
    "words: count with a dict": """
        counts = {}
        for word in text.split():
            counts[word] = counts.get(word, 0) + 1
        return counts""",
    "words: use Counter": """
        return dict(Counter(text.split()))""",
    "words: lower case first": """
        return dict(Counter(text.lower().split()))""",
    "words: keep a local name": """
        words = text.lower().split()
        return dict(Counter(words))""",
    "words: return the counter itself": """
        return Counter(text.lower().split())""",
    # The regression: a regular expression a word.
    "words: strip punctuation": """
        return Counter(re.sub(r"\\W+", "", word) for word in text.lower().split())""",
}
MODULE = '''"""Count words."""

import re
import sys
from collections import Counter

TEXT = "the quick brown fox jumps over the lazy dog and runs away " * 50


def count(text):{body}


def top(text, n):
    return sorted(count(text).items(), key=lambda item: -item[1])[:n]


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        count(TEXT)
'''
PYTEST = """import pytest

import words


@pytest.mark.parametrize("size", [1, 10])
def test_count(benchmark, size):
    benchmark.pedantic(words.count, args=(words.TEXT * size,), rounds=12, iterations=5)


def test_top(benchmark):
    benchmark.pedantic(words.top, args=(words.TEXT, 3), rounds=12, iterations=5)
"""
PYPERF = """import pyperf

import words

runner = pyperf.Runner(processes=3, values=4, loops=64)
runner.metadata["description"] = "words"
runner.bench_func("count", words.count, words.TEXT)
runner.bench_func("top", words.top, words.TEXT, 3)
"""
GOOGLE = """import google_benchmark as benchmark

import words


@benchmark.register
@benchmark.option.arg(1)
@benchmark.option.arg(10)
def count(state):
    text = words.TEXT * state.range(0)
    while state:
        words.count(text)
    state.counters["words"] = len(text.split())


if __name__ == "__main__":
    benchmark.main()
"""
CALIBRAX = """import sys
import timeit

import words
from calibrax.core.models import Metric, MetricDef, MetricDirection, Point, Run
from calibrax.storage.store import Store

TIMES = timeit.repeat(lambda: words.count(words.TEXT), number=20, repeat=10)
SAMPLES = tuple(t / 20 for t in TIMES)
run = Run(
    points=(Point(name="count", scenario="words", tags={"size": "1"},
                  metrics={"time": Metric(value=sorted(SAMPLES)[5], samples=SAMPLES)}),),
    commit=sys.argv[1], branch="main", environment={"machine": "demo-box"},
    metric_defs={"time": MetricDef(name="time", unit="s", direction=MetricDirection.LOWER)},
)
Store(sys.argv[2]).save(run)
"""
ASV = """import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # asv takes PYTHONPATH away
import words


class Count:
    params = [1, 10]
    param_names = ["size"]
    repeat = 8
    rounds = 1
    sample_time = 0.005

    def setup(self, size):
        self.text = words.TEXT * size

    def time_count(self, size):
        words.count(self.text)


def track_distinct():
    return len(words.count(words.TEXT))


track_distinct.unit = "words"
"""
ASV_CONF = {
    "version": 1, "project": "words", "repo": ".", "branches": ["main"],
    "environment_type": "existing", "benchmark_dir": "asv_benchmarks",
    "results_dir": "asv_results",
}  # fmt: skip


def run(*words, cwd, **more):
    done = subprocess.run(words, cwd=cwd, text=True, capture_output=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def git(repo, *words, **env):
    return run("git", *words, cwd=repo, env={**os.environ, **env}).strip()


def write_project(repo, body):
    (repo / "words.py").write_text(MODULE.format(body="".join(
        line.replace("        ", "    ", 1) if line.startswith("        ") else line
        for line in body.splitlines(keepends=True)
    )))  # fmt: skip


def commit(repo, number, subject):
    when = f"2026-11-{10 + number:02}T09:00:00+00:00"
    who = {"GIT_AUTHOR_NAME": "Demo", "GIT_AUTHOR_EMAIL": "demo@example.invalid"}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", subject,
        GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when, **who)  # fmt: skip
    return git(repo, "rev-parse", "HEAD"), when


def measure(repo, number, commit_id, when):
    name = f"{number}-{commit_id[:8]}"
    for folder in ("pytest-benchmark", "hyperfine", "pyperf", "google-benchmark"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)
    run(PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_words.py",
        f"--benchmark-json={OUT}/pytest-benchmark/{name}.json", cwd=repo)  # fmt: skip
    run("hyperfine", "--warmup", "1", "--runs", "8", "-L", "n", "50,500",
        "-n", "words {n}", f"{PYTHON} words.py {{n}}",
        "--export-json", f"{OUT}/hyperfine/{name}.json", cwd=repo)  # fmt: skip
    suite = OUT / "pyperf" / f"{name}.json"
    suite.unlink(missing_ok=True)
    run(PYTHON, "bench_words.py", "-q", "-o", str(suite), cwd=repo)
    data = json.loads(suite.read_text())  # pyperf leaves the commit to its runner, pyperformance
    data["metadata"] |= {"commit_id": commit_id, "commit_branch": "main", "commit_date": when}
    suite.write_text(json.dumps(data))
    run(PYTHON, "gb_words.py", "--benchmark_repetitions=4", "--benchmark_min_time=0.01s",
        f"--benchmark_out={OUT}/google-benchmark/{name}.json", "--benchmark_out_format=json",
        cwd=repo)  # fmt: skip
    run(str(BIN / "asv"), "run", "--record-samples", "--machine", HOST, "-E", f"existing:{PYTHON}",
        "--set-commit-hash", commit_id, cwd=repo)  # fmt: skip
    if calibrax := os.environ.get("CALIBRAX_PYTHON"):  # it needs Python 3.12
        run(calibrax, "bench_calibrax.py", commit_id, "calibrax", cwd=repo)
        (OUT / "calibrax").mkdir(exist_ok=True)
        newest = max((repo / "calibrax" / "runs").iterdir(), key=lambda p: p.stat().st_mtime_ns)
        newest.rename(OUT / "calibrax" / f"{name}.json")


def anonymise():
    """Write over what names this machine; no number is touched."""
    for path in OUT.rglob("*.json"):
        text = path.read_text()
        text = text.replace(f'"{socket.gethostname()}"', f'"{HOST}"')
        for folder in (str(BIN.parent), str(Path(sys.base_prefix)), str(Path.home())):
            text = text.replace(folder, "/home/ci")
        text = re.sub(r'("executable": ")[^"]*/', r"\1", text)
        text = re.sub(r'"(release|platform)": ?"(Linux-)?\d[^"-]*[^"]*"', _release, text)
        path.write_text(text)
    for path in (OUT / "asv").rglob("*.json"):
        path.write_text(re.sub(r"existing-[\w.-]*bin_python", "existing-python", path.read_text()))
    for path in sorted((OUT / "asv" / HOST).glob("*-existing-*")):
        path.rename(path.with_name(re.sub(r"existing-.*bin_python", "existing-python", path.name)))


def _release(match):
    tail = "-x86_64-with-glibc2.36" if match[1] == "platform" else ""
    return f'"{match[1]}": "{match[2] or ""}6.1.0{tail}"'


def main():
    repo = Path(sys.argv[1]) / "words"
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.rmtree(repo, ignore_errors=True)
    repo.mkdir(parents=True)
    (repo / "asv_benchmarks").mkdir()
    (repo / "asv_benchmarks" / "__init__.py").touch()
    (repo / "asv_benchmarks" / "bench.py").write_text(ASV)
    for name, text in {"test_words.py": PYTEST, "bench_words.py": PYPERF, "gb_words.py": GOOGLE,
                       "bench_calibrax.py": CALIBRAX,
                       ".gitignore": "asv_results\ncalibrax\n__pycache__\n.*\n",
                       "asv.conf.json": json.dumps(ASV_CONF)}.items():  # fmt: skip
        (repo / name).write_text(text)
    os.environ["PYTHONPATH"] = str(repo)
    git(repo, "init", "-q", "-b", "main")
    run(str(BIN / "asv"), "machine", "--yes", "--machine", HOST, cwd=repo)
    for number, (subject, body) in enumerate(COUNT.items(), 1):
        write_project(repo, body)
        measure(repo, number, *commit(repo, number, subject))
        print(number, subject)
    shutil.copytree(repo / "asv_results", OUT / "asv")
    anonymise()
    git(repo, "bundle", "create", "-q", str(HERE / "words.bundle"), "main")


if __name__ == "__main__":
    main()
