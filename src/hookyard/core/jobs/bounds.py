"""What people and agents may give the ledger to keep: JSON of bounded size, depth and numbers."""

from collections.abc import Mapping, Sequence

from hookyard.core.jobs import store
from hookyard.kit.errors import Invalid, TooLarge
from hookyard.kit.json import Json

MAX_DEPTH = 32


def bounded(value: Json, what: str, limit: int) -> Json:
    """The value, when the ledger can keep it.

    TooLarge over `limit` bytes of JSON, Invalid for deep nesting or numbers past 64 bits.
    """
    check_kept(value, what)
    try:
        size = len(store.encode(value))
    except (TypeError, ValueError, RecursionError):
        raise Invalid(f"the {what} is not JSON") from None
    if size > limit:
        raise TooLarge(f"the {what} is over {limit} bytes of JSON")
    return value


def check_kept(value: Json, what: str, deepest: int = MAX_DEPTH, depth: int = 0) -> None:
    """Invalid for what the ledger cannot keep: whole numbers past 64 bits, deep nesting."""
    if depth > deepest:
        raise Invalid(f"the {what} is nested deeper than {deepest} levels")
    if isinstance(value, Mapping):
        for inner in value.values():
            check_kept(inner, what, deepest, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            check_kept(inner, what, deepest, depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid(f"the {what} has a whole number of more than 64 bits")
