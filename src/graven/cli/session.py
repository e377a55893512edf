"""One call of the command line: which store, how to answer. Reads the environment.

No imports beyond what Python has loaded anyway: this stands in the way of every command.
"""

import os
import sys

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TextIO

    from graven.cli.output import Output
    from graven.store import Store

STORE_FOLDER = ".graven"
_STORE_FILE_BYTES = 4096  # a whole one has some 200
LOOK_SECONDS = 2.0
"""For so long one listing of a remote store serves all that a command asks."""


class Session:
    """What the global options, the environment and the streams say."""

    def __init__(
        self,
        environ: "Mapping[str, str] | None" = None,
        stdout: "TextIO | None" = None,
        stderr: "TextIO | None" = None,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr
        self.store: str | None = None
        self.json = False
        self.quiet = False
        self.offline = False
        self.color = "auto"
        self.words: list[str] = []
        self._out: Output | None = None
        self.opened: Store | None = None

    def set(self, name: str, value: "str | int | bool") -> None:
        """Take a global option; the later one wins."""
        setattr(self, name, value)
        self._out = None

    @property
    def json_errors(self) -> bool:
        """Whether errors are JSON, also when the words could not be parsed to the end."""
        return self.json or "--json" in self.words

    @property
    def debug(self) -> bool:
        """Whether errors show their traceback."""
        return self.environ.get("GRAVEN_DEBUG", "") not in ("", "0")

    @property
    def human(self) -> bool:
        """Whether the answer is laid out for a person, with colour if that is allowed."""
        if self.json or self.color == "never":
            return False
        return self.color == "always" or is_terminal(self.stdout)

    @property
    def colored(self) -> bool:
        """Whether escape codes for colour may be written (https://no-color.org)."""
        if self.color != "auto":
            return self.color == "always"
        return not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    @property
    def shows_progress(self) -> bool:
        """Whether a progress bar on stderr would be seen and is wanted."""
        return not self.quiet and not self.json and is_terminal(self.stderr)

    @property
    def out(self) -> "Output":
        """Where the answer goes."""
        if self._out is None:
            from graven.cli.output import Output

            self._out = Output(self)
        return self._out

    @property
    def named_store(self) -> "str | None":
        """What --store or GRAVEN_STORE says.

        Raises:
            InvalidInput: --store is empty, as where a variable of a script is not set;
                the nearest store would be another one than was meant.
        """
        if self.store == "":
            from graven.errors import InvalidInput

            raise InvalidInput(
                "--store is empty",
                kind="empty-argument",
                hint="is the variable set that it comes from?",
                field="store",
            )
        return self.store or self.environ.get("GRAVEN_STORE") or None

    def find_store(self) -> str:
        """URL or path of the store that is meant; of a project's folder its ``.graven``.

        Raises:
            InvalidInput: the name is empty.
            NotFound: nobody said which, and no folder upwards has one.
        """
        named = self.named_store
        if named is not None:
            inside = os.path.join(named, STORE_FOLDER)
            is_project = os.path.isdir(inside) and not os.path.exists(
                os.path.join(named, "store.json")
            )
            return inside if is_project else named
        folder = os.getcwd()  # os.path, since pathlib would double the start-up time
        if _is_store(folder):  # made under a name of its own, and somebody stands in it
            return folder
        while True:
            candidate = os.path.join(folder, STORE_FOLDER)
            if os.path.isdir(candidate):
                return candidate
            parent = os.path.dirname(folder)
            if parent == folder:
                break
            folder = parent
        from graven.errors import NotFound

        raise NotFound(
            "no store: neither here nor in a folder above is a '.graven'",
            kind="store-missing",
            hint="make one with 'graven init', or name one with --store or GRAVEN_STORE",
        )

    @property
    def author(self) -> str:
        """Who is named in the history of baselines and tags; empty if nobody says."""
        names = (self.environ.get(name) for name in ("GRAVEN_AUTHOR", "USER", "USERNAME"))
        return next((name for name in names if name), "")

    @property
    def is_offline(self) -> bool:
        """Whether remote stores are to be asked only for what is kept on this machine."""
        return self.offline or self.environ.get("GRAVEN_OFFLINE", "") not in ("", "0")

    @property
    def storage_options(self) -> "dict[str, Any]":
        """What GRAVEN_STORAGE_OPTIONS tells the libraries of remote stores.

        Raises:
            InvalidInput: it is no JSON object.
        """
        text = self.environ.get("GRAVEN_STORAGE_OPTIONS", "")
        if not text:
            return {}
        import json

        try:
            found = json.loads(text)
        except (ValueError, RecursionError):  # its message would quote a part, maybe a secret
            found = None
        if isinstance(found, dict):
            return found
        from graven.errors import InvalidInput

        raise InvalidInput(
            "GRAVEN_STORAGE_OPTIONS is no JSON object",
            kind="bad-variable",
            hint="""write it like '{"endpoint_url": "http://localhost:9000"}'""",
            field="GRAVEN_STORAGE_OPTIONS",
        )

    @property
    def opening(self) -> "dict[str, Any]":
        """How stores are opened, as `graven.Store` takes it; storage options apart.

        Raises:
            InvalidInput: GRAVEN_VIEWS is none of ``all``, ``none``.
        """
        views = self.environ.get("GRAVEN_VIEWS") or None
        if views not in (None, "all", "none"):
            from graven.errors import InvalidInput

            raise InvalidInput(
                f"GRAVEN_VIEWS must be 'all' or 'none', not {views!r}",
                kind="bad-variable",
                field="GRAVEN_VIEWS",
            )
        return {"views": views, "refresh_every": LOOK_SECONDS, "author": self.author}

    def open_store(self) -> "Store":
        """Open the store that is meant.

        Raises:
            NotFound: there is none.
        """
        import graven

        store = graven.open(
            self.find_store(),
            offline=self.is_offline,
            storage_options=self.storage_options,
            **self.opening,
        )
        if store.offline:
            self._tell_age(store)
        self.opened = store
        return store

    def _tell_age(self, store: "Store") -> None:
        from graven import clock
        from graven.cli.render.text import age

        moment = store.as_of
        if moment is None:
            self.out.note("offline: nothing of it has been read yet")
        else:
            self.out.note(f"offline: as of {age(moment, clock.now())}")


def is_terminal(stream: "TextIO") -> bool:
    """True if ``stream`` is open and a terminal."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # None under pythonw; closed
        return False


def _is_store(folder: str) -> bool:
    """Whether a ``store.json`` of graven's lies there; other programs may have such a file."""
    try:
        with open(os.path.join(folder, "store.json"), "rb") as file:
            return b'"hash": "blake3-256"' in file.read(_STORE_FILE_BYTES)
    except OSError:
        return False
