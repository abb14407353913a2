"""Keeps count of what was odd about a report's entries, with one example of each; pure."""

from hookyard.features.codehealth.model import Noted
from hookyard.features.codehealth.words import one_line
from hookyard.kit.json import Json

EXAMPLE = 120


class Notes:
    """Collects by code. The example is the least by its text, so that order does not matter."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str, bool]] = {}

    def add(self, code: str, value: Json = None, *, lost: bool = False) -> None:
        """One more entry with this oddity; `lost` when the entry is left out for it."""
        shown = one_line(value if isinstance(value, str) else _shape(value), EXAMPLE)
        count, example, was_lost = self._found.get(code, (0, shown, lost))
        self._found[code] = (count + 1, min(example, shown), was_lost or lost)

    def all(self) -> tuple[Noted, ...]:
        """Everything noted, by code."""
        return tuple(
            Noted(code, count, example, lost)
            for code, (count, example, lost) in sorted(self._found.items())
        )


def _shape(value: Json) -> str:
    """What kind of value it is; numbers are shown as they are."""
    if value is None or isinstance(value, bool | int | float):
        return f"{value}"[:EXAMPLE]
    return "an object" if hasattr(value, "keys") else "a list"
