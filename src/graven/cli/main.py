"""The click side: a group that loads a command when it is named, and not before."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from graven.cli.command import CONTEXT, GLOBAL_HELP, GravenGroup, show_exit_codes
from graven.cli.registry import CLASSES, COMMANDS
from graven.cli.session import Session
from graven.cli.start import COMPLETION_VARIABLE

PROGRAM = "graven"

# What other tools call it.
_ALSO_CALLED = {
    "add": "ingest", "import": "ingest", "list": "log", "history": "log", "runs": "log",
    "diff": "compare", "delete": "rm", "remove": "rm", "undelete": "restore", "du": "stats",
    "verify": "fsck", "fetch": "pull", "sync": "push", "upload": "push", "download": "pull",
    "info": "status", "archive": "bundle", "backup": "bundle", "baselines": "baseline",
    "tags": "tag", "remotes": "remote", "experiments": "log", "label": "relabel", "copy": "clone",
}  # fmt: skip

_CLASS_TITLES = {
    "porcelain": "Commands",
    "maintenance": "Maintenance",
    "plumbing": "Plumbing (for programs; the output keeps its shape)",
}


class RootGroup(GravenGroup):
    """Help and completion come from the registry; only the named command is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the registry's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found: click.Command = import_module(f"graven.cli.commands.{entry[0]}").command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name an unknown command with the nearest known ones."""
        name = args[0] if args else ""
        if name == "help":  # as git has it
            return "help", _help(self, ctx, args[1:]), []
        if name in COMMANDS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        also = _ALSO_CALLED.get(name)
        near = [also] if also else get_close_matches(name, COMMANDS, n=3)
        ending = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise click.UsageError(f"no such command: {name!r}{ending}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands by class, with the registry's words."""
        for kind in CLASSES:
            with formatter.section(_CLASS_TITLES[kind]):
                formatter.write_dl(
                    [(name, text) for name, (_, own, text) in COMMANDS.items() if own == kind]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names and options, without importing a command."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=text)
            for name, (_, _, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]


def _help(group: click.Group, ctx: click.Context, words: list[str]) -> click.Command:
    """With the words of a command its help, without any that of the program."""
    asked: click.Command = group
    for word in words:
        if isinstance(asked, click.Group):
            _, found, _ = asked.resolve_command(ctx, [word])
            asked = found or asked
    within = ctx if asked is group else click.Context(asked, ctx, info_name=" ".join(words))
    text = asked.get_help(within)

    def tell() -> None:
        ctx.obj.stdout.write(text + "\n")

    return click.Command("help", callback=tell)


@click.command(
    PROGRAM,
    cls=RootGroup,
    context_settings=CONTEXT,
    epilog=f"""{GLOBAL_HELP}

\b
Examples:
  graven init
  graven ingest results/*.json --branch main
  graven baseline set latest
  graven check --threshold 10%
  graven push s3://team-bench/project

\b
Variables:
  GRAVEN_STORE            as --store
  GRAVEN_OFFLINE          1: as --offline
  GRAVEN_STORAGE_OPTIONS  JSON object for the libraries of remote stores
  GRAVEN_VIEWS            all or none: readable files in runs/
  GRAVEN_AUTO_REPACK      0: never repack in the background
  GRAVEN_CACHE_DIR        what is read of remote stores is kept there
  GRAVEN_STATE_DIR        runs that wait to be sent, and live logs, are kept there
  GRAVEN_AUTHOR           who sets baselines and tags (else USER)
  GRAVEN_DEBUG            1: errors show their traceback
  NO_COLOR                no colour

\b
Completion, in ~/.bashrc (zsh_source, fish_source likewise):
  eval "$(_GRAVEN_COMPLETE=bash_source graven)"

{show_exit_codes((0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 141))}""",
)
@click.option("-V", "--version", is_flag=True, help="Print the version and exit.")
@click.pass_context
def root(ctx: click.Context, version: bool) -> int:
    """Keep benchmark and experiment runs in a content-addressed, git-like store."""
    if version:
        from graven._version import __version__

        ctx.obj.stdout.write(f"graven {__version__}\n")
        ctx.exit(0)
    return 0


def run_click(session: Session, words: list[str]) -> int:
    """Let click parse ``words`` and run the command; its exit code is returned."""
    if COMPLETION_VARIABLE in session.environ:
        root.main(words, prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE, obj=session)
    # Not click's main(): it ends a broken pipe with 1, which is our "the answer is no".
    try:
        with root.make_context(PROGRAM, words or ["--help"], obj=session) as context:
            outcome = root.invoke(context)
    except click.exceptions.Exit as asked:
        return asked.exit_code
    if session.opened is not None and session.opened.wrote:
        from graven.cli.tending import tend

        tend(session, session.opened)
    return outcome if isinstance(outcome, int) else 0
