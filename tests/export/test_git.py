from __future__ import annotations

import subprocess

import pytest
from asv_tools import DAY, FIRST_COMMIT, Project, git

from graven.errors import BackendUnavailable
from graven.export.asv.git import Repository, read_commit


def test_the_first_parent_line_has_author_dates(project: Project):
    line = Repository(project.path).first_parent_line("main")
    assert list(line) == project.main[::-1]
    assert line[project.main[2]] == (FIRST_COMMIT + 2 * DAY) * 1000


def test_tags_are_followed_to_their_commits(project: Project):
    assert Repository(project.path).tagged() == {project.tagged}


def test_the_top_folder_is_found_from_below(project: Project):
    below = project.path / "below"
    below.mkdir(exist_ok=True)
    assert Repository(below).path == project.path


def test_a_prefix_of_several_commits_is_not_expanded(project: Project):
    repository = Repository(project.path)
    repository._all = ["abcd1" + "0" * 35, "abcd2" + "0" * 35]
    assert repository.expand("abcd") == (None, "the repository has several such commits")
    assert repository.expand("abcd2")[0] == "abcd2" + "0" * 35


def test_a_ci_checkout_has_its_branches_from_the_remote(project: Project, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project.path), str(clone))
    git(clone, "checkout", "-q", "--detach", "origin/main")
    git(clone, "branch", "-q", "-D", "main")
    chosen = Repository(clone).choose_branches(["gone", "feature"], {project.feature[-1]})
    assert chosen == ["HEAD", "origin/feature"]


def test_an_empty_repository_follows_head(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    assert Repository(tmp_path).choose_branches(["main"], {"a" * 40}) == ["HEAD"]


def test_a_bare_clone_serves(project: Project, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(project.path), "bare.git")
    repository = Repository(tmp_path / "bare.git")
    assert repository.path == tmp_path / "bare.git"
    assert list(repository.first_parent_line("main")) == project.main[::-1]


@pytest.mark.parametrize(
    ("raised", "kind"),
    [(FileNotFoundError(), "git-missing"), (subprocess.TimeoutExpired("git", 1), "git-timeout")],
)
def test_git_that_is_missing_or_hangs_is_said(project: Project, monkeypatch, raised, kind):
    def run(*_args, **_options):
        raise raised

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(BackendUnavailable) as caught:
        Repository(project.path)
    assert caught.value.kind == kind


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"])
def test_a_hook_s_variables_do_not_lead_elsewhere(project: Project, monkeypatch, variable):
    monkeypatch.setenv(variable, "/nowhere")
    assert Repository(project.path).path == project.path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ABCDEF12", "abcdef12"),
        (" abcd\n", "abcd"),
        ("abc", None),
        ("a" * 41, None),
        ("abcd^{tree}", None),
        ("--all", None),
        ("", None),
        (None, None),
    ],
)
def test_read_commit(text, expected):
    assert read_commit(text) == expected
