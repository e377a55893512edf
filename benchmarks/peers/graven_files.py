"""graven as a whole process: ``python -m peers.graven_files put|get STORE NAME PATH``.

Prints one line of JSON. The run that the attachments belong to is made by ``init``.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path

import graven
from graven.testing.runs import sample_run

RUN = "bench"


def init(store: str, *_: str) -> dict[str, int]:
    graven.init(store).close()
    with closing(graven.open(store, views="none")) as opened:
        opened.save(sample_run(RUN))
    return {}


def put(store: str, name: str, path: str) -> dict[str, int]:
    """Attach a file; how many of its bytes were new."""
    told = [(0, 0)]
    with closing(graven.open(store)) as opened:
        opened.attach(RUN, f"artifacts/{name}", Path(path), progress=lambda *n: told.append(n))
    return {"size": told[-1][0], "new": told[-1][1]}


def get(store: str, name: str, path: str) -> dict[str, int]:
    """Export an attachment to a file."""
    with closing(graven.open(store)) as opened:
        opened.export_attachment(RUN, f"artifacts/{name}", path)
    return {"size": Path(path).stat().st_size}


if __name__ == "__main__":
    do = {"init": init, "put": put, "get": get}[sys.argv[1]]
    print(json.dumps(do(*sys.argv[2:])))
