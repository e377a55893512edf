"""Keep tokens and passwords out of what is stored.

Environments and command lines are captured for later comparison, and they carry
credentials more often than anybody means them to. The filter looks at names
(``GITHUB_TOKEN``) and at shapes (``ghp_...``). It would rather leave in a string
nobody can use than take out a number that explains a result: machine learning is
full of ``max_tokens`` and ``key_size``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REMOVED = "[removed by graven]"

_STRONG = frozenset(
    [
        "password",
        "passwords",
        "passwd",
        "passphrase",
        "secret",
        "secrets",
        "credential",
        "credentials",
        "apikey",
    ]
)
_WEAK = frozenset({"token", "auth", "authorization", "cookie", "bearer", "pat"})
_KEY_OWNERS = frozenset(
    [
        "api",
        "access",
        "private",
        "secret",
        "signing",
        "encryption",
        "ssh",
        "deploy",
        "account",
        "license",
        "service",
        "master",
        "storage",
    ]
)
# Special tokens of language models, which are words and no secrets.
_MODEL_TOKENS = frozenset(
    [
        "pad",
        "eos",
        "bos",
        "unk",
        "sep",
        "cls",
        "mask",
        "stop",
        "special",
        "next",
        "first",
        "last",
        "image",
        "end",
        "start",
        "begin",
    ]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_SHAPES = re.compile(
    r"""
    \bgh[pousr]_[A-Za-z0-9]{36,}            # GitHub
  | \bgithub_pat_[A-Za-z0-9_]{22,}
  | \bglpat-[A-Za-z0-9_-]{20,}              # GitLab
  | \bxox[abeoprs]-[A-Za-z0-9-]{10,}        # Slack
  | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b           # AWS
  | \bAIza[A-Za-z0-9_-]{35}                 # Google
  | \b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}  # Stripe
  | \bsk-[A-Za-z0-9_-]{20,}                 # model providers
  | \bhf_[A-Za-z]{30,}                      # Hugging Face
  | \bnpm_[A-Za-z0-9]{36}
  | \bpypi-AgE[A-Za-z0-9_-]{20,}
  | \bdop_v1_[a-f0-9]{64}
  | \bey[A-Za-z0-9_-]{8,}\.ey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*   # JSON web token
  | -----BEGIN[ A-Z]*PRIVATE\ KEY-----(?:.*?-----END[ A-Z]*PRIVATE\ KEY-----|.*)
    """,
    re.VERBOSE | re.DOTALL,
)
_HTTP_USER = re.compile(r"(?i)(\bhttps?://)[^\s/@]+@")
_URL_PASSWORD = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,20}://)[^\s/@:]*:[^\s/@]+@")
_BEARER = re.compile(r"(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{16,}")
_ARGUMENT = re.compile(
    r"(?i)((?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-])*"
    r"(?:password|passwd|passphrase|secret|token|api[_-]?key)(?:\s*=\s*|:\s+|\s+(?=\S*\d)))"
    r"(?!\[removed)(\"[^\"]*\"|'[^']*'|[^\s\"']+)"
)
_OPAQUE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/=_.-]{16,}")


def scrub(value: Any, where: str = "") -> tuple[Any, list[str]]:
    """``value`` (JSON-ready) without secrets, and the paths of what was taken out."""
    removed: list[str] = []
    return _scrub(value, where, removed), removed


def scrub_text(text: str) -> str:
    """``text`` with all that is shaped like a credential replaced."""
    text = _SHAPES.sub(REMOVED, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{REMOVED}@", text)
        text = _HTTP_USER.sub(_mask_user, text)
    return _BEARER.sub(rf"\1{REMOVED}", text)


def scrub_command(command: str) -> str:
    """`scrub_text` for a command line, whose arguments have names too (``--token abc1``)."""
    return _ARGUMENT.sub(rf"\1{REMOVED}", scrub_text(command))


def _mask_user(match: re.Match[str]) -> str:
    return match[0] if REMOVED in match[0] else f"{match[1]}{REMOVED}@"


def _scrub(value: Any, where: str, removed: list[str]) -> Any:
    if isinstance(value, str):
        clean = scrub_text(value)
        if clean != value:
            removed.append(where)
        return clean
    if isinstance(value, Mapping):
        return {k: _scrub_entry(k, v, f"{where}.{k}" if where else k, removed)
                for k, v in value.items()}  # fmt: skip
    if isinstance(value, (list, tuple)):
        return [_scrub(item, f"{where}[{i}]", removed) for i, item in enumerate(value)]
    return value


def _scrub_entry(key: str, value: Any, where: str, removed: list[str]) -> Any:
    if names_a_secret(key, value):
        removed.append(where)
        return REMOVED
    return _scrub(value, where, removed)


def names_a_secret(key: str, value: Any) -> bool:
    """Whether ``key`` says that ``value`` is a password, a token or a key."""
    if value in (None, "", REMOVED) or isinstance(value, (bool, Mapping, list, tuple)):
        return False
    words = [word.lower() for word in _WORD.findall(key)]
    if not words:
        return False
    last = words[-1]
    if (
        last in _STRONG
        or last.endswith(("password", "passwd"))
        or (last == "pwd" and len(words) > 1 and words[0] not in ("old", "init"))
    ):
        return True
    if not isinstance(value, str):
        return False
    if last in _WEAK:
        return not _MODEL_TOKENS & set(words)
    is_key = last in ("key", "keys") and len(words) > 1
    if is_key and words[-2] in _KEY_OWNERS:
        return True
    return bool(is_key or _STRONG & set(words)) and _OPAQUE.fullmatch(value) is not None
