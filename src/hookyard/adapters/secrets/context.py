"""The context of a wrapped key as bytes: the same for the same names and values only."""

import json
from collections.abc import Mapping


def context_bytes(context: Mapping[str, str]) -> bytes:
    """Names and values in one order, with no way to read two contexts out of one text."""
    return json.dumps(dict(sorted(context.items())), separators=(",", ":")).encode("ascii")
