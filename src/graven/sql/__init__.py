"""SQL over a store: DuckDB, read-only, on the tables of `graven.frames` (docs/sql.md).

Needs DuckDB and pyarrow (``pip install 'graven[sql]'``): nothing outside of this room may
import it at its top.
"""

from graven.sql.session import Answer, answer, run

__all__ = ["Answer", "answer", "run"]
