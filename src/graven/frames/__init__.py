"""Tables of a store as Arrow: runs, points, metrics, samples, tags, params, artifacts, baselines.

docs/sql.md describes their columns. Needs pyarrow (``pip install 'graven[tables]'``), which is
why nothing outside of this room may import it at its top.
"""

from graven.frames.reading import Frames
from graven.frames.schemas import FRAMES_VERSION, OF_RUNS, SCHEMAS, TABLES

__all__ = ["FRAMES_VERSION", "OF_RUNS", "SCHEMAS", "TABLES", "Frames"]
