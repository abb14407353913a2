"""Reads zip files that strangers made: members are listed and streamed, nothing goes to disk.

Every number the file states is taken for a claim: bytes are counted as they come out, members that
share bytes are found, and what is over a limit ends the reading. `ZipRefused` names the reason in
one word: `not_a_zip`, `broken_zip`, `bomb`, `too_many_members`, `too_large`; of one member
`unsafe_name`, `link`, `duplicate_member`, `encrypted`, `unknown_compression`.

# spec: APPNOTE.TXT 6.3.10 of PKWARE: 4.3.7 local header, 4.3.12 central directory, 4.3.14-16 ends.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

MIB = 1024 * 1024
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_MAX_COMMENT = 65_535
_STORED, _DEFLATED = 0, 8
_BLOCK = 64 * 1024
_MAX32, _MAX16 = 0xFFFF_FFFF, 0xFFFF
_UNIX = 3
_FORMAT = 0o170000
_HARMLESS = frozenset({0, 0o100000, 0o040000})


class ZipRefused(Exception):
    """The file, or one member of it, must not be read on. `reason` is one word."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """Bounds: members, bytes of the directory, bytes out of one member and out of all, and how
    many times larger than its packed form a member may become once it is past `ratio_from`."""

    members: int = 10_000
    directory: int = 8 * MIB
    member_bytes: int = 256 * MIB
    total_bytes: int = 1024 * MIB
    ratio: int = 150
    ratio_from: int = 16 * MIB


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of the directory. `refused` says why it must not be read, where it must not."""

    name: str
    packed: int
    size: int
    crc: int
    method: int
    offset: int
    is_folder: bool
    refused: str | None = None


class ZipReader:
    """A zip in a seekable file."""

    def __init__(self, file: IO[bytes], limits: ZipLimits | None = None) -> None:
        self._file = file
        self._limits = limits or ZipLimits()
        self._given = 0

    def members(self) -> list[Member]:
        """Every entry in the order of the directory; ZipRefused when the whole cannot be read."""
        count, size, offset, end = self._ends()
        if count > self._limits.members:
            raise ZipRefused("too_many_members", f"more than {self._limits.members} members")
        if size > self._limits.directory:
            raise ZipRefused("too_large", "the directory of the zip is too large")
        if offset + size > end:
            raise ZipRefused("broken_zip", "the directory lies outside of the file")
        self._file.seek(offset)
        found = list(_entries(self._file.read(size), count))
        self._find_shared(found, offset)
        names = Counter(_plain(member.name) for member in found)
        return [
            replace(member, refused=member.refused or "duplicate_member")
            if names[_plain(member.name)] > 1
            else member
            for member in found
        ]

    def read(self, member: Member) -> Iterator[bytes]:
        """A member's bytes, some at a time; ZipRefused as soon as something is wrong."""
        if member.refused is not None:
            raise ZipRefused(member.refused, f"a member is refused: {member.refused}")
        if member.size > self._limits.member_bytes:
            raise ZipRefused("too_large", f"a member of {member.size} bytes")
        self._file.seek(self._start_of(member))
        checksum = out = 0
        for data, packed in self._inflated(member):
            out += len(data)
            self._given += len(data)
            self._bound(member, out, packed)
            checksum = zlib.crc32(data, checksum)
            yield data
        if out != member.size or checksum != member.crc:
            raise ZipRefused("broken_zip", "a member is not what the directory says of it")

    def _bound(self, member: Member, out: int, packed: int) -> None:
        limits = self._limits
        if out > member.size or out > limits.member_bytes:
            raise ZipRefused("bomb", "a member unpacks to more than it says")
        if self._given > limits.total_bytes:
            raise ZipRefused("bomb", f"the zip unpacks to more than {limits.total_bytes} bytes")
        if out > limits.ratio_from and out > packed * limits.ratio:
            raise ZipRefused("bomb", f"a member unpacks to over {limits.ratio} times its size")

    def _inflated(self, member: Member) -> Iterator[tuple[bytes, int]]:
        """Bytes, and how many packed ones were taken for all so far.

        # why: `read` may stop between two blocks and another member be read, so it seeks.
        """
        at, left = self._file.tell(), member.packed
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
        while left > 0:
            self._file.seek(at)
            raw = self._file.read(min(_BLOCK, left))
            if not raw:
                raise ZipRefused("broken_zip", "the zip breaks off inside a member")
            at, left = at + len(raw), left - len(raw)
            if unpacker is None:
                yield raw, member.packed - left
                continue
            try:
                while raw:
                    data = unpacker.decompress(raw, _BLOCK)
                    raw = unpacker.unconsumed_tail
                    if data:
                        yield data, member.packed - left - len(raw)
            except zlib.error:
                raise ZipRefused("broken_zip", "a member cannot be unpacked") from None
        if unpacker is not None and not unpacker.eof:
            raise ZipRefused("broken_zip", "a member breaks off")

    def _start_of(self, member: Member) -> int:
        self._file.seek(member.offset)
        raw = self._file.read(_LOCAL.size)
        if len(raw) < _LOCAL.size or not raw.startswith(b"PK\x03\x04"):
            raise ZipRefused("broken_zip", "a member is not where the directory says")
        values = _LOCAL.unpack(raw)
        return member.offset + _LOCAL.size + int(values[-2]) + int(values[-1])

    def _find_shared(self, members: list[Member], directory: int) -> None:
        """# why: bombs without nesting let many members share the same packed bytes."""
        end = 0
        for member in sorted(members, key=lambda one: one.offset):
            if member.offset < end:
                raise ZipRefused("bomb", "members share bytes")
            end = member.offset + _LOCAL.size + member.packed
        if end > directory:
            raise ZipRefused("broken_zip", "a member lies outside of the file")

    def _ends(self) -> tuple[int, int, int, int]:
        """(members, bytes and start of the directory, where it must end)."""
        length = self._file.seek(0, 2)
        tail_at = max(0, length - _END.size - _MAX_COMMENT)
        self._file.seek(tail_at)
        tail = self._file.read(_END.size + _MAX_COMMENT)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END.size:
            raise ZipRefused("not_a_zip", "it is no zip file, or breaks off")
        values = _END.unpack_from(tail, at)
        count, size, offset = int(values[4]), int(values[5]), int(values[6])
        end = tail_at + at
        if count == _MAX16 or size == _MAX32 or offset == _MAX32:
            return self._ends64(end) or (count, size, offset, end)
        return count, size, offset, end

    def _ends64(self, end: int) -> tuple[int, int, int, int] | None:
        place = end - _LOCATOR64.size
        if place < 0:
            return None
        self._file.seek(place)
        locator = _LOCATOR64.unpack(self._file.read(_LOCATOR64.size))
        if locator[0] != b"PK\x06\x07" or locator[2] > place:
            return None
        self._file.seek(locator[2])
        raw = self._file.read(_END64.size)
        if len(raw) < _END64.size or not raw.startswith(b"PK\x06\x06"):
            raise ZipRefused("broken_zip", "the end of the zip is damaged")
        values = _END64.unpack(raw)
        return int(values[7]), int(values[8]), int(values[9]), int(locator[2])


