"""The lines of the table, by what they measure. Each file has one ``rows(bench)``."""
