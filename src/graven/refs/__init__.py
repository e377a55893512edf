"""Names for objects: journaled refs merge, guarded refs compare and swap.

`journal` holds the rules by which updates from many packs become one state,
`guarded` the files that change only on condition.
"""
