"""Find or make an interpreter that can import mi_crow's store.

python -m peers.mi_crow_env     make it (torch is large: hundreds of megabytes without
                                CUDA, gigabytes with it; pip's own settings choose)
"""

from __future__ import annotations

from peers.venvs import PeerVenv

PEER = PeerVenv(
    variable="GRAVEN_MI_CROW_PYTHON",
    pinned="mi-crow==1.0.0.post10",
    probe="import peers.mi_crow_worker",
    needed=("torch", "safetensors", "numpy"),  # of all that it names, what its store imports
)
find, make = PEER.find, PEER.make

if __name__ == "__main__":
    print(find() or make())
