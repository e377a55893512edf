"""Buckets of Google Cloud Storage, through gcsfs."""
