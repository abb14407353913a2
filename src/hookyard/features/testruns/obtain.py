"""Artifacts on their way in: fetched to a spool, read on a thread, large parts put aside."""

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Protocol

from hookyard.adapters.blobs.port import Blobs
from hookyard.adapters.blobs.streams import once
from hookyard.adapters.github.artifacts import ArtifactLost, ListedArtifact
from hookyard.core.blobs.model import Area
from hookyard.core.blobs.rules import key_for
from hookyard.core.blobs.service import let_go
from hookyard.core.jobs.model import JobContext
from hookyard.features.testruns.choose import Chosen
from hookyard.features.testruns.files import Tree
from hookyard.features.testruns.model import (
    ArtifactRead,
    Block,
    KeptBlob,
    MemberRead,
    Outcome,
    Problem,
    RunFacts,
)
from hookyard.features.testruns.packing import Names, names_of, passes_among
from hookyard.features.testruns.reading import (
    ArtifactZip,
    KeptMember,
    Suspects,
    whole_problem,
)
from hookyard.features.testruns.service import TestRuns
from hookyard.features.testruns.trees import Trees
from hookyard.kit.errors import NotFound
from hookyard.kit.ids import IdMaker
from hookyard.kit.zips import Member, ZipRefused

SPOOLED = 8 * 1024 * 1024
# A packed block of more bytes than these lies in the blob store.
SET_ASIDE = 256 * 1024
MAX_SUSPECT_SETS = 500
_FAILED = frozenset({Outcome.FAILED, Outcome.ERROR})


class ArtifactSource(Protocol):
    """Where artifacts come from: see adapters/github/artifacts."""

    async def of_run(
        self, repository: str, run_id: int, installation_id: int
    ) -> list[ListedArtifact]:
        """Every artifact of a run."""
        ...

    async def fetch(
        self,
        repository: str,
        artifact: ListedArtifact,
        installation_id: int,
        begin: Callable[[], Callable[[bytes], object]],
        max_bytes: int,
    ) -> str:
        """Fetch one; its digest."""
        ...


@dataclass(slots=True)
class Task:
    """One job's work: the attempt it is about, and what it found out on the way."""

    ctx: JobContext
    facts: RunFacts
    installation_id: int
    tree: Tree | None = None
    asked: bool = field(default=False)


