"""Use case of importing: `POST /v1/{entity}/_import`, NDJSON as it streams in.

Each batch of lines is one transaction, by the way of every write. With a key, a batch is done
once: whoever was cut off sends the same lines under the same key again, and what was written
is answered from what was kept.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import msgspec

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency.model import Claim, KeptAnswer, digest_of, fingerprint_of
from hookyard.features.records.bulk.lines import Batch, Lines
from hookyard.features.records.bulk.loading import Loading, Mode, load
from hookyard.features.records.query.params import flag, read_query
from hookyard.features.records.shape import encode
from hookyard.features.records.trouble import wrong
from hookyard.features.records.writing.model import Caller, Verb
from hookyard.features.records.writing.service import Writes
from hookyard.features.records.writing.steps import Work
from hookyard.kit.errors import HookyardError, Unavailable
from hookyard.kit.json import JsonObject, as_int, as_list, as_object

AT_ONCE = 4
PROBLEMS_TOLD = 1_000
_KNOWN = frozenset({"mode", "dry_run"})
_FORBIDDEN = frozenset({"tenant_mismatch", "field_forbidden"})

Tell: TypeAlias = Callable[[str], Awaitable[None]]
"""Notes what a caller was refused for want of a right, in a call that goes on."""

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Asked:
    """How an import is to be done."""

    mode: Mode
    dry_run: bool

    @property
    def verb(self) -> Verb:
        """The write it takes the rights of."""
        return Verb.CREATE if self.mode is Mode.CREATE else Verb.UPSERT


@dataclass(slots=True)
class Report:
    """What became of an import so far; `replayed` lines were written by an earlier try."""

    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    replayed: int = 0
    problems: list[JsonObject] = field(default_factory=list)

    def add(self, batch: Batch, body: bytes, *, replayed: bool) -> int:
        """Count a batch in; how many of its lines were refused for want of a right."""
        said = as_object(_decode(body))
        problems = [as_object(one) for one in as_list(said["problems"])]
        self.lines += len(batch.lines)
        self.created += as_int(said["created"]) or 0
        self.updated += as_int(said["updated"]) or 0
        self.unchanged += as_int(said["unchanged"]) or 0
        self.failed += len(problems)
        self.replayed += len(batch.lines) if replayed else 0
        self.problems += problems[: PROBLEMS_TOLD - len(self.problems)]
        return sum(one["code"] in _FORBIDDEN for one in problems)

    def counts(self) -> JsonObject:
        """The numbers alone."""
        return {
            "lines": self.lines,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "replayed": self.replayed,
        }


def asked_of(query: bytes) -> Asked:
    """How an import is asked for; Invalid for what is not known."""
    params = read_query(query, _KNOWN)
    mode = params.get("mode", Mode.CREATE.value)
    known = [one.value for one in Mode]
    if mode not in known:
        raise wrong("/mode", "not_in_enum", f"must be one of {', '.join(known)}")
    return Asked(Mode(mode), flag("dry_run", params.get("dry_run")))


class Imports:
    """Loads lines."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes
        self.running = 0

    async def run(
        self,
        caller: Caller,
        loading: Loading,
        key: str | None,
        chunks: AsyncIterator[bytes],
        tell: Tell,
    ) -> bytes:
        """Load every line; the report as it is answered. A refusal of a whole batch, as of one
        that is another one under its key, says which line it begins with and what was done.
        `tell` hears of lines that the caller had no right to send, with their batch."""
        if self.running >= AT_ONCE:
            raise Unavailable("enough imports are running already", retry_after_s=10)
        self.running += 1
        report, lines = Report(), Lines()
        try:
            async for chunk in chunks:
                for batch in lines.feed(chunk):
                    await self._batch(caller, loading, key, batch, report, tell)
            for batch in lines.end():
                await self._batch(caller, loading, key, batch, report, tell)
        finally:
            self.running -= 1
        return encode({**report.counts(), "dryRun": caller.dry_run, "problems": report.problems})

    async def _batch(
        self,
        caller: Caller,
        loading: Loading,
        key: str | None,
        batch: Batch,
        report: Report,
        tell: Tell,
    ) -> None:
        if key is not None:
            caller = replace(caller, claim=_claim(caller, loading, key, batch))

        def answer(unit: Unit, work: Work) -> KeptAnswer:
            return load(unit, work, loading, batch)

        try:
            found = await self._writes.together(caller, "records.import", answer)
        except HookyardError as error:
            error.facts = {**error.facts, "line": batch.first, "done": report.counts()}
            raise
        refused = report.add(batch, found.answer.body, replayed=found.replayed)
        if refused:
            await tell(
                f"{refused} lines, from line {batch.first} on, without a right to what they say"
            )


def _claim(caller: Caller, loading: Loading, key: str, batch: Batch) -> Claim:
    name = loading.shape.entity.name
    return Claim(
        digest_of(caller.actor.label, f"POST /v1/{name}/_import", f"{key}\0{batch.first}"),
        fingerprint_of(f"{name}?mode={loading.mode.value}", batch.content),
    )
