"""Watches the tables from beneath: every committed change of a job, delivery or effect, as it was.

Triggers of the connection write each change down in the same transaction, so what was rolled back
is not seen, and what any code does to a row is. What an attempt writes must come while it runs;
what does not is noted as stale at once.
"""

import sqlite3
from dataclasses import dataclass

TABLE = """
CREATE TEMP TABLE seen (
  n INTEGER PRIMARY KEY, what TEXT, id TEXT, kind TEXT, key TEXT,
  was TEXT, now TEXT, lease_was INTEGER, lease INTEGER, attempt INTEGER, most INTEGER,
  waits TEXT, worker TEXT, until_ms INTEGER)
"""
JOB = (
    "INSERT INTO seen(what, id, kind, key, was, now, lease_was, lease, attempt, most, waits,"
    " worker, until_ms) VALUES ('job', NEW.id, NEW.kind, NEW.key, {was}, NEW.state, {lease},"
    " NEW.lease, NEW.attempt, NEW.max_attempts, NEW.waiting_what, NEW.worker, {until});"
)
STALE = (
    "INSERT INTO seen(what, id, now, lease) SELECT 'stale', NEW.{job}, {text}, {lease}"
    " WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE id = NEW.{job} AND lease = {lease}"
    " AND state IN ({states}));"
)


def _on(name: str, event: str, *actions: str, when: str = "") -> str:
    """A trigger that lasts as long as the connection."""
    condition = f" WHEN {when}" if when else ""
    return f"CREATE TEMP TRIGGER {name} AFTER {event}{condition} BEGIN {' '.join(actions)} END"


def _note(columns: str, values: str) -> str:
    return f"INSERT INTO seen({columns}) VALUES ({values});"  # noqa: S608


LOGGED = "json_extract(NEW.fields, '$.lease')"
PROGRESSED = "json_extract(NEW.progress, '$.lease')"
TRIGGERS = (
    _on("seen_new", "INSERT ON jobs", JOB.format(was="NULL", lease="NULL", until="NULL")),
    _on(
        "seen_job",
        "UPDATE OF state, lease ON jobs",
        JOB.format(was="OLD.state", lease="OLD.lease", until="OLD.leased_until_ms"),
        when="OLD.state <> NEW.state OR OLD.lease <> NEW.lease",
    ),
    _on(
        "seen_gone",
        "DELETE ON jobs",
        _note("what, id, kind, was", "'gone', OLD.id, OLD.kind, OLD.state"),
    ),
    _on(
        "seen_progress",
        "UPDATE OF progress ON jobs",
        _note("what, id, now, lease", f"'stale', NEW.id, 'progress', {PROGRESSED}"),
        when=f"{PROGRESSED} IS NOT NULL AND ({PROGRESSED} <> NEW.lease OR NEW.state <> 'running')",
    ),
    _on(
        "seen_log",
        "INSERT ON job_logs",
        STALE.format(job="job_id", lease=LOGGED, text="'log'", states="'running'"),
        when=f"{LOGGED} IS NOT NULL",
    ),
    _on(
        "seen_attempt",
        "INSERT ON job_attempts",
        _note(
            "what, id, now, lease, attempt, worker",
            "'attempt', NEW.job_id, NEW.outcome, NEW.lease, NEW.attempt, NEW.worker",
        ),
    ),
    _on(
        "seen_delivery",
        "INSERT ON deliveries",
        _note(
            "what, id, kind, now",
            "'delivery', NEW.id, NEW.provider_delivery_id, NEW.status",
        ),
    ),
    _on(
        "seen_status",
        "UPDATE OF status ON deliveries",
        _note("what, id, was, now", "'delivery', NEW.id, OLD.status, NEW.status"),
        when="OLD.status <> NEW.status",
    ),
    _on(
        "seen_effect",
        "UPDATE OF state ON effects",
        _note("what, id, kind, was, now", "'effect', NEW.id, NEW.key, OLD.state, NEW.state"),
        when="OLD.state <> NEW.state",
    ),
)
MARKS = """
CREATE TEMP TABLE marks (n INTEGER PRIMARY KEY, job_id TEXT, lease INTEGER, what TEXT)
"""
MARK_TRIGGER = _on(
    "seen_mark",
    "INSERT ON marks",
    STALE.format(
        job="job_id",
        lease="NEW.lease",
        text="NEW.what",
        states="'running', 'succeeded', 'dead'",
    ),
)
_NEWS = (
    "SELECT n, what, id, kind, key, was, now, lease_was, lease, attempt, most, waits, worker,"
    " until_ms FROM seen WHERE n > ?1 ORDER BY n"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One committed change, and when it was committed, in seconds of the true time."""

    at_s: float
    what: str
    id: str
    kind: str | None
    key: str | None
    was: str | None
    now: str | None
    lease_was: int | None
    lease: int | None
    attempt: int | None
    most: int | None
    waits: str | None
    worker: str | None
    until_ms: int | None
    """Of a job: until when its lease was given before the change."""

    def __str__(self) -> str:
        match self.what:
            case "job":
                said = f"{self.kind} {short(self.id)} {self.was or 'is new'} → {self.now}"
                said += f" lease {self.lease} attempt {self.attempt}/{self.most}"
                return f"{said} for {self.waits}" if self.waits else said
            case "attempt":
                return f"attempt of {short(self.id)} under lease {self.lease}: {self.now}"
            case _:
                return f"{self.what} {short(self.id)} {self.was or ''} → {self.now}"


def short(text: str) -> str:
    """The part of an id that tells it from others to a reader."""
    return text[-6:]


class Oracle:
    """See the module."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.seen: list[Seen] = []
        self._raw = raw
        self._last = 0

    @staticmethod
    def install(raw: sqlite3.Connection) -> None:
        """Make the triggers, once for a connection."""
        for statement in (TABLE, MARKS, *TRIGGERS, MARK_TRIGGER):
            raw.execute(statement)

    def news(self, at_s: float) -> list[Seen]:
        """What was committed since the last call."""
        rows = self._raw.execute(_NEWS, (self._last,)).fetchall()
        if not rows:
            return []
        self._last = rows[-1][0]
        found = [Seen(at_s, *row[1:]) for row in rows]
        self.seen.extend(found)
        return found
