"""Find or make an interpreter that can import investing-algorithm-framework's stores.

python -m peers.tiered_env     make it (1.4 GB, some 160 packages)
"""

from __future__ import annotations

from peers.venvs import PeerVenv

PEER = PeerVenv(
    variable="GRAVEN_TIERED_PYTHON",
    pinned="investing-algorithm-framework==8.10.0",
    probe="import peers.tiered_worker",
)
find, make = PEER.find, PEER.make

if __name__ == "__main__":
    print(find() or make())
