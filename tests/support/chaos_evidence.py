"""Reads what a campaign left behind: the database and the simulated GitHub."""

import re
from collections.abc import Iterable, Sequence
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
from tests.support.chaos_rows import Rows

CRITERION = re.compile(r"^- \[[ x]\] (tok\d{6}x) works$", re.MULTILINE)


def read_history(rows: Rows, sandbox: Sandbox, app_id: int, sent: Iterable[Sent]) -> History:
    """The history of a campaign; every process of Hookyard must have ended."""
    return History(
        sent=tuple(sent),
        deliveries=_read(
            rows,
            DeliveryRow,
            "SELECT id, source, provider_delivery_id, status, reason FROM deliveries",
        ),
        jobs=_read(
            rows,
            JobRow,
            "SELECT id, kind, key, state, lease, delivery_id, error FROM jobs"
            " WHERE kind NOT LIKE 'upkeep.%'",
        ),
        attempts=_read(rows, AttemptRow, rows.attempts),
        effects=_read(rows, EffectRow, "SELECT key, kind, state, error FROM effects"),
        landed=_landed(sandbox, app_id),
        criteria=_criteria(sandbox),
    )


def known_installations(rows: Rows) -> set[int]:
    """Ids of installations Hookyard knows."""
    return {int(number) for (number,) in rows.fetch("SELECT id FROM installations")}


def lost_upkeep(rows: Rows) -> int:
    """Upkeep that kills ended for good; its calendar makes it anew."""
    query = (
        "SELECT count(*) FROM jobs WHERE kind LIKE 'upkeep.%' AND state = 'dead'"
        " AND error LIKE '%worker_lost%'"
    )
    return int(rows.fetch(query)[0][0])


def _read(rows: Rows, row: type[Any], sql: str) -> Sequence[Any]:
    return [row(*values) for values in rows.fetch(sql)]


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
