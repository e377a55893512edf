"""Readable views: ``runs/<id>.json``, written for people and for calibrax, never read back.

`render` makes the text of any run, `templates` that of a run like the one before, which is
what a batch of thousands is made of.
"""

from graven.views.files import ViewWriter, remove_view

__all__ = ["ViewWriter", "remove_view"]
