#!/usr/bin/env python3
"""Write docs/cli.md from the registry of commands and their help.

scripts/make_cli_reference.py          write the page
scripts/make_cli_reference.py --check  exit 1 if the page is not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from graven.cli.main import PROGRAM, root
from graven.cli.registry import CLASSES, COMMANDS, EXIT_CODES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 88

HEAD = """# The command line

<!-- Made by scripts/make_cli_reference.py; a test fails if it is out of date. -->

Porcelain is for people and may become friendlier any day: programs use `--json`. Plumbing is
for programs: its output keeps its shape.

## The store

`--store URL` or `-C URL`, else the variable `GRAVEN_STORE`, else the nearest folder called
`.graven` here or above. `graven init` without a URL makes `./.graven`. Global options stand
before or after the command. A store is a folder, a bucket (`s3://`, `gs://`, `az://`, whatever
fsspec has a library for), or an archive (`graven bundle`), which is read in place. The
folder of a project stands for the `.graven` in it.

`--offline` answers from what this machine has read of a remote store, says on standard error how
old that is, and writes nothing. A local store is not remote, and answers as ever. How stores talk
to each other, and what becomes of a run when there is no network: [sync.md](sync.md).

## Output

* On a terminal: aligned, with units, short ids and colour (`NO_COLOR` and `--color never` turn
  colour off; `--color always` forces it). A triangle says whether a number went up or down, its
  colour whether that is better (green) or worse (red).
* Under a pipe: tab-separated, ids and numbers in full, no escape codes.
* `--json`: one document, or one record a line where the answer is a list; each has `schema`, for
  example `graven.log/1`. The JSON is strict and ASCII: NaN and infinities are the texts `"NaN"`,
  `"Infinity"`, `"-Infinity"`. Errors are JSON on standard error, `graven.error/1`.
* `--quiet`: nothing but the answer; errors and warnings stay.
* Control characters in stored text are shown as escapes (`\\x1b`), wherever they are written.

## Completion

`eval "$(_GRAVEN_COMPLETE=bash_source graven)"` in `~/.bashrc`, `zsh_source` in `~/.zshrc`, or
`_GRAVEN_COMPLETE=fish_source graven | source` for fish: commands, options, and where a run is
asked for `latest`, baselines, tags and the newest run ids.

## Variables

| variable | what |
|---|---|
| `GRAVEN_STORE` | the store, where `--store` is not given |
| `GRAVEN_AUTHOR` | who is named in the history of baselines and tags (else `USER`) |
| `GRAVEN_OFFLINE` | `1`: as `--offline` |
| `GRAVEN_STORAGE_OPTIONS` | a JSON object: what the libraries of remote stores are told (s3fs, gcsfs, adlfs), beside what they ask of the environment; a remote's own options go before |
| `GRAVEN_VIEWS` | `all` or `none`: whether readable files are written in `runs/`, else the store's setting decides |
| `GRAVEN_CACHE_DIR` | where this machine keeps what it reads of remote stores (else the user's cache folder) |
| `GRAVEN_STATE_DIR` | where runs wait that could not be sent (else the user's state folder) |
| `GRAVEN_DEBUG` | `1`: errors show their traceback |
| `NO_COLOR` | no colour |

## Revisions

Wherever a run is asked for:

| revision | means |
|---|---|
| `3f9c1a2b7d04` | a run id, an object id, or a unique prefix of either (8 or more hex digits) |
| `latest`, `latest~2` | the newest run, the second before it |
| `latest@BRANCH`, `latest@BRANCH~2` | the same on a branch |
| `main`, `baselines/main`, `tags/v1` | a baseline or tag; a baseline goes before a tag |
| `baselines/main~1` | the value before |
| `commit:SHA` | the newest run of a commit (4 or more digits) |
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD, "## Exit codes\n", "| code | meaning |", "|---|---|"]
    parts += [f"| {code} | {text} |" for code, text in EXIT_CODES.items()]
    for kind in CLASSES:
        parts.append(f"\n## {kind.capitalize()}")
        for name, (_, own, _) in COMMANDS.items():
            if own == kind:
                parts += sections(name)
    return "\n".join(parts) + "\n"


def sections(name: str) -> Iterator[str]:
    """The help of a command and of its subcommands."""
    context = click.Context(root, info_name=PROGRAM)
    command = root.get_command(context, name)
    for title, text in helps(command, child(command, name, context)):
        yield f"\n### {title}\n\n```text\n{text}\n```"


def helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """(command path, help text), depth first."""
    context.terminal_width = context.max_content_width = WIDTH
    yield (
        context.command_path,
        "\n".join(line.rstrip() for line in command.get_help(context).splitlines()),
    )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found.hidden:  # another name for a command that is there
                continue
            yield from helps(found, child(found, name, context))


def child(command: click.Command, name: str, parent: click.Context) -> click.Context:
    """The context in which click shows the help of a command."""
    return click.Context(command, info_name=name, parent=parent, **command.context_settings)


def main(words: list[str]) -> int:
    """Write or check the page."""
    text = page()
    if words == ["--check"]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
