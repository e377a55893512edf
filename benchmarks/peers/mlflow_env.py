"""Find or make an interpreter that can import MLflow.

python -m peers.mlflow_env     make it (some 100 packages)
"""

from __future__ import annotations

from peers.venvs import PeerVenv

PEER = PeerVenv(
    variable="GRAVEN_MLFLOW_PYTHON",
    pinned="mlflow==3.17.2",
    probe="import peers.mlflow_worker",
)
find, make = PEER.find, PEER.make

if __name__ == "__main__":
    print(find() or make())