class Obtain:
    """Gets artifacts and makes of each what will be stored."""

    def __init__(
        self, runs: TestRuns, source: ArtifactSource, trees: Trees, blobs: Blobs, ids: IdMaker
    ) -> None:
        self._runs = runs
        self._source = source
        self._trees = trees
        self._blobs = blobs
        self._ids = ids

    async def listed(self, task: Task) -> list[ListedArtifact]:
        """What the run has. Raises GitHubError."""
        facts = task.facts
        return await self._source.of_run(facts.repository, facts.run_id, task.installation_id)

    async def read(
        self, task: Task, artifact: ListedArtifact, chosen: Chosen
    ) -> ArtifactRead | None:
        """What an artifact came to; None when it is stored already, or nothing in it matters.

        Raises ArtifactAway, GitHubError.
        """
        digest = artifact.digest if not artifact.expired else ""
        if (digest or artifact.expired) and await self._has(task, artifact.id, digest):
            return None
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as spool:
            try:
                digest = await self._fetch(task, artifact, spool, chosen)
            except ArtifactLost as lost:
                if not chosen.wanted:
                    return None
                if await self._has(task, artifact.id, ""):
                    return None
                problem = whole_problem(Problem(lost.reason), lost.detail)
                return ArtifactRead(artifact.id, artifact.name, "", (problem,))
            if await self._has(task, artifact.id, digest):
                return None
            members = await self._members(task, artifact, chosen, spool)
        if not members:
            return None
        return ArtifactRead(artifact.id, artifact.name, digest, tuple(members))

    async def let_go(self, read: ArtifactRead) -> None:
        """Delete what was put aside for something that came to be stored by another."""
        keys = [b.blob for m in read.members for b in m.blocks if b.blob is not None]
        keys += [m.kept.key for m in read.members if m.kept is not None]
        await let_go(self._blobs, keys)

    async def _has(self, task: Task, artifact_id: int, digest: str) -> bool:
        facts = task.facts
        return await task.ctx.read(lambda unit: self._runs.knows(unit, facts, artifact_id, digest))

    async def _fetch(
        self, task: Task, artifact: ListedArtifact, spool: IO[bytes], chosen: Chosen
    ) -> str:
        def begin() -> Callable[[bytes], object]:
            spool.seek(0)
            spool.truncate()
            return spool.write

        return await self._source.fetch(
            task.facts.repository, artifact, task.installation_id, begin, chosen.max_bytes
        )

    async def _members(
        self, task: Task, artifact: ListedArtifact, chosen: Chosen, spool: IO[bytes]
    ) -> list[MemberRead]:
        box = ArtifactZip(spool, task.facts, artifact.name, wanted=chosen.wanted)
        try:
            members = await asyncio.to_thread(box.members)
        except ZipRefused as refused:
            if not chosen.wanted and refused.reason != "bomb":
                return []
            return [whole_problem(Problem(refused.reason), refused.detail)]
        suspects = await self._suspects(task, box, members)
        found: list[MemberRead] = []
        names: set[str] = set()
        for member in members:
            read = await asyncio.to_thread(box.read, member, suspects)
            made = await self._made(task, artifact.id, read, suspects)
            # why: a name that stands twice is refused twice, and is one problem.
            if made is not None and made.member not in names:
                names.add(made.member)
                found.append(made)
        return found

    async def _suspects(self, task: Task, box: ArtifactZip, members: Sequence[Member]) -> Suspects:
        wanted = dict.fromkeys(box.configuration(one) for one in members[:MAX_SUSPECT_SETS])
        repository = task.facts.repository
        return await task.ctx.read(
            lambda unit: {one: self._runs.suspects(unit, repository, one) for one in wanted}
        )

    async def _made(
        self,
        task: Task,
        artifact_id: int,
        read: MemberRead | KeptMember | None,
        suspects: Suspects,
    ) -> MemberRead | None:
        if read is None:
            return None
        now_ms = task.ctx.clock.now_ms()
        if isinstance(read, KeptMember):
            key = key_for(Area.REPORTS, self._ids.new(now_ms))
            stored = await self._blobs.put(key, once(read.data), expected_size=len(read.data))
            return replace(read.read, kept=KeptBlob(read.kind, key, stored.size, stored.sha256))
        known = suspects.get(read.configuration, {})
        before = await self._passed_before(task, artifact_id, read, known)
        await self._find_files(task, read)
        blocks = tuple([await self._aside(block, now_ms) for block in read.blocks])
        return replace(read, blocks=blocks, passed_before=before)

    async def _aside(self, block: Block, now_ms: int) -> Block:
        if len(block.data) <= SET_ASIDE:
            return block
        key = key_for(Area.REPORTS, self._ids.new(now_ms))
        await self._blobs.put(key, once(block.data), expected_size=len(block.data))
        return replace(block, blob=key, sha256=hashlib.sha256(block.data).hexdigest())

    async def _passed_before(
        self, task: Task, artifact_id: int, read: MemberRead, known: Mapping[Names, str]
    ) -> tuple[tuple[str, int], ...]:
        """Passes, by earlier reports of this commit, of cases that failed now and never before."""
        wanted = {
            names_of(one.case): one.case_key
            for one in read.notable
            if one.case.outcome in _FAILED and names_of(one.case) not in known
        }
        if not wanted:
            return ()
        facts, configuration = task.facts, read.configuration
        blocks = await task.ctx.read(
            lambda unit: self._runs.earlier_blocks(unit, facts, configuration, artifact_id)
        )
        if not blocks:
            return ()
        packed = [data if key is None else await self._bytes(key) for data, key in blocks]
        whole = [data for data in packed if data]
        found = await asyncio.to_thread(passes_among, whole, wanted)
        return tuple(sorted(found.items()))

    async def _bytes(self, key: str) -> bytes:
        """A block from the blob store; nothing when it is no longer there."""
        try:
            reading = await self._blobs.get(key)
            return b"".join([chunk async for chunk in reading.chunks])
        except NotFound:
            return b""

    async def _find_files(self, task: Task, read: MemberRead) -> None:
        """Put the repository's own paths in place of what the report says of files."""
        if not any(one.case.file or one.case.classname for one in read.notable):
            return
        if not task.asked:
            task.asked = True
            facts = task.facts
            task.tree = await self._trees.read(
                facts.repository, facts.head_sha, task.installation_id
            )
        tree = task.tree
        if tree is not None:
            for one in read.notable:
                one.case.file = tree.file_of(one.case.file, one.case.classname)
