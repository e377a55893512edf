"""Stores talk to each other: what one has and the other lacks, sent as packs.

difference  which refs the other lacks, by the two catalogs
shipment    packs that carry both
guarded     baselines and tags, forward only
transfer    all of it in order: one direction between two stores
"""
