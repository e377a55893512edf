"""Any other filesystem that fsspec knows: runs are taken, guarded refs are not."""
