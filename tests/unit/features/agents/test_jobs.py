"""The handler of agent tasks: what the command is told, and what becomes of its answer."""

import json
import os
import sys
from random import Random

import pytest

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.context import Run
from hookyard.core.jobs.model import (
    ClaimRequest,
    Done,
    Fail,
    NewJob,
    Outcome,
    Retry,
)
from hookyard.core.jobs.service import Ledger
from hookyard.core.publishing.model import EffectFilter
from hookyard.core.publishing.service import Publisher
from hookyard.features.agents.jobs import RunAgent
from hookyard.kit.clock import ManualClock
from hookyard.kit.ids import IdMaker

TASK = {"command": "fix", "text": "it", "provider": "github", "actor": "alice"}


class Desk:
    """One agent task in a real ledger, worked off by a program."""

    def __init__(self, database: SqliteDatabase, program: str) -> None:
        clock, ids = ManualClock(), IdMaker()
        kind = RunAgent.kind_for(30)
        self.database = database
        self.ledger = Ledger(clock, ids, [kind], Random(1), lambda: None)
        self.publisher = Publisher(self.ledger, clock, ids)
        self.handler = RunAgent([sys.executable, "-c", program], self.publisher, kind)

    async def work(self, **task: object) -> Outcome:
        job = NewJob(AGENT_TASK, {**TASK, **task})  # type: ignore[dict-item]
        await self.database.write(lambda unit: self.ledger.enqueue(unit, job))
        request = ClaimRequest("boot/w", 1, {}, {})
        claimed = await self.database.write(lambda unit: self.ledger.claim(unit, request))
        self.job = claimed.jobs[0]
        outcome = await self.handler(Run(self.job, self.database, self.ledger, None))
        if isinstance(outcome, Done):
            await self.database.write(lambda unit: self.ledger.finish(unit, self.job, outcome))
        return outcome

    async def effects(self) -> list[tuple[str, str]]:
        page = await self.database.read(lambda unit: self.publisher.list(unit, EffectFilter()))
        return [(effect.kind, effect.repository) for effect in page.items]


async def test_the_command_is_told_job_attempt_and_task(sqlite_database: SqliteDatabase) -> None:
    desk = Desk(
        sqlite_database, "import sys, json; print(json.dumps({'data': json.load(sys.stdin)}))"
    )
    outcome = await desk.work(number=3)
    assert isinstance(outcome, Done)
    assert outcome.result == {
        "summary": "done",
        "data": {"job_id": desk.job.id, "attempt": 1, "task": {**TASK, "number": 3}},
    }
    assert await desk.effects() == []


async def test_its_words_on_standard_error_are_the_jobs_log(
    sqlite_database: SqliteDatabase,
) -> None:
    desk = Desk(sqlite_database, "import sys; print('reading\\0 now', file=sys.stderr)")
    await desk.work()
    page = await sqlite_database.read(lambda unit: desk.ledger.logs(unit, desk.job.id))
    assert [line.message for line in page.items] == ["reading\ufffd now"]


async def test_an_answer_asks_for_one_effect_in_the_same_transaction(
    sqlite_database: SqliteDatabase,
) -> None:
    desk = Desk(sqlite_database, "print('all good')")
    await desk.work(repository="acme/shop", number=7)
    assert await desk.effects() == [("comment", "acme/shop")]


async def test_a_bad_exit_is_tried_again_and_bad_json_is_not(
    sqlite_database: SqliteDatabase,
) -> None:
    again = await Desk(sqlite_database, "raise SystemExit(2)").work()
    assert again == Retry("the agent ended with status 2")


async def test_bad_json_ends_the_job(sqlite_database: SqliteDatabase) -> None:
    outcome = await Desk(sqlite_database, "print('{')").work()
    assert isinstance(outcome, Fail)
    assert outcome.code == "agent_failed"


async def test_none_of_our_secrets_reach_the_command(
    sqlite_database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "GITHUB_PRIVATE_KEY",
        "HOOKYARD_ADMIN_KEY",
        "DATABASE_URL",
        "SLACK_SIGNING_SECRET",
    ):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("AGENT_MODEL", "theirs")
    desk = Desk(sqlite_database, "import os, json; print(json.dumps({'data': dict(os.environ)}))")
    outcome = await desk.work()
    assert isinstance(outcome, Done)
    found = json.loads(json.dumps(outcome.result))["data"]
    assert "hush-hush" not in json.dumps(found)
    assert found["AGENT_MODEL"] == "theirs"
    assert found["HOOKYARD_JOB_ID"] == desk.job.id
    assert found["HOOKYARD_ATTEMPT"] == "1"
    assert os.environ["HOOKYARD_ADMIN_KEY"] == "hush-hush"


def test_the_longest_run_is_the_configured_one() -> None:
    assert RunAgent.kind_for(12.5).timeout_s == 12.5
    assert RunAgent.kind_for(12.5).name == AGENT_TASK
