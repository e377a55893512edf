"""Text of strangers, made safe to print; times and ids as people read them."""

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from datetime import datetime

SHORT_ID = 12
SHORT_COMMIT = 10


def clean(text: str) -> str:
    r"""``text`` on one line and without control characters, which are shown as escapes.

    Names come from files of strangers: an escape sequence in one must not reach the
    terminal, nor a newline or tab the reader of a pipe, nor a bidirectional override
    anybody.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def clean_lines(text: str) -> str:
    """`clean`, with line ends kept: for text of several lines by design."""
    return "\n".join(clean(line) for line in text.split("\n"))


def _escape(char: str) -> str:
    if char in "\u00a0\u2007\u202f\u3000":  # spaces of other widths
        return " "
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def short_id(run_id: str) -> str:
    """A generated id cut to what tells runs apart; a name somebody chose stays whole."""
    generated = len(run_id) > SHORT_ID and not run_id.strip("0123456789abcdef")
    return run_id[:SHORT_ID] if generated else run_id


def short_commit(commit: "str | None") -> str:
    """A full hash cut short; anything else whole."""
    if commit is None:
        return ""
    full = len(commit) in (40, 64) and not commit.strip("0123456789abcdef")
    return commit[:SHORT_COMMIT] if full else commit


def age(moment: "datetime", now: "datetime") -> str:
    """How long ago, in the largest unit that fits."""
    seconds = (now - moment).total_seconds()
    if seconds < -60:
        return moment.date().isoformat()  # the future: a clock is wrong, so say what it said
    for name, length in (("y", 31_557_600), ("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {name} ago"
    return "now" if seconds < 5 else f"{int(seconds)} s ago"


def plural(count: int, singular: str, many: str = "") -> str:
    """``1 run``, ``2 runs``, ``12,000 runs``."""
    return f"{count:,} {singular if count == 1 else many or singular + 's'}"
