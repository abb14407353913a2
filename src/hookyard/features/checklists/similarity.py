"""How alike two short texts are, from 0 to 1, in bounded time. Pure.

# spec: Dice's coefficient over the multisets of letter pairs; short texts near the threshold also
# get Ratcliff/Obershelp matching, which one typo disturbs less.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher

COMPARED = 300
SHORT = 64
_NEAR = 0.4
_SPLIT = 0.8


@dataclass(frozen=True, slots=True)
class Likeness:
    """A text made ready for comparison. `grams` are letter pairs, numbered where they repeat."""

    text: str
    grams: frozenset[tuple[str, int]]

    def to(self, newer: "Likeness") -> float:
        """Likeness of a newer text; a text split off the front of this one counts as alike."""
        total = len(self.grams) + len(newer.grams)
        smaller = min(len(self.grams), len(newer.grams))
        if not smaller:
            return 1.0 if self.text == newer.text else 0.0
        if self._begins_with(newer):
            return _SPLIT
        if 2 * smaller < _NEAR * total:
            return 0.0
        score = 2 * len(self.grams & newer.grams) / total
        if _NEAR <= score < 1 and max(len(self.text), len(newer.text)) <= SHORT:
            return max(score, SequenceMatcher(None, self.text, newer.text, autojunk=False).ratio())
        return score

    def _begins_with(self, newer: "Likeness") -> bool:
        cut = len(newer.text)
        if not (len(self.text) > cut >= max(8, len(self.text) // 4)):
            return False
        return self.text.startswith(newer.text) and not self.text[cut].isalnum()


def likeness(text: str, at_most: int = COMPARED) -> Likeness:
    """The first `at_most` characters of a text, ready for comparison."""
    compared = text[:at_most]
    padded = f" {compared} "
    seen: dict[str, int] = {}
    grams: set[tuple[str, int]] = set()
    for at in range(len(padded) - 1) if compared else ():
        pair = padded[at : at + 2]
        seen[pair] = seen.get(pair, 0) + 1
        grams.add((pair, seen[pair]))
    return Likeness(compared, frozenset(grams))
