"""Use cases of test runs: record what an attempt's artifacts said, and look it up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping

from hookyard.adapters.database.port import Unit
from hookyard.core.blobs.model import BlobRef, OwnerKind
from hookyard.core.blobs.service import forget_blobs, name_blob
from hookyard.features.testruns import store, store_cases, store_reads
from hookyard.features.testruns.model import (
    ArtifactRead,
    Case,
    Claim,
    Found,
    History,
    MemberRead,
    Outcome,
    Report,
    ResultsStored,
    Run,
    RunFacts,
)
from hookyard.features.testruns.packing import Names
from hookyard.features.testruns.rules import Judgement, Nature, judge
from hookyard.kit.ids import IdMaker
from hookyard.kit.pages import Page, decode_cursor, encode_cursor, id_in, page_of
from hookyard.kit.text import storable

_PACKED = "application/zstd"
_KEPT = "application/json"
DAY_MS = 86_400_000
HISTORY_DAYS = 90
MAX_HISTORY_ROWS = 20_000


def hear_nothing(_unit: Unit, _news: object) -> None:
    """A listener for where nobody listens."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which notable cases are wanted; None is all."""

    outcome: Outcome | None = None
    flaky: bool | None = None
    criterion: str | None = None
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A notable case of a report."""

    report_id: str
    ordinal: int
    case_key: str
    case: Case


@dataclass(frozen=True, slots=True)
class Purged:
    """How many runs went, and keys of blobs to let go of after the commit."""

    runs: int
    keys: Sequence[str]


class TestRuns:
    """Keeps test results.

    `told` hears, in the unit that stored them, that results of an attempt are there; `also` is
    handed members of artifacts that are another room's. Both may only enqueue.
    """

    __test__ = False  # why: pytest takes a class of this name for tests.

    def __init__(
        self,
        ids: IdMaker,
        told: Callable[[Unit, ResultsStored], None] = hear_nothing,
        also: Callable[[Unit, Found], None] = hear_nothing,
    ) -> None:
        self._ids = ids
        self._told = told
        self._also = also

    def open_attempt(self, unit: Unit, facts: RunFacts, now_ms: int) -> str:
        """The id of an attempt's row, made when there is none yet."""
        store.lock(unit, facts.repository, facts.run_id)
        row = store.find_run(unit, facts.repository, facts.run_id, facts.attempt)
        if row is not None:
            return str(row["id"])
        id_ = self._ids.new(now_ms)
        store.add_run(unit, id_, facts, now_ms)
        return id_

    def knows(self, unit: Unit, facts: RunFacts, artifact_id: int, digest: str) -> bool:
        """Whether these bytes of an artifact are stored under this attempt already.

        With "" for the digest: whether it is stored that they could not be got.
        """
        row = store.find_run(unit, facts.repository, facts.run_id, facts.attempt)
        return row is not None and store.has_artifact(unit, row["id"], artifact_id, digest)

    def record(
        self,
        unit: Unit,
        facts: RunFacts,
        artifact: ArtifactRead,
        now_ms: int,
        delivery_id: str | None = None,
    ) -> bool:
        """Store what an artifact's members came to; False when it was stored before.

        The same artifact under a later attempt is stored there too, and counted in the history
        once.
        """
        test_run_id = self.open_attempt(unit, facts, now_ms)
        if store.has_artifact(unit, test_run_id, artifact.id, artifact.digest):
            return False
        store.drop_not_got(unit, test_run_id, artifact.id)
        again = store.seen_in_another_attempt(unit, facts, artifact.id)
        for read in artifact.members:
            report_id = self._ids.new(now_ms)
            self._store(unit, test_run_id, report_id, artifact, read, now_ms)
            if not again:
                store_cases.note_failures(unit, facts.repository, facts.head_sha, read, now_ms)
            if read.kept is not None:
                self._also(unit, _found(facts, artifact, read, delivery_id))
        return True

    def finish(
        self, unit: Unit, facts: RunFacts, now_ms: int, delivery_id: str | None, *, news: bool
    ) -> None:
        """All artifacts were read: from now on the attempt counts, and the listener is told.

        Without `news` nothing was stored since it was told last, and it is not told again.
        """
        test_run_id = self.open_attempt(unit, facts, now_ms)
        row = store.find_run(unit, facts.repository, facts.run_id, facts.attempt)
        if not news and row is not None and row["stored_at_ms"] is not None:
            return
        store.close_run(unit, test_run_id, facts, now_ms)
        self._told(
            unit,
            ResultsStored(
                facts.repository,
                facts.head_sha,
                facts.head_repository,
                facts.run_id,
                facts.attempt,
                facts.from_fork,
                facts.pull_requests,
                delivery_id,
            ),
        )

    def claims(self, unit: Unit, repository: str, head_sha: str) -> tuple[Claim, ...]:
        """Every case on this commit that names a criterion, of each run's newest attempt."""
        return tuple(store_cases.claims(unit, repository, head_sha))

    def reports(self, unit: Unit, repository: str, head_sha: str) -> tuple[Report, ...]:
        """Every report and problem on this commit, of each run's newest attempt."""
        return tuple(store_reads.reports_of_commit(unit, repository, head_sha))

    def list_runs(
        self, unit: Unit, repository: str, head_sha: str | None, cursor: str | None, limit: int
    ) -> Page[Run]:
        """Stored attempts, newest first."""
        rows = store_reads.runs_page(unit, repository, head_sha, id_in(cursor), limit + 1)
        return page_of(rows, limit, lambda row: row.id)

    def find(
        self, unit: Unit, repository: str, run_id: int, attempt: int | None
    ) -> tuple[Run, tuple[Report, ...]] | None:
        """An attempt of a run, or its newest, with its reports and problems."""
        run = store_reads.find(unit, repository, run_id, attempt)
        return None if run is None else (run, tuple(store_reads.reports_of_run(unit, run.id)))

    def list_cases(
        self, unit: Unit, test_run_id: str, wanted: CaseFilter, cursor: str | None, limit: int
    ) -> Page[ListedCase]:
        """Notable cases of an attempt: those that name criteria or did not simply pass."""
        after = None
        if cursor:
            report_id, ordinal = decode_cursor(cursor, (str, int))
            after = (str(report_id), min(int(ordinal), 2**31 - 1))
        rows = store_reads.cases_page(
            unit,
            test_run_id,
            after,
            limit + 1,
            outcome=wanted.outcome,
            flaky=wanted.flaky,
            criterion=wanted.criterion,
            report_id=wanted.report_id,
        )
        last = rows[limit - 1] if len(rows) > limit else None
        more = None if last is None else encode_cursor(last["report_id"], last["ordinal"])
        return Page(tuple(_listed(row) for row in rows[:limit]), more)

    def unsteady(self, unit: Unit, repository: str, now_ms: int) -> list[tuple[History, Judgement]]:
        """Cases that failed in the last months, judged; those seen last come first."""
        since_ms = now_ms - HISTORY_DAYS * DAY_MS
        found = store_cases.histories(unit, repository, since_ms, MAX_HISTORY_ROWS)
        return [(history, judge(history.seen)) for history in found]

    def list_unsteady(
        self,
        unit: Unit,
        repository: str,
        nature: Nature | None,
        cursor: str | None,
        limit: int,
        now_ms: int,
    ) -> Page[tuple[History, Judgement]]:
        """A page of `unsteady`, of one nature where asked, by the cases' keys."""
        after = str(decode_cursor(cursor, (str,))[0]) if cursor else ""
        found = [
            one
            for one in self.unsteady(unit, repository, now_ms)
            if nature in (None, one[1].nature) and one[0].case_key > after
        ]
        found.sort(key=lambda one: one[0].case_key)
        return page_of(found, limit, lambda one: one[0].case_key)

    def history(
        self, unit: Unit, repository: str, case_key: str
    ) -> tuple[History, Judgement] | None:
        """What one case did on each commit, judged; None when it never failed."""
        found = store_cases.history(unit, repository, case_key)
        return None if found is None else (found, judge(found.seen))

    def suspects(self, unit: Unit, repository: str, configuration: str) -> Mapping[Names, str]:
        """Cases of a configuration that failed before: what they are called, and their keys."""
        return {
            (one.suite, one.classname, one.name, one.occurrence): one.case_key
            for one in store_cases.suspects(unit, repository, configuration)
        }

    def earlier_blocks(
        self, unit: Unit, facts: RunFacts, configuration: str, artifact_id: int
    ) -> list[tuple[bytes, str | None]]:
        """Packed cases of other reports under the same configuration on the same commit."""
        reports = store_reads.earlier_reports(
            unit, facts.repository, facts.head_sha, configuration, facts.run_id, artifact_id
        )
        return [block for one in reports for block in store_reads.blocks_of_report(unit, one)]

    def purge(self, unit: Unit, now_ms: int, retention_days: int, limit: int) -> Purged:
        """Forget old runs, some at a time."""
        store_reads.purge_history(unit, now_ms - HISTORY_DAYS * DAY_MS)
        runs, reports = store_reads.purge(unit, now_ms - retention_days * DAY_MS, limit)
        keys: list[str] = []
        for chunk in store_cases.chunked(reports, 500):
            keys.extend(forget_blobs(unit, OwnerKind.TEST_REPORT, chunk))
        return Purged(runs, keys)

    def _store(
        self,
        unit: Unit,
        test_run_id: str,
        report_id: str,
        artifact: ArtifactRead,
        read: MemberRead,
        now_ms: int,
    ) -> None:
        of = (artifact.id, storable(artifact.name), artifact.digest)
        store.add_report(unit, report_id, test_run_id, of, read, now_ms)
        store.add_blocks(unit, report_id, read.blocks)
        store_cases.add_cases(unit, report_id, read.notable)
        for block in read.blocks:
            if block.blob is not None:
                name_blob(
                    unit,
                    _ref(
                        report_id,
                        block.blob,
                        f"{block.number:04}",
                        len(block.data),
                        block.sha256,
                        _PACKED,
                        now_ms,
                    ),
                )
        kept = read.kept
        if kept is not None:
            name_blob(
                unit, _ref(report_id, kept.key, kept.kind, kept.size, kept.sha256, _KEPT, now_ms)
            )


def _ref(
    report_id: str, key: str, name: str, size: int, sha256: str, kind: str, now_ms: int
) -> BlobRef:
    return BlobRef(key, OwnerKind.TEST_REPORT, report_id, name, size, sha256, kind, now_ms)


def _found(
    facts: RunFacts, artifact: ArtifactRead, read: MemberRead, delivery_id: str | None
) -> Found:
    kept = read.kept
    if kept is None:
        raise ValueError("the member was not kept")
    return Found(
        kept.kind,
        facts.repository,
        facts.head_sha,
        facts.head_repository,
        facts.run_id,
        facts.attempt,
        artifact.id,
        artifact.name,
        artifact.digest,
        read.member,
        kept.key,
        kept.size,
        facts.from_fork,
        facts.pull_requests,
        delivery_id,
    )


def _listed(row: RowMapping) -> ListedCase:
    case = store_cases.case_of(row)
    return ListedCase(row["report_id"], row["ordinal"], row["case_key"], case)
