"""What a person is told who mistyped a name, or looked for it in the wrong place."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def kept(store, tmp_path):
    """The store, with a folder beside r1."""
    (tmp_path / "model" / "vocab").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_text("{}\n")
    (tmp_path / "model" / "vocab" / "words.txt").write_text("a\n")
    store.attach("r1", "artifacts/model", tmp_path / "model")
    store.attach("r1", "logs/train.txt", b"epoch 1\n")
    return store


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "latst"), "did you mean 'latest'?"),
        (("show", "rele-1.4"), "did you mean 'rel-1.4'?"),
        (("show", "12ab"), "8 digits of an id are needed at least; 'graven log' has them"),
        (("show", "tags/rel-1.5"), "did you mean 'rel-1.4'?"),
        (("compare",), "no baseline 'main' is set: 'graven baseline set main REV' does that"),
        (("show", "latest@spike"), "'graven log' lists the runs"),
        (("show", "latest~9"), "'graven log' lists the runs"),
        (("show", "quite another"), "'graven log' lists the runs; 'graven baseline' and"),
        (("cat", "r1", "logs/trian.txt"), "did you mean 'logs/train.txt'?"),
        (
            ("cat", "r1", "artifacts/model/config.json"),
            "'artifacts/model' is a folder: 'graven cat r1 artifacts/model --path config.json'",
        ),
        (("cat", "r1", "results/none"), "'graven show r1' lists them"),
        (("cat", "r2", "results/none"), "nothing is attached to it; 'graven attach' does that"),
        (
            ("cat", "r1", "artifacts/model", "--path", "config.jsn"),
            "there is config.json, vocab/words.txt",
        ),
        (("attach", "r1", "artifact/x", "-"), "such as 'artifacts/x'"),
        (("attach", "r1", "x.bin", "-"), "such as 'artifacts/x.bin'"),
        (("attach", "r1", "log/x", "-"), "such as 'logs/x'"),
    ],
)
def test_the_hint_says_what_may_have_been_meant(call, kept, words, hint):
    kept.tags.set("rel-1.4", "r2")
    answer = call(*words)
    assert answer.code in (2, 3)
    assert f"hint: {hint}" in answer.err
    if "--path" not in words:  # which --json does not open
        assert json.loads(call(*words, "--json").err)["hint"].startswith(hint)


def test_a_store_with_nothing_in_it_has_nothing_near(call, tmp_path):
    call("init")
    assert "hint: 'graven ingest FILE' saves one" in call("show").err
    assert "hint: 'graven log' lists the runs" in call("show", "nope").err