def _entries(raw: bytes, count: int) -> Iterator[Member]:
    at = 0
    for _ in range(count):
        if len(raw) - at < _CENTRAL.size or raw[at : at + 4] != b"PK\x01\x02":
            raise ZipRefused("broken_zip", "the directory of the zip is damaged")
        values = _CENTRAL.unpack_from(raw, at)
        name_length, extra_length, comment_length = (int(v) for v in values[12:15])
        name_at = at + _CENTRAL.size
        extra_at = name_at + name_length
        at = extra_at + extra_length + comment_length
        if at > len(raw):
            raise ZipRefused("broken_zip", "the directory of the zip is damaged")
        yield _member(values, raw[name_at:extra_at], raw[extra_at : extra_at + extra_length])


def _member(values: tuple[int, ...], raw_name: bytes, extra: bytes) -> Member:
    flags, method, crc, packed, size = values[5], values[6], values[9], values[10], values[11]
    made_by, attributes, offset = values[2], values[17], values[18]
    size, packed, offset = _wide(extra, size, packed, offset)
    name = raw_name.decode("utf-8" if flags & 0x800 else "cp437", "replace")
    mode = attributes >> 16 if made_by == _UNIX else 0
    return Member(
        name=name,
        packed=packed,
        size=size,
        crc=crc,
        method=method,
        offset=offset,
        is_folder=name.endswith("/"),
        refused=_refusal(name, flags, method, mode),
    )


def _wide(extra: bytes, *values: int) -> tuple[int, ...]:
    """# spec: 4.5.3: 64-bit values stand in the extra field for those that are all ones."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind == 1:
            wide = [int(v) for (v,) in struct.iter_unpack("<Q", body[: len(body) // 8 * 8])]
            return tuple(wide.pop(0) if value == _MAX32 and wide else value for value in values)
    return values


def _refusal(name: str, flags: int, method: int, mode: int) -> str | None:
    if flags & 0x41:
        return "encrypted"
    if mode & _FORMAT not in _HARMLESS:
        return "link"
    if not is_safe(name):
        return "unsafe_name"
    return None if method in (_STORED, _DEFLATED) else "unknown_compression"


def is_safe(name: str) -> bool:
    """Whether a name is a plain relative path, on every kind of machine."""
    if not name or len(name) > 1_000 or "\x00" in name or name.startswith(("/", "\\")):
        return False
    if name[1:2] == ":":
        return False
    return ".." not in name.replace("\\", "/").split("/")


def _plain(name: str) -> str:
    return name.replace("\\", "/").strip("/")
