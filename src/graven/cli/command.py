"""What all commands share: global options anywhere, help with examples and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from graven.cli.options import GLOBAL_OPTIONS, WHERE_OPTION, OptionRow
from graven.cli.registry import COMMANDS, EXIT_CODES
from graven.cli.session import Session
from graven.errors import GravenError, InvalidInput

GLOBAL_HELP = "Global options stand before or after the command."

_ALWAYS = (0, 2, 70, 130, 141)
_WITH_STORE = (0, 2, 3, 5, 6, 7, 70, 130, 141)


class GlobalOption(click.Option):
    """An option of every command; listed apart, and kept by the session."""


class _OwnHelp(click.Command):
    """Global options in a section of their own, at the end."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                (shared if isinstance(param, GlobalOption) else own).append(record)
        for title, records in (("Options", own), ("Global options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class GravenCommand(_OwnHelp):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_global_options()]


class GravenGroup(_OwnHelp, click.Group):
    """A group that takes the global options too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params = [*self.params, *_global_options()]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take ``rm`` and ``remove`` for one; name an unknown subcommand with near ones.

        Where the group also runs alone, ``list`` is that.
        """
        name = args[0] if args else ""
        known = self.list_commands(ctx)
        if name in known or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name == "list" and self.invoke_without_command:
            alone = GravenCommand(name, callback=self.callback, help=self.help)
            return name, alone, args[1:]
        other = {"rm": "remove", "remove": "rm", "delete": "rm"}.get(name, "")
        for meant in (other, "remove" if name == "delete" else ""):
            if meant in known:
                return super().resolve_command(ctx, [meant, *args[1:]])
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=2) or known
        raise click.UsageError(
            f"no such command: {name!r}; {ctx.command_path!r} has {', '.join(near)}", ctx
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, then the commands."""
        _OwnHelp.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def graven_command(
    name: str,
    *,
    examples: tuple[str, ...],
    exits: tuple[int, ...] = (),
    needs_store: bool = True,
    within: str | None = None,
) -> Callable[[Callable[..., Any]], GravenCommand]:
    """Make a click command of the registry's ``name``; the session comes as first argument.

    Args:
        within: the group that it is a subcommand of; then ``name`` is not the registry's.
        examples: calls as a person types them.
        exits: exit codes beside those that every command has.
        needs_store: whether the codes of opening a store are among them.
    """

    def decorate(function: Callable[..., Any]) -> GravenCommand:
        return click.command(
            name,
            cls=GravenCommand,
            short_help=COMMANDS[name][2] if within is None else None,
            epilog=epilog(examples, exits, needs_store),
            context_settings=CONTEXT,
        )(click.pass_obj(function))

    return decorate


def graven_group(
    name: str, *, examples: tuple[str, ...], exits: tuple[int, ...] = ()
) -> Callable[[Callable[..., Any]], GravenGroup]:
    """Make a click group of the registry's ``name`` that also runs alone."""

    def decorate(function: Callable[..., Any]) -> GravenGroup:
        return click.command(
            name,
            cls=GravenGroup,
            invoke_without_command=True,
            short_help=COMMANDS[name][2],
            epilog=epilog(examples, exits, True),
            context_settings=CONTEXT,
        )(click.pass_context(function))

    return decorate


CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def epilog(examples: tuple[str, ...], exits: tuple[int, ...], needs_store: bool) -> str:
    """The end of a help page: examples, exit codes."""
    lines = "\n".join(f"  {example}" for example in examples)
    codes = sorted({*(_WITH_STORE if needs_store else _ALWAYS), *exits})
    title = "Example" if len(examples) == 1 else "Examples"
    return f"\b\n{title}:\n{lines}\n\n{show_exit_codes(tuple(codes))}"


def show_exit_codes(codes: tuple[int, ...]) -> str:
    """Exit codes and what they mean, as a block that click leaves alone."""
    return "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {EXIT_CODES[code]}" for code in codes)


def _global_options() -> list[click.Option]:
    return [click_option(row, cls=GlobalOption, callback=_keep) for row in GLOBAL_OPTIONS]


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value not in (None, False) and param.name and isinstance(ctx.find_root().obj, Session):
        ctx.find_root().obj.set(param.name, value)


def click_option(
    row: OptionRow,
    *,
    cls: type[click.Option] = click.Option,
    callback: Callable[[click.Context, click.Parameter, Any], Any] | None = None,
) -> click.Option:
    """A row of an option table as click's option."""
    flags, name, kind, metavar, text = row
    kinds: dict[str, Any] = {
        "text": {"type": str},
        "count": {"type": click.IntRange(min=0)},
        "flag": {"is_flag": True},
    }
    own = kinds[kind] if isinstance(kind, str) else {"type": click.Choice(kind)}
    return cls(
        [*flags, name],
        help=text + ".",
        metavar=metavar or None,
        callback=callback,
        expose_value=callback is None,
        is_eager=callback is not None,
        **own,
    )


def where_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """``-w, --where QUERY`` of every command that chooses runs, as the argument ``where``."""
    flags, name, _, metavar, text = WHERE_OPTION
    return click.option(*flags, name, metavar=metavar, help=text + ".")(function)


def not_empty(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
    """Refuse an empty path: it would mean the current folder, and nobody writes that so."""
    if value == "" or (isinstance(value, tuple) and "" in value):
        raise click.BadParameter("is empty; is the variable set that it comes from?")
    return value


def pairs(values: tuple[str, ...], what: str) -> dict[str, str]:
    """``key=value`` words as a map.

    Raises:
        InvalidInput: a word without ``=``, without a key, or a key given twice.
    """
    found: dict[str, str] = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise InvalidInput(
                f"{what} {word!r} is not KEY=VALUE", kind="bad-pair", hint=f"--{what} key=value"
            )
        if found.get(key, value) != value:
            raise InvalidInput(
                f"{what} {key!r} is given twice: {found[key]!r} and {value!r}", kind="bad-pair"
            )
        found[key] = value
    return found


def storage_options(words: tuple[str, ...]) -> dict[str, Any]:
    """``KEY=VALUE`` words as a library takes them.

    Raises:
        InvalidInput: a word without ``=``, or a key that is a value and a map too.
    """
    found: dict[str, Any] = {}
    for key, text in pairs(words, "option").items():
        *folders, last = key.split(".")
        inner = found
        for folder in folders:
            inner = inner.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise InvalidInput(
                    f"option {key!r}: {folder!r} is no map", kind="bad-pair", field=key
                )
        inner[last] = _value(text)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def complete_revision(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Words that name a run: ``latest``, baselines, tags, the newest run ids."""
    session = ctx.find_root().obj
    if not isinstance(session, Session):
        return []
    found = [CompletionItem("latest", help="the newest run")]
    try:
        store = session.open_store()
        for space, refs in (("baselines", store.baselines), ("tags", store.tags)):
            found += [CompletionItem(f"{space}/{name}", help=space) for name in refs.names()]
        found += [
            CompletionItem(header.run_id, help=f"{header.timestamp:%Y-%m-%d} {header.branch or ''}")
            for header in store.headers(limit=50)
        ]
    except GravenError:  # a completion that cannot look says less; it must not print errors
        pass
    return [item for item in found if item.value.startswith(incomplete)]


def complete_attachment(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What is kept beside the run that the words before name."""
    session = ctx.find_root().obj
    if not isinstance(session, Session):
        return []
    try:
        store = session.open_store()
        run_id = store.resolve(ctx.params.get("rev") or "latest").run_id
        kept = store.attachments(run_id) if run_id else []
    except GravenError:  # a completion that cannot look says less; it must not print errors
        return []
    return [CompletionItem(one.name) for one in kept if one.name.startswith(incomplete)]
