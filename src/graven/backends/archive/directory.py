"""The directory of a zip file, read strictly: what could be read in two ways is refused.

An archive comes from a stranger. Programs differ in what they make of a zip file with
bytes before or behind it, names that occur twice, or headers that disagree; here each
of these is an error, and no claim of the file takes memory before it is checked.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from graven.errors import Corrupt, InvalidInput

Read = Callable[[int, int], bytes]
"""``read(offset, length)``: fewer bytes only where the file ends."""

STORED = 0
FLAG_ENCRYPTED = 0x2041  # plain, "strong", and a directory that is itself encrypted
FLAG_PATCH = 0x20
FLAG_SIZES_BEHIND = 0x08  # the local header was written before the sizes were known
FLAG_UTF8 = 0x800

MAX_DIRECTORY_BYTES = 256 * 1024 * 1024  # about two million members

_END = struct.Struct("<4s4H2IH")
_END64_PLACE = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_EXTRA = struct.Struct("<2H")
_MAX_COMMENT = 0xFFFF
_WIDE16 = 0xFFFF  # "look into the zip64 record"
_WIDE32 = 0xFFFFFFFF
_ZIP64_EXTRA = 1


class Member(NamedTuple):
    """One file in the archive, as the directory tells it.

    Attributes:
        name: as decoded; ends with ``/`` for a folder.
        raw_name: the bytes of the name.
        flags, crc: as in the directory.
        size: length of the body in bytes, which is stored as it is.
        header: where the local header stands.
        mode: file type and rights as Unix has them, 0 where nobody says.
    """

    name: str
    raw_name: bytes
    flags: int
    crc: int
    size: int
    header: int
    mode: int


class _End(NamedTuple):
    members: int
    size: int
    offset: int


def read_directory(read: Read, size: int) -> list[Member]:
    """All members of a zip file of ``size`` bytes, in the directory's order.

    Raises:
        InvalidInput: no zip file (kind ``not-an-archive``), or one whose members are
            compressed (``archive-compressed``) or encrypted (``archive-encrypted``).
        Corrupt: cut short, or its parts disagree (kind ``bad-archive``).
    """
    end = _find_end(read, size)
    if end.size > MAX_DIRECTORY_BYTES:
        raise Corrupt(f"directory of {end.size:,} bytes is no archive's", kind="bad-archive")
    data = read(end.offset, end.size)
    members = []
    position = 0
    while position < len(data):
        member, position = _central(data, position)
        members.append(member)
    if len(members) != end.members or len(data) != end.size:
        raise _damaged(f"directory has {len(members)} members and states {end.members}")
    _check_room(members, end.offset)
    return members


def find_body(read: Read, member: Member) -> int:
    """Where the body of a member begins, by its local header.

    Raises:
        Corrupt: the local header disagrees with the directory (kind ``bad-archive``).
    """
    wanted = len(member.raw_name)
    head = read(member.header, _LOCAL.size + wanted)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\3\4"):
        raise _disagree(member, "is not there")
    _, _, flags, method, _, _, crc, stored, size, name_bytes, extra_bytes = _LOCAL.unpack_from(head)
    if name_bytes != wanted or head[_LOCAL.size :] != member.raw_name:
        raise _disagree(member, "has another name")
    if flags != member.flags or method != STORED:
        raise _disagree(member, "states another way to read it")
    start = member.header + _LOCAL.size + wanted
    if _WIDE32 in (stored, size):
        try:
            size, stored = _wide_fields(read(start, extra_bytes), (size, stored))
        except Corrupt:
            raise _disagree(member, "has a size that does not fit and is nowhere else") from None
    told = (crc, stored, size)
    unknown = bool(flags & FLAG_SIZES_BEHIND) and told == (0, 0, 0)
    if not unknown and told != (member.crc, member.size, member.size):
        raise _disagree(member, "states another size or checksum")
    return start + int(extra_bytes)


def _find_end(read: Read, size: int) -> _End:
    reach = min(size, _END.size + _MAX_COMMENT + _END64_PLACE.size)
    tail = read(size - reach, reach)
    position = len(tail) - _END.size
    # The last mark whose comment ends with the file; one inside a comment does not.
    while position >= 0:
        position = tail.rfind(b"PK\5\6", 0, position + 4)
        if position < 0:
            break
        if position + _END.size + _END.unpack_from(tail, position)[-1] == len(tail):
            return _read_end(read, tail, position, size - len(tail) + position)
        position -= 1
    if read(0, 4) in (b"PK\3\4", b"PK\5\6"):
        raise _damaged("the end is missing: it was cut short")
    raise InvalidInput("not a zip file", kind="not-an-archive")


def _read_end(read: Read, tail: bytes, position: int, start: int) -> _End:
    _, disk, first, here, count, size, offset, _ = _END.unpack_from(tail, position)
    place = position - _END64_PLACE.size
    if place >= 0 and tail.startswith(b"PK\6\7", place):
        _, disk64, start64, disks = _END64_PLACE.unpack_from(tail, place)
        record = read(start64, _END64.size)
        if len(record) < _END64.size or not record.startswith(b"PK\6\6"):
            raise _damaged("the zip64 end is not where it is said to be")
        (_, rest, _, _, disk, first, here, wide_count, wide_size, wide_offset) = _END64.unpack(
            record
        )
        narrow = zip((count, size, offset), (_WIDE16, _WIDE32, _WIDE32), strict=True)
        wide = (wide_count, wide_size, wide_offset)
        if any(low not in (mark, full) for (low, mark), full in zip(narrow, wide, strict=True)):
            raise _damaged("its two ends disagree")
        if disk64 or disks > 1 or start64 + 12 + rest != start - _END64_PLACE.size:
            raise _damaged("the zip64 end is not where it is said to be")
        count, size, offset = wide
        start = start64
    if disk or first or here != count:
        raise InvalidInput("part of an archive in several files", kind="not-an-archive")
    if offset + size != start:
        raise _damaged("there are bytes before it, or some are missing")
    return _End(count, size, offset)


def _central(data: bytes, position: int) -> tuple[Member, int]:
    if position + _CENTRAL.size > len(data) or not data.startswith(b"PK\1\2", position):
        raise _damaged("the directory is not whole")
    (_, _, _, flags, method, _, _, crc, stored, size, *lengths, disk, _, attributes, header) = (
        _CENTRAL.unpack_from(data, position)
    )
    start = position + _CENTRAL.size
    extra_start = start + lengths[0]
    end = extra_start + lengths[1] + lengths[2]
    if end > len(data):
        raise _damaged("the directory is not whole")
    raw_name = data[start:extra_start]
    name = _decode_name(raw_name, flags)
    if flags & (FLAG_ENCRYPTED | FLAG_PATCH):
        raise InvalidInput(f"member {name!r} is encrypted", kind="archive-encrypted", member=name)
    if method != STORED:
        raise InvalidInput(
            f"member {name!r} is compressed",
            kind="archive-compressed",
            hint="the members of a graven archive are stored as they are: unpack it, and"
            " pack it again without compression (zip -0 -r)",
            member=name,
        )
    if _WIDE32 in (stored, size, header):
        extra = data[extra_start : extra_start + lengths[1]]
        size, stored, header = _wide_fields(extra, (size, stored, header))
    if stored != size or disk:
        raise _damaged(f"member {name!r} is stored as it is and has two sizes")
    return Member(name, raw_name, flags, crc, size, header, attributes >> 16), end


def _wide_fields(extra: bytes, fields: Sequence[int]) -> list[int]:
    """``fields`` with those that did not fit into 32 bits, taken from the zip64 record."""
    position = 0
    while position + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, position)
        position += _EXTRA.size
        if kind == _ZIP64_EXTRA:
            record = extra[position : position + length]
            out = []
            for field in fields:
                value, record = (record[:8], record[8:]) if field == _WIDE32 else (None, record)
                if value is not None and len(value) < 8:
                    break
                out.append(field if value is None else int.from_bytes(value, "little"))
            if len(out) == len(fields):
                return out
            break
        position += length
    raise _damaged("a size does not fit and is nowhere else")


def _decode_name(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & FLAG_UTF8 else "cp437")
    except UnicodeDecodeError:
        raise _damaged(f"the name of a member is not UTF-8: {raw[:60]!r}") from None


def _check_room(members: Sequence[Member], end: int) -> None:
    """Every member has bytes of its own: a small archive must not claim to be a large one."""
    limit = end
    for member in sorted(members, key=lambda member: member.header, reverse=True):
        if member.header + _LOCAL.size + len(member.raw_name) + member.size > limit:
            raise _damaged(f"member {member.name!r} overlaps what follows it")
        limit = member.header


def is_plain(member: Member) -> bool:
    """True for a file or folder; False for links, devices and the like."""
    return stat.S_IFMT(member.mode) in (0, stat.S_IFREG, stat.S_IFDIR)


def _damaged(what: str) -> Corrupt:
    return Corrupt(f"the archive is damaged: {what}", kind="bad-archive")


def _disagree(member: Member, what: str) -> Corrupt:
    return Corrupt(
        f"the archive is damaged: the header of {member.name!r} {what}",
        kind="bad-archive",
        member=member.name,
    )
