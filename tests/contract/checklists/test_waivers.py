"""Waivers and the past of a criterion: kept, bound to a meaning, told, and on the audit trail."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from hookyard.adapters.database.port import Unit
from hookyard.core.audit.model import AuditFilter, AuditRecord
from hookyard.core.audit.service import Audit
from hookyard.features.checklists import store
from hookyard.features.checklists.model import Criterion, Waiver
from hookyard.features.checklists.waivers_api import router
from hookyard.kit.errors import Conflict, HookyardError, Invalid, NotFound

from .conftest import REPOSITORY, Stage
from .test_api import URL, as_problem, require

T0 = 1_700_000_000_000
SECOND = 1000
AC = "## AC\n\n"


async def standing(stage: Stage, number: int = 7) -> Criterion:
    view = await stage.kept(number)
    (criterion,) = view.checklist.criteria
    return criterion


async def waive(stage: Stage, reason: str = "shown by hand", actor: str = "user:1") -> Waiver:
    now_ms = stage.clock.now_ms()
    return await stage.database.write(
        lambda unit: stage.checklists.waive(unit, REPOSITORY, 7, "T1", actor, reason, now_ms)
    )


async def unwaive(stage: Stage, actor: str = "user:2") -> Waiver:
    now_ms = stage.clock.now_ms()
    return await stage.database.write(
        lambda unit: stage.checklists.unwaive(unit, REPOSITORY, 7, "T1", actor, "no longer", now_ms)
    )


async def test_evidence_counts_from_the_last_change_of_meaning(stage: Stage) -> None:
    await stage.say(7, AC + "- it answers within 5 seconds\n", T0)
    await stage.say(7, AC + "- it answers within 5 seconds!\n", T0 + SECOND)
    same = await standing(stage)
    assert (same.revision, same.meaning, same.evidence_from) == (2, 1, 1)
    assert [same.counts(revision) for revision in (0, 1, 2, 3)] == [False, True, True, False]

    await stage.say(7, AC + "- it answers within 9 seconds!\n", T0 + 2 * SECOND)
    other = await standing(stage)
    assert (other.id, other.revision, other.meaning, other.evidence_from) == ("T1", 3, 3, 3)
    assert [other.counts(revision) for revision in (1, 2, 3)] == [False, False, True]


async def test_going_back_to_old_words_brings_their_evidence_back(stage: Stage) -> None:
    for n, body in enumerate(("5 seconds", "5 seconds.", "9 seconds", "5 seconds", "5 second")):
        await stage.say(7, AC + f"- it answers within {body}\n", T0 + n * SECOND)
    back = await standing(stage)
    assert (back.revision, back.meaning, back.evidence_from, back.earlier) == (5, 1, 4, (1, 2))
    assert [back.counts(revision) for revision in range(1, 6)] == [True, True, False, True, True]
    past = await stage.database.read(
        lambda unit: stage.checklists.history(unit, REPOSITORY, 7, "T1")
    )
    assert [(w.revision, w.meaning, w.change.value) for w in past.wordings] == [
        (1, 1, "first"),
        (2, 1, "wording"),
        (3, 3, "material"),
        (4, 1, "back"),
        (5, 1, "wording"),
    ]
    assert past.wordings[2].reason == "numbers changed from 5s to 9s"
    assert past.wordings[3].reason == "back to the words of revision 2"
    assert [w.text for w in past.wordings][1:3] == [
        "it answers within 5 seconds.",
        "it answers within 9 seconds",
    ]


async def test_many_small_steps_add_up(stage: Stage) -> None:
    words = "the report lists every invoice of the chosen month by customer"
    for n in range(8):
        await stage.say(7, AC + f"- {'zq' * n}{words[2 * n :]}\n", T0 + n * SECOND)
    assert (await standing(stage)).evidence_from > 1


async def test_a_waiver_lets_a_criterion_stand_and_can_be_taken_back(stage: Stage) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    made = await waive(stage, "  shown\nby hand ")
    held = (await standing(stage)).waiver
    assert held == made
    assert (made.kind.value, made.by, made.reason) == ("person", "user:1", "shown by hand")
    assert "waived by user:1: shown by hand" in await stage.comment_body()
    assert (await waive(stage)).id == made.id
    with pytest.raises(Conflict, match="waived already, by user:1"):
        await waive(stage, actor="user:9")

    ended = await unwaive(stage)
    assert (ended.id, ended.withdrawn_by, ended.withdrawn_reason) == (
        made.id,
        "user:2",
        "no longer",
    )
    assert (await standing(stage)).waiver is None
    assert "waived" not in await stage.comment_body()
    with pytest.raises(NotFound, match="nobody waived T1"):
        await unwaive(stage)
    past = await stage.database.read(
        lambda unit: stage.checklists.history(unit, REPOSITORY, 7, "T1")
    )
    assert past.waivers == (ended,)


async def test_a_waiver_ends_with_the_meaning_it_was_given_for(stage: Stage) -> None:
    await stage.say(7, AC + "- it answers within 5 seconds\n", T0)
    made = await waive(stage)
    await stage.say(7, AC + "- it answers within 5 seconds!\n", T0 + SECOND)
    assert (await standing(stage)).waiver == made
    await stage.say(7, AC + "- it answers within 7 seconds\n", T0 + 2 * SECOND)
    assert (await standing(stage)).waiver is None
    assert "waived" not in await stage.comment_body()
    newer = await waive(stage)
    assert newer.id != made.id
    await stage.say(7, AC + "- it answers within 5 seconds\n", T0 + 3 * SECOND)
    assert (await standing(stage)).waiver == made


async def test_what_the_author_struck_out_is_a_waiver_that_says_so(stage: Stage) -> None:
    await stage.say(7, AC + "- ~~it saves~~\n", T0)
    waiver = (await standing(stage)).waiver
    assert waiver is not None
    assert (waiver.kind.value, waiver.by) == ("author", "")
    assert "waived in the issue" in await stage.comment_body()
    with pytest.raises(Conflict, match="edit the issue"):
        await unwaive(stage)


async def test_waivers_of_what_does_not_stand_are_refused(stage: Stage) -> None:
    with pytest.raises(NotFound, match="no checklist"):
        await waive(stage)
    await stage.say(7, AC + "- it saves\n", T0)
    for reason in ("", " \n ", "x" * 501):
        with pytest.raises(Invalid, match="reason"):
            await waive(stage, reason)
    await stage.say(7, AC + "- something else entirely\n", T0 + SECOND)
    with pytest.raises(NotFound, match="no criterion T1"):
        await waive(stage)
    past = await stage.database.read(
        lambda unit: stage.checklists.history(unit, REPOSITORY, 7, "T1")
    )
    assert (past.criterion.text, past.retired_at_ms) == ("it saves", stage.clock.now_ms())


async def test_changes_that_can_be_seen_are_told_and_nothing_else(stage: Stage) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    await stage.say(7, AC + "- it saves\n", T0)
    await stage.say(7, "Hello.\n\n" + AC + "- it saves\n", T0 + SECOND)
    await waive(stage)
    await waive(stage)
    await unwaive(stage)
    await stage.say(7, "Hello.\n\n" + AC + "- it saves all\n", T0 + 2 * SECOND)
    told = [(change.repository, change.number, change.revision) for change in stage.told]
    assert told == [(REPOSITORY, 7, revision) for revision in (1, 2, 3, 4)]


async def test_a_listener_that_fails_fails_the_unit(stage: Stage) -> None:
    stage.deaf = True
    with pytest.raises(RuntimeError, match="deaf"):
        await stage.say(7, AC + "- it saves\n", T0)

    def count(unit: Unit) -> int:
        return len(unit.fetch(select(store.CHECKLISTS)))

    assert await stage.database.read(count) == 0


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    audit = Audit(stage.ids_of)
    app.include_router(router(stage.database, stage.checklists, audit, stage.clock, require))
    app.add_exception_handler(HookyardError, as_problem)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_waivers_over_http_are_audited_and_shown(
    stage: Stage, client: httpx2.AsyncClient
) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    path, by = f"{URL}/7/criteria/T1", {"x-test-actor": "maintainer"}
    made = await client.post(f"{path}/waiver", json={"reason": "shown by hand"}, headers=by)
    assert made.status_code == 201
    assert (made.json()["by"], made.json()["status"]) == ("api_key:maintainer", "in force")
    again = await client.post(f"{path}/waiver", json={"reason": "shown by hand"}, headers=by)
    assert again.json() == made.json()
    ended = await client.delete(f"{path}/waiver", params={"reason": "wrong"}, headers=by)
    assert (ended.status_code, ended.json()["status"]) == (200, "withdrawn")
    shown = (await client.get(path)).json()
    assert shown["criterion"]["waiver"] is None
    assert shown["retired_at"] is None
    assert [(w["revision"], w["change"]) for w in shown["revisions"]] == [(1, "first")]
    assert [(w["status"], w["withdrawn_by"], w["withdrawn_reason"]) for w in shown["waivers"]] == [
        ("withdrawn", "api_key:maintainer", "wrong")
    ]

    def trail(unit: Unit) -> tuple[AuditRecord, ...]:
        return Audit(stage.ids_of).list_page(unit, AuditFilter(), None, 10).items

    entries = [record.entry for record in await stage.database.read(trail)]
    assert [(e.action, e.target, e.reason) for e in entries] == [
        ("criteria.unwaive", f"{REPOSITORY}#7:T1", "wrong"),
        ("criteria.waive", f"{REPOSITORY}#7:T1", "shown by hand"),
    ]


@pytest.mark.parametrize(
    ("actor", "method", "path", "status"),
    [
        ("viewer", "GET", "/7/criteria/T1", 200),
        ("viewer", "POST", "/7/criteria/T1/waiver", 403),
        ("operator", "POST", "/7/criteria/T1/waiver", 403),
        ("operator", "DELETE", "/7/criteria/T1/waiver", 403),
        ("theirs", "GET", "/7/criteria/T1", 404),
        ("theirs_maintained", "POST", "/7/criteria/T1/waiver", 404),
        ("maintainer", "POST", "/7/criteria/T2/waiver", 404),
        ("maintainer", "POST", "/8/criteria/T1/waiver", 404),
        ("maintainer", "DELETE", "/7/criteria/T1/waiver", 404),
        ("maintainer", "GET", "/7/criteria/T0", 422),
        ("maintainer", "GET", "/7/criteria/t1", 422),
        ("maintainer", "GET", "/7/criteria/T1%0A", 422),
        ("maintainer", "GET", "/7/criteria/T9999999999", 422),
    ],
)
async def test_rights_and_strange_input(
    stage: Stage, client: httpx2.AsyncClient, actor: str, method: str, path: str, status: int
) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    body = {"reason": "why not"} if method == "POST" else None
    answer = await client.request(method, URL + path, json=body, headers={"x-test-actor": actor})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": 3}, {"reason": "a", "by": "b"}]
)
async def test_a_waiver_needs_a_reason(
    stage: Stage, client: httpx2.AsyncClient, body: dict[str, object]
) -> None:
    await stage.say(7, AC + "- it saves\n", T0)
    answer = await client.post(
        f"{URL}/7/criteria/T1/waiver", json=body, headers={"x-test-actor": "maintainer"}
    )
    assert answer.status_code == 422
