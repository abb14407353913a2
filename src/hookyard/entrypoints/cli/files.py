"""Files and standard input, read for offline commands."""

import sys
from pathlib import Path

from hookyard.entrypoints.cli.group import Failed

MAX_BYTES = 32 * 1024 * 1024


def read_file(name: str) -> bytes:
    """The bytes of a file, or of standard input for `-`; Failed when they cannot be had."""
    try:
        if name == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Failed(f"{name} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise Failed(f"{name} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return raw
