"""Says aloud, but seldom, that jobs wait because no worker knows their kind or its version."""

import logging

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.model import Job
from hookyard.kit.clock import Clock

_LOG = logging.getLogger(__name__)
EVERY_MS = 3_600_000
KEPT = 1_000


class Strangers:
    """A warning for each kind and version, once an hour, when a claim meets one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[tuple[str, int], int] = {}

    def met(self, unit: Unit, job: Job) -> None:
        """A job was put back; warn after the commit, unless the hour is not over."""
        unit.after_commit(lambda: self._say(job.kind, job.version))

    def _say(self, kind: str, version: int) -> None:
        now_ms = self._clock.now_ms()
        last_ms = self._said.get((kind, version))
        if last_ms is not None and now_ms - last_ms < EVERY_MS:
            return
        if len(self._said) >= KEPT:
            # why: names of kinds come from whoever may start jobs; they must not fill the memory.
            self._said.clear()
        self._said[kind, version] = now_ms
        _LOG.warning(
            "jobs wait: no worker here knows the kind %s (version %d); see `hookyard jobs list"
            " --state waiting --kind %s`",
            kind,
            version,
            kind,
        )
