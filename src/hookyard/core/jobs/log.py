"""Job logs as JSON-lines files: one for each job, appended after the row is on disk.

The rows in `job_logs` are the truth and what the API shows; the files are for people and tools
that follow them. A file also gets a line for each turn in the life of the job. A folder that
cannot be written costs a warning, never a job.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hookyard.core.jobs.model import Job, JobId, LogLine
from hookyard.core.jobs.rules import AttemptEnd, Step
from hookyard.kit.clock import to_rfc3339
from hookyard.kit.ids import is_id
from hookyard.kit.json import Json, JsonObject

_LOG = logging.getLogger(__name__)
_WARNS = frozenset({AttemptEnd.RETRIED, AttemptEnd.FAILED, AttemptEnd.LOST})


class JobLogFiles:
    """Appends lines on a thread of its own, in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="job-log")

    def path(self, job_id: str) -> Path:
        """Where a job's lines go; a name that is no id of ours cannot leave the folder."""
        name = job_id if is_id(job_id) else hashlib.sha256(job_id.encode()).hexdigest()
        return self.folder / f"{name}.jsonl"

    def append(self, lines: Iterable[tuple[str, JsonObject]]) -> None:
        """Queue (job id, line) pairs for writing."""
        by_job: dict[str, list[str]] = {}
        for job_id, line in lines:
            by_job.setdefault(job_id, []).append(json.dumps(line, separators=(",", ":")) + "\n")
        if by_job:
            self._thread.submit(self._write, by_job)

    def remove(self, job_ids: Iterable[JobId]) -> None:
        """Queue the deletion of files whose jobs were purged."""
        self._thread.submit(self._remove, list(job_ids))

    def close(self) -> None:
        """Write what is queued, then stop."""
        self._thread.shutdown()

    def _write(self, by_job: Mapping[str, list[str]]) -> None:
        for job_id, lines in by_job.items():
            try:
                with self.path(job_id).open("a", encoding="utf-8") as file:
                    file.write("".join(lines))
            except OSError as error:
                _LOG.warning("job log of %s not written: %s", job_id, error.strerror)

    def _remove(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            try:
                self.path(job_id).unlink(missing_ok=True)
            except OSError as error:
                _LOG.warning("job log of %s not removed: %s", job_id, error.strerror)


def said(job: Job, line: LogLine) -> JsonObject:
    """The file's form of a line the job wrote."""
    return {
        "at": to_rfc3339(line.at_ms),
        "job_id": job.id,
        "kind": job.kind,
        "attempt": line.attempt,
        "level": line.level,
        "event": "log",
        "message": line.message,
        "fields": line.fields,
    }


def begun(job: Job) -> list[tuple[str, JsonObject]]:
    """Lines for a claim; the first one is preceded by when the job was asked for."""
    lines: list[tuple[str, JsonObject]] = []
    if job.lease == 1:
        fields: dict[str, Json] = {"lane": job.lane.value}
        if job.delivery_id is not None:
            fields["delivery_id"] = job.delivery_id
        lines.append((job.id, _turn(job, job.created_at_ms, "enqueued", "info", fields)))
    fields = {"worker": job.worker, "lease": job.lease}
    lines.append((job.id, _turn(job, job.started_at_ms or 0, "claimed", "info", fields)))
    return lines


def ended(job: Job, step: Step, now_ms: int) -> tuple[str, JsonObject]:
    """The line for the end of an attempt."""
    fields: dict[str, Json] = {"state": step.life.state.value}
    if step.error is not None:
        fields["error"] = step.error
    if step.life.waiting_for is not None:
        fields["until_ms"] = step.life.waiting_for.until_ms
    level = "warning" if step.ended in _WARNS else "info"
    return job.id, _turn(job, now_ms, step.ended.value, level, fields)


def _turn(job: Job, at_ms: int, event: str, level: str, fields: JsonObject) -> JsonObject:
    return {
        "at": to_rfc3339(at_ms),
        "job_id": job.id,
        "kind": job.kind,
        "attempt": job.attempt,
        "level": level,
        "event": event,
        "message": f"{job.kind} {event}",
        "fields": fields,
    }
