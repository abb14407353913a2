"""CRC-32C, which Google sends with secrets and keys so that damage on the way shows.

# spec: RFC 3720, appendix B.4: polynomial 0x1EDC6F41, reflected; "123456789" gives 0xE3069283.
"""

_POLYNOMIAL = 0x82F63B78


def _entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(_entry(value) for value in range(256))


def crc32c(data: bytes) -> int:
    """The checksum of some kilobytes, an unsigned 32-bit number."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
