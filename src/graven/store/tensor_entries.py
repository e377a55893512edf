"""Entries that were appended to the tensors of a whole run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from graven.errors import NotFound
from graven.store.tensor_arrays import check_framework
from graven.store.tensor_listing import Group, find_group
from graven.store.tensor_names import entry_folder
from graven.store.tensor_reading import keys_by_layer, read_content, read_group, read_one

if TYPE_CHECKING:
    from graven.store.base import StoreBase


class AppendedTensors:
    """One appended entry; its parts are read when they are asked for.

    Attributes:
        index: its position among those of the run, from 0 on, when they were listed.
        name: stays the same whatever is appended by others.
    """

    def __init__(self, store: StoreBase, run_id: str, index: int, name: str) -> None:
        self._store = store
        self._run_id = run_id
        self.index = index
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.index}, {self.name!r})"

    @property
    def metadata(self) -> dict[str, Any]:
        """What was given with it."""
        return read_content(self._store, self._group(), self._where).metadata

    def layers(self) -> dict[str, list[str]]:
        """Its layers with their keys; no tensor is read."""
        return keys_by_layer(self._store, self._group(), self._where)

    def get(self, layer: object, key: object, *, framework: str = "numpy") -> Any:
        """One of its tensors.

        Raises:
            NotFound: no such layer or key. Corrupt: it is damaged.
        """
        check_framework(framework)
        return read_one(self._store, self._group(), self._where, (layer, key), framework)

    def tensors(self, *, framework: str = "numpy") -> Any:
        """All of them, in the form in which they were given."""
        check_framework(framework)
        return read_group(self._store, self._group(), self._where, framework)

    @property
    def _where(self) -> str:
        return f"run {self._run_id}, appended {self.name}"

    def _group(self) -> Group:
        folder = entry_folder(self.name)
        question = partial(find_group, run_id=self._run_id, folder=folder)
        group = self._store.parts.index.look(question)
        if not group.exists:  # deleted with its run meanwhile
            raise NotFound(f"{self._where} is not there any more", kind="entry-missing")
        return group
