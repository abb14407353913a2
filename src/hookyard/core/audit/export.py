"""The trail of a tenant as JSON lines, and the reader that verifies them wherever they lie.

Each line is an object whose `record` says what it is: first `head`, then every `checkpoint`, then
every `entry` in the order of `seq`, and `end`, without which the file was cut off.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.audit import store
from hookyard.core.audit.chain import (
    Broken,
    Checkpoint,
    Head,
    Link,
    Trust,
    Verifier,
    checkpoint_of,
    link_of,
)

FORMAT = "hookyard.audit.v1"
PORTION = 500
MAX_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying a trail found: `broken` is None when all of it holds."""

    tenant: str
    entries: int
    checkpoints: int
    head_seq: int
    head_hash: str
    broken: Broken | None


async def export(database: Database, tenant: str) -> AsyncIterator[str]:
    """The lines of a tenant's trail up to its present head, read portion by portion."""
    head, signed = await database.read(lambda unit: _beginning(unit, tenant))
    yield _line("head", {"format": FORMAT, "tenant": tenant, "seq": head.seq, "hash": head.hash})
    for checkpoint in signed:
        yield _line("checkpoint", asdict(checkpoint))
    after, entries = 0, 0
    while True:
        portion = await _portion(database, tenant, after, head.seq)
        for link in portion:
            yield _line("entry", asdict(link))
        entries += len(portion)
        if len(portion) < PORTION:
            break
        after = portion[-1].seq
    yield _line("end", {"entries": entries})


async def verify(database: Database, tenant: str, trust: Trust) -> Report:
    """Verify a tenant's trail where it is kept."""
    head, signed = await database.read(lambda unit: _beginning(unit, tenant))
    verifier = Verifier(head, trust)
    for checkpoint in signed:
        verifier.checkpoint(checkpoint)
    after = 0
    while portion := await _portion(database, tenant, after, head.seq):
        for link in portion:
            verifier.entry(link)
        after = portion[-1].seq
    return _report(verifier)


class ExportReader:
    """Verifies an export line by line, in memory that does not grow with the entries."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._verifier: Verifier | None = None
        self._number = 0
        self._read = 0
        self._ended = False
        self._wrong: Broken | None = None

    def feed(self, line: str) -> None:
        """The next line; an empty one is passed over."""
        self._number += 1
        if self._wrong is not None or not line.strip():
            return
        try:
            self._take(line)
        except (ValueError, RecursionError) as error:
            self._wrong = Broken(self._last(), f"line {self._number} cannot be read: {error}")

    def end(self) -> Report:
        """There are no more lines: what was found."""
        if self._verifier is None:
            none = self._wrong or Broken(0, "this is no export of an audit trail")
            return Report("", 0, 0, 0, "", none)
        report = _report(self._verifier)
        wrong = self._wrong
        if wrong is None and not self._ended:
            wrong = Broken(self._last(), "the export was cut off: its last line is missing")
        if wrong is not None and (report.broken is None or report.broken.seq >= wrong.seq):
            report = replace(report, broken=wrong)
        return report

    def _take(self, line: str) -> None:
        if len(line) > MAX_LINE:
            raise ValueError(f"it is over {MAX_LINE} characters")
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        record, verifier = found.get("record"), self._verifier
        if self._ended:
            raise ValueError("it comes after the end")
        if verifier is None:
            self._verifier = Verifier(_head_of(record, found), self._trust)
        elif record == "checkpoint" and not self._read:
            verifier.checkpoint(checkpoint_of(found))
        elif record == "entry":
            self._read += 1
            verifier.entry(link_of(found))
        elif record == "end":
            self._ended = True
            if found.get("entries") != self._read:
                raise ValueError(f"it says {found.get('entries')} entries, not {self._read}")
        else:
            raise ValueError("a line like this does not belong here")

    def _last(self) -> int:
        return 0 if self._verifier is None else self._verifier.last_seq + 1


def _beginning(unit: Unit, tenant: str) -> tuple[Head, list[Checkpoint]]:
    return store.head_of(unit, tenant), store.checkpoints(unit, tenant)


async def _portion(database: Database, tenant: str, after: int, up_to: int) -> list[Link]:
    return await database.read(lambda unit: store.links(unit, tenant, after, up_to, PORTION))


def _report(verifier: Verifier) -> Report:
    broken, head = verifier.end(), verifier.head
    return Report(head.tenant, verifier.entries, verifier.checkpoints, head.seq, head.hash, broken)


def _head_of(record: object, found: dict[str, object]) -> Head:
    tenant, seq, entry_hash = found.get("tenant"), found.get("seq"), found.get("hash")
    if record != "head" or found.get("format") != FORMAT:
        raise ValueError(f"an export begins with a head of format {FORMAT}")
    if not isinstance(tenant, str) or type(seq) is not int or not isinstance(entry_hash, str):
        raise ValueError("the head names no tenant, number and hash")
    return Head(tenant, seq, entry_hash)


def _line(record: str, values: dict[str, object]) -> str:
    return json.dumps({"record": record, **values}, separators=(",", ":")) + "\n"
