"""The parts of a check (`graven.store.fsck` puts them together).

report     what is wrong, and what was looked at
scratch    what the packs hold and what objects name, on disk
packs      one pack: metadata, and every byte
loose      loose objects, hashed piece by piece
pointers   journaled refs, baselines and tags
owners     to which runs and names an object belongs
vanished   packs that are gone, and what only they told
coverage   what was read whole, and when: samples go on where the last one stopped
"""
