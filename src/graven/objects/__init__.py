"""Content-addressed objects in packs, on any backend. Knows nothing of runs or refs.

`packs` reads a pack's parts, `reader` gives verified bytes by id, `chunks` cuts what
is larger than a megabyte, `cache` keeps objects of a remote store on this disk.
"""
