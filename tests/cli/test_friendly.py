"""Words of other tools, names as they are shown, and answers that fit a terminal."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from graven.cli.render.blocks import Table
from graven.cli.render.terminal import TerminalWriter

HYPERFINE = Path(__file__).parents[1] / "ingest" / "data" / "hyperfine.json"


@pytest.mark.parametrize(
    ("typed", "meant"), [("diff", "compare"), ("delete", "rm"), ("list", "log"), ("du", "stats")]
)
def test_a_word_of_another_tool_is_understood(call, typed, meant):
    answer = call(typed)
    assert answer.code == 2
    assert answer.err.startswith(f"graven: no such command: {typed!r}; did you mean {meant!r}?\n")


def test_help_of_a_command_as_git_has_it(call):
    assert call("help", "bundle", "create").out == call("bundle", "create", "--help").out
    assert call("help").out == call("--help").out
    assert call("help", "nope").code == 2


def test_groups_take_the_words_of_each_other(call, store):
    store.set_baseline("r1")
    assert call("baseline", "list").out == call("baseline").out != ""
    assert call("tag", "list", "--json").code == 0
    assert call("baseline", "remove", "main").code == 0
    assert call("baseline").out == ""
    call("remote", "add", "lab", "../lab")
    assert call("remote", "rm", "lab").code == 0
    answer = call("baseline", "histroy")
    assert answer.err.startswith(
        "graven: no such command: 'histroy'; 'graven baseline' has history"
    )


def test_an_option_that_is_not_there_names_near_ones_as_commands_do(call):
    assert call("log", "--brnch", "x").err.startswith(
        "graven: no such option: '--brnch'; did you mean '--branch'?\n"
    )


def test_a_point_is_found_by_the_name_that_it_is_shown_with(call, store):
    assert len(call("trend", "time", "linalg/matmul").rows()) == 3
    assert call("trend", "time", "linalg/*").out == call("trend", "time", "matmul").out
    assert call("show", "r1", "-p", "linalg/mat*").out == call("show", "r1", "-p", "matmul").out


def test_series_of_other_branches_are_no_answer(call, store, a_run):
    store.save(a_run(4, branch="spike"))
    assert len(call("trend", "time", "-b", "spike").rows()) == 1
    answer = call("trend", "time", "-b", "spiek")
    assert (answer.code, answer.out) == (3, "")
    assert "no run of branch 'spiek'" in answer.err


def test_values_of_several_branches_are_compared_each_with_its_own(call, store, a_run):
    store.save(a_run(4, time=9.0, branch="spike"))
    store.save(a_run(5, time=1.5))  # as r3, the one before it on main
    shown = call("trend", "time", "--color", "always").out
    assert "2 branches" in shown
    assert "spike" in shown
    assert "500.0%" not in shown.replace("+", "")
    assert "-83.3%" not in shown
    assert [row[-1] for row in call("trend", "time").rows()] == ["main"] * 3 + ["spike", "main"]
    assert "branches" not in call("trend", "time", "-b", "main", "--color", "always").out


def test_a_limit_of_nothing_does_not_say_that_there_are_no_runs(call, store):
    assert call("log", "-n", "0").err == "no run fits\n"


def test_keep_top_alone_says_what_it_needs(call, store):
    assert "hint: --rank METRIC --keep-top N" in call("prune", "--keep-top", "2", "-n").err


def test_what_was_ingested_stands_in_a_line_each(call, store, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    deep = tmp_path / ("a-folder-with-a-long-name-" * 3)
    deep.mkdir()
    for name in ("one.json", "two.json"):
        shutil.copy(HYPERFINE, deep / name)
    answer = call("ingest", str(deep), "--no-git", "--color", "always")
    assert len(answer.out.splitlines()) == 3  # titles, and a line for each
    assert "one.json" in answer.out
    assert "two.json" in answer.out


def test_paths_are_cut_at_their_beginning(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    table = Table("run", "<file")
    table.add("12345678", "results/2026/one.json")
    stream = io.StringIO()
    TerminalWriter(stream, colored=False).table(table)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines[1] in ("12345678  …/one.json", "12345678  ...ne.json")


def test_a_store_without_settings_says_so(call, store):
    assert call("config").err.startswith("no settings yet; ")


def test_an_unknown_setting_is_kept_with_a_warning(call, store):
    answer = call("config", "repck.auto", "5")
    assert answer.code == 0
    assert (
        "warning: graven knows no setting 'repck.auto'; did you mean 'repack.auto'?" in answer.err
    )
    assert "warning" not in call("config", "thresholds.time", "10%").err
    assert json.loads(call("config", "--json").out)["settings"]["repck.auto"] == 5


def test_a_project_folder_means_the_store_in_it(call, store, tmp_path):
    assert call("-C", str(tmp_path), "log").out == call("log").out != ""
    (tmp_path / "empty").mkdir()
    assert call("-C", str(tmp_path / "empty"), "log").code == 3


def test_init_makes_the_store_where_it_was_told_to(call, store, tmp_path):
    assert call("init", "-C", str(tmp_path / "there")).code == 0
    assert (tmp_path / "there" / "store.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--branch", "mian"), "no run has a branch 'mian'; did you mean 'main'?"),
        (("--experiment", "x"), "no run has an experiment 'x'"),
        (("--branch", "main", "--since", "2030-01-01"), "no run fits"),
        (("--commit", "ffff"), "no run fits"),
    ],
)
def test_an_empty_log_says_which_label_no_run_has(call, store, words, said):
    answer = call("log", *words)
    assert (answer.code, answer.out, answer.err) == (0, "", said + "\n")


def test_show_of_a_metric_that_the_run_does_not_have(call, store):
    answer = call("show", "r1", "-m", "tiem")
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == "graven: run r1 has no metric 'tiem'\nhint: did you mean 'time'?\n"
    assert call("show", "r1", "-m", "time").code == 0
