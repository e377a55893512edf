"""Tables of options that are read in two ways: by click, and without it where that is too slow."""

# (flags, name, kind, metavar, help); kind: "text", "count" (an integer >= 0), "flag",
# or a tuple of the words allowed.
OptionRow = tuple[tuple[str, ...], str, "str | tuple[str, ...]", str, str]

GLOBAL_OPTIONS: tuple[OptionRow, ...] = (
    (("-C", "--store"), "store", "text", "URL", "Store (else GRAVEN_STORE, else .graven upwards)"),
    (("--json",), "json", "flag", "", "Answer in JSON: one document, or one record a line"),
    (("-q", "--quiet"), "quiet", "flag", "", "Print nothing but the answer asked for"),
    (("--offline",), "offline", "flag", "", "Answer from what is kept here of a remote store"),
    (("--color",), "color", ("auto", "always", "never"), "", "Colour and layout for people"),
)

LOG_OPTIONS: tuple[OptionRow, ...] = (
    (("-n", "--limit"), "limit", "count", "N", "At most N runs"),
    (("-b", "--branch"), "branch", "text", "NAME", "Only runs of this branch"),
    (("--commit",), "commit", "text", "SHA", "Only runs of this commit"),
    (("--experiment",), "experiment", "text", "NAME", "Only runs of this experiment"),
    (("--status",), "status", "text", "WORD", "Only runs of this status (ok, failed ...)"),
    (("--origin",), "origin", ("measured", "simulated", "imported"), "", "Only such runs"),
    (("--since",), "since", "text", "TIME", "Only runs from then on (ISO time, or 36h, 7d, 2w)"),
    (("--until",), "until", "text", "TIME", "Only runs up to then"),
    (("-w", "--where"), "where", "text", "QUERY", "Only runs that fit a query: 'metric.time > 1'"),
    (("--deleted",), "deleted", "flag", "", "Removed runs too, as long as they can be restored"),
)


WHERE_OPTION: OptionRow = next(row for row in LOG_OPTIONS if row[1] == "where")
"""The same in every command that chooses runs; see `graven.cli.command.where_option`."""


def parse_plain(
    words: list[str], rows: tuple[OptionRow, ...]
) -> "dict[str, str | int | bool] | None":
    """Options of ``words`` by name, or None if anything is not plainly one of ``rows``.

    None means "let click look at it": an argument, an unknown or shortened option, a
    missing or wrong value. So errors and help have one source.
    """
    by_flag = {flag: row for row in rows for flag in row[0]}
    values: dict[str, str | int | bool] = {}
    index = 0
    while index < len(words):
        word = words[index]
        flag, equals, inline = word.partition("=") if word.startswith("--") else (word, "", "")
        if len(word) > 2 and not word.startswith("--"):
            flag, equals, inline = word[:2], "=", word[2:]
        row = by_flag.get(flag)
        index += 1
        if row is None:
            return None
        name, kind = row[1], row[2]
        if kind == "flag":
            if equals:
                return None
            values[name] = True
            continue
        if not equals:
            if index == len(words) or words[index].startswith("-"):
                return None
            inline = words[index]
            index += 1
        if kind == "count":
            if not (inline.isascii() and inline.isdigit()):
                return None
            values[name] = int(inline)
        elif isinstance(kind, tuple) and inline not in kind:
            return None
        else:
            values[name] = inline
    return values
