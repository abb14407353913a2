"""Lines of a stream of bytes, one JSON object each."""

from collections.abc import Iterable, Iterator

import msgspec

from hookyard.features.testruns.limits import MAX_LINE, Limits, Refused
from hookyard.features.testruns.model import Problem
from hookyard.kit.json import Json, JsonObject

_DECODER = msgspec.json.Decoder()


def lines(chunks: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """Lines without their ends, empty ones left out; Refused when one is too long."""
    held, total, seen = b"", 0, 0
    for chunk in chunks:
        total += len(chunk)
        if total > limits.bytes:
            raise Refused(Problem.TOO_LARGE, f"more than {limits.bytes} bytes")
        *whole, held = (held + chunk).split(b"\n")
        if len(held) > MAX_LINE:
            raise Refused(Problem.LIMIT, f"a line is longer than {MAX_LINE} bytes")
        for line in whole:
            seen += 1
            if seen > limits.elements:
                raise Refused(Problem.LIMIT, f"more than {limits.elements} lines")
            if stripped := line.strip():
                yield stripped
    if stripped := held.strip():
        yield stripped


def decode(line: bytes) -> Json:
    """A line's value; None when it is no JSON."""
    try:
        found: Json = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found


def as_event(line: bytes) -> JsonObject | None:
    """The object of a line, also when it stands alone in an array; None when there is none."""
    value = decode(line)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else None
