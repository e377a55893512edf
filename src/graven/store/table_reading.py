"""One table of one run, verified and bounded; and where the bytes of tables come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import IO, Any

import pyarrow as pa

from graven.catalog.places import locate
from graven.errors import NotFound
from graven.formats import parquet
from graven.ids import ObjectId
from graven.objects.loose import spooled
from graven.store.base import StoreBase
from graven.store.filing import open_content


def get_table(store: StoreBase, object_id: ObjectId, what: str, limit: int) -> pa.Table:
    """The rows of a table's object; ``what`` is its name in messages.

    Raises:
        NotFound: it is gone. Corrupt: damaged, or no Parquet file. InvalidInput: over ``limit``.
    """
    with verified(store, object_id) as source:
        return parquet.read_table(parquet.open_parquet(source, what, limit), what, limit)


@contextmanager
def verified(store: StoreBase, object_id: ObjectId) -> Iterator[Any]:
    """The content as a file that pyarrow reads, every byte of it checked before."""
    with ExitStack() as stack:
        file = _of_loose_file(store, object_id, stack)
        if file is None:
            file = stack.enter_context(open_content(store, object_id))
        yield stack.enter_context(pa.PythonFile(file, mode="r"))


def _of_loose_file(store: StoreBase, object_id: ObjectId, stack: ExitStack) -> IO[bytes] | None:
    """In little memory, however large it is; None where it stands elsewhere."""
    index = store.parts.index
    for place in index.look(partial(locate, object_id=object_id)):
        if not place.loose:
            return None
        with suppress(NotFound):  # that file is gone: there may be another
            content = spooled(store.parts.backend, place.pack, object_id, place.length)
            return stack.enter_context(content)
    return None
