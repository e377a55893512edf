"""Where answers go: text for people, plain text for pipes, JSON for programs."""

from graven.cli.render.text import clean

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from graven.cli.render.blocks import Span, Table, Writer
    from graven.cli.session import Session


class Output:
    """Writes answers to stdout and remarks to stderr.

    Remarks (what was done, warnings) are for people: ``--quiet`` drops them, and under
    ``--json`` they are part of the document instead.
    """

    def __init__(self, session: "Session") -> None:
        self.session = session
        self.json = session.json
        self.human = session.human
        self._encodable = False
        self._writer: Writer | None = None

    @property
    def writer(self) -> "Writer":
        """The writer for text, made when the first text is written."""
        if self._writer is None:
            _make_encodable(self.session.stdout)
            if self.human:
                from graven.cli.render.terminal import TerminalWriter

                self._writer = TerminalWriter(self.session.stdout, self.session.colored)
            else:
                from graven.cli.render.plain import PlainWriter

                self._writer = PlainWriter(self.session.stdout)
        return self._writer

    @property
    def unicode(self) -> bool:
        """Whether blocks and arrows can be written to a person's terminal."""
        encoding = getattr(self.session.stdout, "encoding", None) or "ascii"
        return self.human and encoding.lower().replace("-", "") in ("utf8", "utf16", "utf32")

    def line(self, *spans: "Span | str") -> None:
        """One line of text."""
        self.writer.line(*spans)

    def fields(self, *words: str) -> None:
        """One tab-separated record, whoever reads it: what plumbing writes."""
        if not self._encodable:  # once: it flushes, and an answer may have many records
            _make_encodable(self.session.stdout)
            self._encodable = True
        self.session.stdout.write("\t".join(clean(word) for word in words) + "\n")

    def verbatim(self, text: str) -> None:
        """One line as it is, folded by nobody: it will be copied."""
        self.fields(text)

    def table(self, table: "Table") -> None:
        """A table, aligned for people and tab-separated for pipes."""
        self.writer.table(table)

    def record(self, command: str, data: "Mapping[str, Any]") -> None:
        """One JSON record on a line of its own, with its schema."""
        self.session.stdout.write(to_json({"schema": f"graven.{command}/1", **data}) + "\n")

    def document(self, command: str, data: "Mapping[str, Any]") -> None:
        """One JSON document, with its schema."""
        self.record(command, data)

    def note(self, text: str) -> None:
        """A remark for a person; dropped by --quiet and --json."""
        if not (self.json or self.session.quiet):
            self._to_stderr(text)

    def warn(self, text: str) -> None:
        """A warning; --quiet keeps it, --json makes it a record on stderr."""
        if self.json:
            record = {"schema": "graven.warning/1", "message": text}
            self.session.stderr.write(to_json(record) + "\n")
        else:
            self._to_stderr(f"warning: {text}")

    def error(self, text: str, hint: "str | None" = None) -> None:
        """A failure among others that were done; --json has it in the document."""
        if not self.json:
            self._to_stderr(f"graven: {text}")
            if hint:
                self._to_stderr(f"hint: {hint}")

    def _to_stderr(self, text: str) -> None:
        _make_encodable(self.session.stderr)
        self.session.stderr.write(clean(text) + "\n")


def _make_encodable(stream: "Any") -> None:
    """What the stream's encoding has no form for is written as an escape, not an error."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


def to_json(data: "Mapping[str, Any]") -> str:
    """Strict JSON in ASCII: a stored name cannot reach a terminal as an escape code."""
    import json

    return json.dumps(_strict(data), allow_nan=False)


def _strict(value: "Any") -> "Any":
    """``value`` with NaN and infinities as text, which strict JSON has no numbers for."""
    if isinstance(value, float):
        if value != value:  # noqa: PLR0124  only NaN differs from itself
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value
