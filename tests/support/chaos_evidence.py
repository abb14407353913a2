"""Reads what a campaign left behind: the database, read-only, and the simulated GitHub."""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hookyard_sandbox.github.sandbox import Sandbox
from tests.support.chaos_checks import TOKEN
from tests.support.chaos_model import (
    AttemptRow,
    CriteriaComment,
    DeliveryRow,
    EffectRow,
    History,
    JobRow,
    Landed,
    Sent,
)

CRITERION = re.compile(r"^- \[[ x]\] (tok\d{6}x) works$", re.MULTILINE)


def read_history(database: Path, sandbox: Sandbox, app_id: int, sent: Iterable[Sent]) -> History:
    """The history of a campaign; the server must have ended."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as raw:
        return History(
            sent=tuple(sent),
            deliveries=_rows(
                raw,
                DeliveryRow,
                "SELECT id, source, provider_delivery_id, status, reason FROM deliveries",
            ),
            jobs=_rows(
                raw,
                JobRow,
                "SELECT id, kind, key, state, lease, delivery_id, error FROM jobs"
                " WHERE kind NOT LIKE 'upkeep.%'",
            ),
            attempts=_rows(
                raw,
                AttemptRow,
                "SELECT a.job_id, a.lease, a.started_at_ms, a.finished_at_ms, a.outcome"
                " FROM job_attempts a LEFT JOIN jobs j ON j.id = a.job_id"
                " WHERE coalesce(j.kind, '') NOT LIKE 'upkeep.%'",
            ),
            effects=_rows(raw, EffectRow, "SELECT key, kind, state, error FROM effects"),
            landed=_landed(sandbox, app_id),
            criteria=_criteria(sandbox),
        )


def integrity(database: Path) -> str:
    """SQLite's own word on the file: "ok"."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as raw:
        return str(raw.execute("PRAGMA integrity_check").fetchone()[0])


def known_installations(database: Path) -> set[int]:
    """Ids of installations the server knows."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as raw:
        return {int(number) for (number,) in raw.execute("SELECT id FROM installations")}


def _rows(raw: sqlite3.Connection, row: type[Any], sql: str) -> Sequence[Any]:
    return [row(*values) for values in raw.execute(sql)]


def _landed(sandbox: Sandbox, app_id: int) -> list[Landed]:
    """Everything the App made, as GitHub's history has it."""
    return [
        Landed(
            kind=str(line["kind"]),
            repository=str(line["repository"]),
            number=int(str(line["number"])),
            text=_text(line),
            comment_id=_optional(line.get("comment_id")),
        )
        for line in sandbox.history(action="created", app_id=app_id)
        if line["kind"] in ("comment", "issue", "reaction")
    ]


def _text(line: Any) -> str:
    if line["kind"] == "reaction":
        return str(line["content"])
    return f"{line.get('body') or ''}\n{line.get('title') or ''}"


def _optional(value: Any) -> int | None:
    return None if value is None else int(value)


def _criteria(sandbox: Sandbox) -> list[CriteriaComment]:
    view: Any = sandbox.view()
    found: list[CriteriaComment] = []
    for repository in view["repositories"]:
        for issue in repository["issues"]:
            wanted = frozenset(CRITERION.findall(issue["body"] or ""))
            if issue["by"].endswith("[bot]") or not wanted:
                continue
            shown = frozenset(
                token
                for comment in issue["comments"]
                if comment["body"].partition("\n")[0].endswith(":criteria -->")
                for token in TOKEN.findall(comment["body"])
            )
            name, number = repository["full_name"], issue["number"]
            found.append(CriteriaComment(name, number, wanted, shown))
    return found
