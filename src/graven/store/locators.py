"""Locators: text that names something in a store and stays true when the store moves.

    graven:<store id>/runs/<run>/artifacts/plots/loss.png#inner/path

The store is named by its id, which all copies share; run, name and path are
percent-encoded as in URLs.
"""

from __future__ import annotations

from typing import NamedTuple

from graven.errors import InvalidInput, NotFound
from graven.ids import is_hex
from graven.store.attachment_names import check_attachment_name

SCHEME = "graven:"
_STORE_HEX = 32


class Locator(NamedTuple):
    """A store, a run in it, an attachment of that, a file in that; None where it ends before."""

    store_id: str
    run_id: str | None = None
    name: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        from urllib.parse import quote

        if (self.run_id is None and self.name is not None) or (self.name is None and self.path):
            raise InvalidInput("a locator needs the run before the name", kind="bad-locator")
        text = SCHEME + self.store_id
        if self.run_id is not None:
            text += "/runs/" + quote(self.run_id, safe="")
        if self.name is not None:
            text += "/" + quote(check_attachment_name(self.name), safe="/")
        if self.path is not None:
            text += "#" + quote(self.path, safe="/")
        return text

    def of_attachment(self, store_id: str) -> tuple[str, str, str | None]:
        """Run, name and path, for the store of that id.

        Raises:
            NotFound: it is of another store. InvalidInput: it names no attachment.
        """
        if self.store_id != store_id:
            raise NotFound(
                f"locator is of store {self.store_id}, not of this one, {store_id}",
                kind="other-store",
                hint="open a copy of that store",
                store=self.store_id,
            )
        if self.run_id is None or self.name is None:
            raise InvalidInput("locator names no attachment", kind="bad-locator")
        return self.run_id, self.name, self.path


def parse_locator(text: str) -> Locator:
    """The inverse of ``str(locator)``.

    Raises:
        InvalidInput: no locator.
    """
    from urllib.parse import unquote

    def fail() -> InvalidInput:
        return InvalidInput(
            f"not a locator: {str(text)[:80]!r}",
            kind="bad-locator",
            hint="graven:<store id>/runs/<run>/<name>",
        )

    if not isinstance(text, str) or not text.startswith(SCHEME):
        raise fail()
    whole, hash_mark, path = text[len(SCHEME) :].partition("#")
    store_id, _, rest = whole.partition("/")
    if len(store_id) != _STORE_HEX or not is_hex(store_id):
        raise fail()
    word, _, rest = rest.partition("/")
    run, _, name = rest.partition("/")
    if (word, run) == ("", "") and not hash_mark:
        return Locator(store_id)
    if word != "runs" or not run or (hash_mark and not name):
        raise fail()
    try:
        return Locator(
            store_id,
            unquote(run, errors="strict"),
            check_attachment_name(unquote(name, errors="strict")) if name else None,
            unquote(path, errors="strict") if hash_mark else None,
        )
    except UnicodeDecodeError:
        raise fail() from None
