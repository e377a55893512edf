"""What a client keeps of a remote store on its own disk: never the only copy of anything.

folder       where it lies, one folder a store
facts        what was found out about the place, and when
files        how they are written
memo         the few small files that change, as last seen
remembering  backends that fill the memo, and answer from it with no network
"""
