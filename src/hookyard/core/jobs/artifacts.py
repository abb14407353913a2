"""Artifacts: files a job leaves behind; the bytes in the blob store, the names with the job.

The bytes are durable before the row that names them, and the row is written under the lease of
the attempt that brought them: an attempt that lost it leaves nothing.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial

from hookyard.adapters.blobs.port import Blobs, Stored
from hookyard.adapters.database.port import Database, Unit
from hookyard.core.blobs.model import Area, BlobRef, OwnerKind
from hookyard.core.blobs.rules import key_for
from hookyard.core.blobs.service import blobs_of, find_blob, let_go, name_blob
from hookyard.core.jobs.model import Job, JobState
from hookyard.core.jobs.service import Ledger
from hookyard.kit.errors import Conflict, HookyardError, Invalid, NotFound, StaleLease, TooLarge
from hookyard.kit.ids import IdMaker

NAME = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
AT_MOST = 100
ANYTHING = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,100}(?:; ?[\w-]{1,20}=[\w.-]{1,60})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a job. `size` in bytes, `sha256` in lower-case hexadecimal."""

    name: str
    size: int
    sha256: str
    content_type: str
    created_at_ms: int
    key: str


class Artifacts:
    """Takes files in, lists them, gives them out. `max_size` is of one file, in bytes."""

    def __init__(
        self, database: Database, blobs: Blobs, ledger: Ledger, ids: IdMaker, max_size: int
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._ledger = ledger
        self._ids = ids
        self._max_size = max_size

    async def add(
        self,
        job: Job,
        name: str,
        chunks: AsyncIterable[bytes],
        *,
        content_type: str = ANYTHING,
        expected_size: int | None = None,
        sha256: str | None = None,
    ) -> Artifact:
        """Keep a file of the attempt that `job` was leased for, in bounded memory.

        The same bytes again change nothing; other bytes under the name take its place. Raises
        StaleLease, TooLarge, Invalid (name, or not the bytes announced), Conflict
        (`too_many_artifacts`), Unavailable.
        """
        if re.fullmatch(NAME[1:-1], name) is None:
            raise Invalid("an artifact's name has letters, digits, . _ and -", code="bad_name")
        if expected_size is not None and expected_size > self._max_size:
            raise self._too_large()
        await self._database.read(partial(self._check, job=job, name=name))
        key = key_for(Area.ARTIFACTS, self._ids.new(self._ledger.clock.now_ms()))
        stored = await self._blobs.put(
            key, self._bounded(chunks), expected_size=expected_size, sha256=sha256
        )
        kind = content_type if _MEDIA_TYPE.fullmatch(content_type) else ANYTHING
        try:
            kept, idle = await self._database.write(
                partial(self._name, job=job, name=name, stored=stored, content_type=kind)
            )
        except HookyardError as error:
            # why: any other failure may have come after the commit; then the sweep decides.
            if error.status < 500:
                await let_go(self._blobs, [key])
            raise
        if idle is not None:
            await let_go(self._blobs, [idle])
        return kept

    def list(self, unit: Unit, job_id: str) -> Sequence[Artifact]:
        """The files of a job, by name."""
        return [_artifact(ref) for ref in blobs_of(unit, OwnerKind.JOB, job_id)]

    def get(self, unit: Unit, job_id: str, name: str) -> Artifact:
        """One file of a job; NotFound when there is none of this name."""
        found = find_blob(unit, OwnerKind.JOB, job_id, name)
        if found is None:
            raise NotFound("the job has no such artifact")
        return _artifact(found)

    async def link(self, artifact: Artifact, expires_s: int) -> str:
        """An address that lets whoever has it save the file, for a while."""
        return await self._blobs.signed_url(artifact.key, expires_s, artifact.name)

    def _check(self, unit: Unit, job: Job, name: str) -> None:
        """# why: bytes that could not be kept are better refused before they are sent."""
        now = self._ledger.get(unit, job.id)
        if now.lease != job.lease or now.state is not JobState.RUNNING:
            raise StaleLease
        self._make_room(unit, job, name)

    def _make_room(self, unit: Unit, job: Job, name: str) -> None:
        names = {ref.name for ref in blobs_of(unit, OwnerKind.JOB, job.id)}
        if len(names | {name}) > AT_MOST:
            raise Conflict(f"a job keeps {AT_MOST} artifacts at most", code="too_many_artifacts")

    def _name(
        self, unit: Unit, job: Job, name: str, stored: Stored, content_type: str
    ) -> tuple[Artifact, str | None]:
        """The artifact, and the key of a blob that is of no more use."""
        self._ledger.require_lease(unit, job)
        self._make_room(unit, job, name)
        there = find_blob(unit, OwnerKind.JOB, job.id, name)
        if there is not None and (there.size, there.sha256) == (stored.size, stored.sha256):
            return _artifact(there), stored.key
        ref = BlobRef(
            stored.key,
            OwnerKind.JOB,
            job.id,
            name,
            stored.size,
            stored.sha256,
            content_type,
            self._ledger.clock.now_ms(),
        )
        return _artifact(ref), name_blob(unit, ref)

    async def _bounded(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._max_size:
                raise self._too_large()
            yield chunk

    def _too_large(self) -> TooLarge:
        return TooLarge(f"an artifact has {self._max_size} bytes at most")


def _artifact(ref: BlobRef) -> Artifact:
    return Artifact(ref.name, ref.size, ref.sha256, ref.content_type, ref.created_at_ms, ref.key)
