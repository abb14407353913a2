"""Whose a repository is, remembered: metering asks at the end of every job that has one.

# why: bindings change seldom. A change is heard at once in this process and soon in others; one
# that is missed shows after MEMORY_MS at the latest.
"""

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity.scopes import FindRepository
from hookyard.features.billing import rules, store
from hookyard.features.billing.model import Book
from hookyard.kit.clock import Clock

CHANNEL = "billing"
MEMORY_MS = 10_000
NAMES = 10_000


class Bookkeeper:
    """Answers whose a repository is, from memory where it can. Units may ask from any thread."""

    def __init__(self, database: Database, clock: Clock, find: FindRepository) -> None:
        self._database = database
        self._clock = clock
        self._find = find
        self._book = Book()
        self._until_ms = 0
        self._version = 0
        database.listen(CHANNEL, self.forget)

    def project_of(self, unit: Unit, repository: str) -> str | None:
        """The project a repository belongs to, by any name it has or had."""
        book = self.book(unit)
        if book.is_empty:
            return None
        name = repository.lower()
        if name in book.names:
            return book.names[name]
        found = self._find(unit, name)
        known, present = (None, name) if found is None else found
        project = rules.project_of(book, present, known)
        if len(book.names) >= NAMES:
            book.names.clear()
        book.names[name] = project
        return project

    def book(self, unit: Unit) -> Book:
        """All bindings, read again when they are too old or changed."""
        now_ms = self._clock.now_ms()
        if now_ms < self._until_ms:
            return self._book
        version = self._version
        book = rules.book_of(store.all_bindings(unit), store.with_budgets(unit))
        self._book = book
        # why: a change that was committed while we read may have come too late for what was read.
        self._until_ms = now_ms + MEMORY_MS if version == self._version else 0
        return book

    def forget(self) -> None:
        """Read everything again before the next answer."""
        self._version += 1
        self._until_ms = 0

    def tell(self) -> None:
        """Bindings or budgets changed: forget here, and say so to other processes. On the loop."""
        self._database.announce(CHANNEL)
