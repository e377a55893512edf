"""Keeping a store small and sound over years: repack, gc, prune, repair.

Stands on the store and on sync. What makes deleting safe: docs/design/0012-garbage.md.
"""
