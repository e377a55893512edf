"""A checksum for small files of JSON that nothing else vouches for.

CRC-32 and no hash: it finds every flipped bit, these files are read by each command, and most
commands load nothing that hashes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

FIELD = "crc32"  # the last field of such a file


def checksum_of(record: Mapping[str, Any]) -> str:
    """Of a file's other fields, 8 hex digits, whatever their order and spacing."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{zlib.crc32(text.encode('ascii')):08x}"
