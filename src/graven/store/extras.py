"""Libraries that are not part of graven: found, or named with what installs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from graven.errors import InvalidInput


def need(module: str, extra: str, what: str) -> Any:
    """The module of a library.

    Args:
        module: its name.
        extra: of graven, which installs it; or the library's own name.
        what: needs it, for the message.

    Raises:
        InvalidInput: kind ``missing-extra``: it is not there.
    """
    try:
        return import_module(module)
    except ImportError as error:
        install = f"graven[{extra}]" if extra != module else module
        raise InvalidInput(
            f"{what} needs {module}: {error}",
            kind="missing-extra",
            hint=f"pip install '{install}'",
            module=module,
        ) from error
