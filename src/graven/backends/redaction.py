"""Addresses and messages without the secrets that went into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MAX_MESSAGE = 240  # a line or three; libraries like to add whole pages
MIN_SECRET = 4  # what is shorter would blank out half of a message
HIDDEN = "***"

_SECRET_NAME = re.compile(r"pass|secret|token|key|sas|cred|conn|auth|sign", re.IGNORECASE)
# Up to the last "@" before the path: a password may hold one itself.
_LOGIN = re.compile(r"(?<=://)([^/?#]*)@")
_SPACE = re.compile(r"\s+")


def public_url(url: str) -> str:
    """The URL without passwords and without its query, which may be a signature."""
    return "::".join(_public_link(link) for link in url.split("::"))


class Redactor:
    """Takes the secrets of one URL and its options out of texts.

    Args:
        url: as it was given.
        options: as they were given; what lies under a name like ``token`` is a secret.
    """

    def __init__(self, url: str, options: Mapping[str, object]) -> None:
        found = {*_url_secrets(url), *_option_secrets(options, secret=False)}
        # The longest first: one may be a part of another.
        self._secrets = sorted(
            (text for text in found if len(text) >= MIN_SECRET), key=len, reverse=True
        )

    def line(self, text: object) -> str:
        """One line of bounded length, without secrets and without a full stop."""
        shown = str(text)
        for secret in self._secrets:
            shown = shown.replace(secret, HIDDEN)
        shown = _LOGIN.sub("", _SPACE.sub(" ", shown)).strip().rstrip(".")
        return shown if len(shown) <= MAX_MESSAGE else shown[: MAX_MESSAGE - 3] + "..."

    def told(self, error: BaseException) -> str:
        """What an error says, or its name if it says nothing."""
        return self.line(error) or type(error).__name__


def _public_link(link: str) -> str:
    def without_password(match: re.Match[str]) -> str:
        user = match[1].partition(":")[0]
        return f"{user}@" if user else ""

    scheme = link.partition("://")[0].lower()
    if scheme in ("http", "https"):
        link = link.partition("?")[0]
    return _LOGIN.sub(without_password, link)


def _url_secrets(url: str) -> Iterator[str]:
    for link in url.split("::"):
        login = _LOGIN.search(link)
        if login and ":" in login[1]:
            yield login[1].partition(":")[2]
        query = link.partition("?")[2]
        for part in query.split("&"):
            yield part.partition("=")[2]


def _option_secrets(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _option_secrets(inner, secret=secret or bool(_SECRET_NAME.search(str(name))))
    elif isinstance(value, str) and secret:
        yield value
        # Of a connection string each part, since messages quote the parts.
        for part in value.split(";"):
            name, _, inner = part.partition("=")
            if _SECRET_NAME.search(name):
                yield inner
