"""What a client keeps of a remote store on its own disk: never the only copy of anything.

folder       where it lies, one folder a store
memo         the few small files that change, as last seen
remembering  backends that fill the memo, and answer from it with no network
"""
