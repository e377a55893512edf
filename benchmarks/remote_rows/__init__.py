"""The lines of the table on a bucket. Each file has one ``rows(bench)``."""
