"""Containers of Azure Blob Storage, through adlfs."""
