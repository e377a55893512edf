"""Groups of rows: each module here has ``rows(bench)`` and is found by its name."""
