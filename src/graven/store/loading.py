"""Many runs at once, page by page: their places, their frames, and what they share.

Asking one by one costs two questions to the catalog and an opened pack for each run, and
as many again for each environment; a page asks once for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from graven.catalog.database import Catalog
from graven.catalog.places import locate_many, locate_shared, places_of_runs
from graven.catalog.questions import RunKey
from graven.errors import Corrupt, FormatTooNew, NotFound
from graven.formats.run_decode import RunDecoder
from graven.formats.run_object import RunBody, decode_body
from graven.ids import ObjectId
from graven.model.run import Run
from graven.objects.reader import Place, Unreadable, portions
from graven.store.index import Index

PAGE = 500

_Wanted = list[tuple[ObjectId, Sequence[Place]]]


def load_runs(
    index: Index, decoder: RunDecoder, keys: Sequence[RunKey]
) -> Iterator[tuple[RunKey, Run | Unreadable]]:
    """Each run in the order of ``keys``; one that cannot be read gives its error."""
    for key, run, _ in load_with_bodies(index, decoder, keys):
        yield key, run


def load_found(
    index: Index, decoder: RunDecoder, found: Sequence[tuple[RunKey, Place | None]]
) -> Iterator[tuple[RunKey, Run | Unreadable]]:
    """As `load_runs`, for runs whose places were found together with them."""
    for start in range(0, len(found), PAGE):
        page = found[start : start + PAGE]
        located: _Wanted = [
            (ObjectId(key.object_id), () if place is None else (place,)) for key, place in page
        ]
        if any(place is None for _, place in page):
            located = index.look(partial(_complete, wanted=located))
        for first, last in portions(located):
            keys = [key for key, _ in page[first:last]]
            for key, run, _ in _load_portion(index, decoder, keys, located[first:last]):
                yield key, run


def load_with_bodies(
    index: Index, decoder: RunDecoder, keys: Sequence[RunKey]
) -> Iterator[tuple[RunKey, Run | Unreadable, RunBody | None]]:
    """As `load_runs`, with the body that the run was made from, where it is at hand."""
    for start in range(0, len(keys), PAGE):
        page = keys[start : start + PAGE]
        located = index.look(partial(_locate_runs, keys=page))
        for first, last in portions(located):
            yield from _load_portion(index, decoder, page[first:last], located[first:last])


def read_bodies(index: Index, keys: Sequence[RunKey]) -> Iterator[RunBody | Unreadable]:
    """The bodies of run objects, columns still packed; an error for each that cannot be read."""
    for start in range(0, len(keys), PAGE):
        page = keys[start : start + PAGE]
        located = index.look(partial(_locate_runs, keys=page))
        for first, last in portions(located):
            found = index.reader.get_many(located[first:last])
            for key, data in zip(page[first:last], found, strict=True):
                try:
                    # Its pack vanished, or this copy is damaged: there may be another.
                    whole = data if isinstance(data, bytes) else index.get(ObjectId(key.object_id))
                    yield decode_body(whole)
                except (Corrupt, FormatTooNew, NotFound) as error:
                    yield error


def _load_portion(
    index: Index, decoder: RunDecoder, keys: Sequence[RunKey], located: _Wanted
) -> Iterator[tuple[RunKey, Run | Unreadable, RunBody | None]]:
    found = index.reader.get_many(located)
    bodies = [_body(data) for data in found]
    _remember_shared(index, decoder, bodies)
    for key, data, body in zip(keys, found, bodies, strict=True):
        object_id = ObjectId(key.object_id)
        try:
            if body is None or not isinstance(data, bytes):
                # Its pack vanished, or this copy is damaged: there may be another.
                yield key, decoder.decode(index.get(object_id), object_id), None
            else:
                yield key, decoder.decode(data, object_id, body), body
        except (Corrupt, FormatTooNew, NotFound) as error:
            yield key, error, None


def _locate_runs(catalog: Catalog, keys: Sequence[RunKey]) -> _Wanted:
    by_row = places_of_runs(catalog, [key.number for key in keys])
    wanted: _Wanted = []
    for key in keys:
        object_id = ObjectId(key.object_id)
        held = by_row.get(key.number)
        # The row may be another's by now, or point to another object.
        places = (held[1],) if held is not None and held[0] == object_id else ()
        wanted.append((object_id, places))
    return _complete(catalog, wanted)


def _complete(catalog: Catalog, wanted: _Wanted) -> _Wanted:
    """Look for those that have no place in the table of all objects."""
    missing = [object_id for object_id, places in wanted if not places]
    if not missing:
        return wanted
    found = locate_many(catalog, missing)
    return [(object_id, known or found.get(object_id, ())) for object_id, known in wanted]


def _body(data: bytes | Unreadable) -> RunBody | None:
    if not isinstance(data, bytes):
        return None
    try:
        return decode_body(data)
    except (Corrupt, FormatTooNew):
        return None  # told when the run is asked for again


def _remember_shared(index: Index, decoder: RunDecoder, bodies: Sequence[RunBody | None]) -> None:
    """Hand the decoder the environments and definitions that these runs name."""
    named: set[ObjectId] = set()
    for body in bodies:
        if body is not None:
            named.update((ObjectId(body.environment), ObjectId(body.definitions)))
    missing = [object_id for object_id in named if not decoder.knows(object_id)]
    if not missing:
        return
    # One that stands elsewhere is fetched by the decoder itself.
    places = index.look(partial(locate_shared, ids=missing))
    wanted = [(object_id, places.get(object_id, ())) for object_id in missing]
    for object_id, data in zip(missing, index.reader.get_many(wanted), strict=True):
        if isinstance(data, bytes):
            decoder.remember(object_id, data)
