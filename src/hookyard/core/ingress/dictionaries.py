"""The dictionaries of one database, kept in memory once they were needed."""

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress import store_dictionaries as store
from hookyard.core.ingress.dictionary import Dictionary, wanted


class Dictionaries:
    """Looks dictionaries up by number, or by what a packed body needs."""

    def __init__(self) -> None:
        self._known: dict[int, Dictionary] = {}

    def of(self, unit: Unit, payload: bytes) -> Dictionary | None:
        """The dictionary a packed body needs; None when it needs none, or that one is gone."""
        number = wanted(payload)
        return self.numbered(unit, number) if number else None

    def numbered(self, unit: Unit, number: int) -> Dictionary | None:
        """A dictionary by its number, or None."""
        known = self._known.get(number)
        if known is None:
            content = store.content(unit, number)
            if content is None:
                return None
            known = self._known[number] = Dictionary.of(content)
        return known
