"""A small git repository with fixed dates, and a real asv where there is one."""

from __future__ import annotations

import pytest
from asv_tools import DAY, FIRST_COMMIT, Asv, Project, find_asv, git


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    path = tmp_path_factory.mktemp("project")
    git(path, "init", "-q", "-b", "main")
    made = Project(path)
    clock = iter(range(FIRST_COMMIT, FIRST_COMMIT + 100 * DAY, DAY))

    def commit(message: str) -> str:
        git(path, "commit", "-q", "--allow-empty", "-m", message, when=next(clock))
        return git(path, "rev-parse", "HEAD")

    made.main += [commit(f"c{n}") for n in range(4)]
    git(path, "checkout", "-q", "-b", "feature")
    made.feature += [commit("f0"), commit("f1")]
    git(path, "checkout", "-q", "--detach", "main")
    made.tagged = commit("release")
    git(path, "tag", "-a", "v1", "-m", "v1", when=next(clock))
    git(path, "checkout", "-q", "-b", "side", "main")
    made.side = commit("side")
    git(path, "checkout", "-q", "main")
    made.main += [commit("c4"), commit("c5")]
    git(path, "merge", "-q", "--no-ff", "-m", "merge", "side", when=next(clock))
    made.main.append(git(path, "rev-parse", "HEAD"))
    git(path, "branch", "-q", "-D", "side")
    return made


@pytest.fixture(scope="session")
def asv(tmp_path_factory: pytest.TempPathFactory) -> Asv:
    executable = find_asv()
    if executable is None:
        pytest.skip("asv is not installed: what real asv makes of an export is not tested")
    return Asv(executable, tmp_path_factory.mktemp("home"))
