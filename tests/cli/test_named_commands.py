"""Every call of graven that a hint, a help text or a page names is one that graven takes."""

from __future__ import annotations

import ast
import re
import shlex
from itertools import takewhile
from pathlib import Path

import click
import pytest

from graven.cli.main import PROGRAM, root

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "graven").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# 'graven check' in a message, ``graven log`` in a docstring, `graven rm` on a page.
QUOTED = re.compile(r"(?<![\w'`])('|``|`)graven ([^'`]+?)\1(?!\w)", re.DOTALL)
EXAMPLE = re.compile(r"(?m)(?:^\$ |^  |\A)graven ([^\n]+)$")


def texts_of(path):
    """String literals; what an f-string puts in stands as the word ``x``."""
    inside = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            inside.update(map(id, node.values))
            parts = (v.value if isinstance(v, ast.Constant) else "x" for v in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(getattr(node, "value", None), str) and id(node) not in inside:
            yield node.lineno, node.value


def calls_in_sources():
    for path in SOURCES:
        for line, text in texts_of(path):
            for found in QUOTED.finditer(text):
                yield f"{path.relative_to(ROOT)}:{line}", found[2]
            if "/cli/" in path.as_posix():
                for found in EXAMPLE.finditer(text):
                    yield f"{path.relative_to(ROOT)}:{line}", found[1]


def calls_on_pages():
    for path in PAGES:
        text = path.read_text("utf-8")
        for pattern, group in ((QUOTED, 2), (EXAMPLE, 1)):
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{path.relative_to(ROOT)}:{line}", found[group]


def words_of(call):
    """The words up to a pipe, a redirection or a comment; what is quoted has none of these."""
    lexer = shlex.shlex(" ".join(call.split()), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = takewhile(lambda word: word[0] not in "|&;<>#" if word else True, lexer)
    return [word for word in words if word != "..."]


def fault_of(words):
    """What is wrong with a call, or None; nothing is run."""
    context = click.Context(root, info_name=PROGRAM)
    command, name = root, PROGRAM
    try:
        while isinstance(command, click.Group):
            _, words, _ = command.make_parser(context).parse_args(list(words))
            if not words:
                return None  # all of ours answer alone
            found = command.get_command(context, words[0])
            if found is None:
                return f"{name} has no command {words[0]!r}"
            name, words, command = f"{name} {words[0]}", words[1:], found
            context = click.Context(command, info_name=name, parent=context)
        values, left, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return error.format_message()
    if left:
        return f"too many words: {left}"
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    spoken = [argument.human_readable_name for argument in arguments]
    for argument, title in zip(arguments, spoken, strict=True):
        value = values.get(argument.name)
        if isinstance(value, str) and value in spoken and value != title:
            return f"{value} stands where {title} is expected"
    return None


def report(calls):
    calls = [(where, call) for where, call in calls if re.match(r"-|(?!x\b)[a-z]", call)]
    assert len(calls) > 10
    faults = [
        f"{where}: 'graven {call}': {fault}"
        for where, call in calls
        if (fault := fault_of(words_of(call)))
    ]
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_what_the_program_tells_people_to_type_exists():
    report(calls_in_sources())


def test_what_the_pages_tell_people_to_type_exists():
    report(calls_on_pages())


@pytest.mark.parametrize("call", ["fly", "log --sideways", "baseline move x", "views a", "log x"])
def test_a_call_that_does_not_exist_is_noticed(call):
    assert fault_of(words_of(call))
