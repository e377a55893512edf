"""Values to bytes and back. No I/O, no clock, no knowledge of where bytes live.

`canonical` is the encoding all structured objects share, `envelope` names their
kinds, `columns` packs floats, `run` takes a Run apart and puts it together, `pack`
lays objects and ref updates into one immutable file, `guarded` and `storefile` are
the two JSON files, `layout` knows every name on disk. docs/format.md is the text.
"""
