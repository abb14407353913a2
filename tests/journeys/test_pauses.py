"""Pauses and waiting, from outside: over HTTP and on the command line, on each engine."""

import pytest

from hookyard.core.jobs.model import ClaimRequest, Job, NewJob
from tests.journeys.conftest import Caller
from tests.journeys.test_cli_remote import folder, hookyard, quiet, told

__all__ = ["folder", "quiet"]
HERE, ELSEWHERE = "octo/garden", "acme/shop"


async def start(client: Caller, **values: object) -> str:
    job = NewJob(**{"kind": "upkeep.bury", "payload": {}, **values})
    made = await client.yard.database.write(lambda unit: client.yard.ledger.enqueue(unit, job))
    return made.job_id


async def claim(client: Caller) -> list[Job]:
    request = ClaimRequest("boot/w", 10, {}, {})
    ledger = client.yard.ledger
    return list((await client.yard.database.write(lambda unit: ledger.claim(unit, request))).jobs)


async def test_a_pause_from_its_start_to_its_end(client: Caller) -> None:
    held, free = await start(client, repository=HERE), await start(client, repository=ELSEWHERE)
    made = await client.call(
        "POST", "/api/pauses", {"repository": "Octo/Garden", "reason": "CI is broken"}
    )
    assert made.status_code == 201, made.text
    pause = made.json()
    assert (pause["what"], pause["name"], pause["held"]) == ("repository", HERE, 1)
    assert [job.id for job in await claim(client)] == [free]
    job = (await client.get(f"/api/jobs/{held}")).json()
    assert job["waiting_for"]["what"] == "pause"
    assert pause["id"] in job["waiting_for"]["holder"]
    assert job["waiting_for"]["until"] is None
    assert "CI is broken" in job["why"]
    (listed,) = await client.page("/api/pauses")
    assert listed == pause
    ended = await client.call("DELETE", f"/api/pauses/{pause['id']}")
    assert ended.json() == {**pause, "held": 0, "released": 1}
    assert [job.id for job in await claim(client)] == [held]
    assert (await client.call("DELETE", f"/api/pauses/{pause['id']}")).status_code == 404
    assert await client.page("/api/pauses") == []
    trail = await client.page("/api/admin/audit", target=f"repository:{HERE}")
    assert [(entry["action"], entry["reason"]) for entry in trail] == [
        ("jobs.resume", "CI is broken"),
        ("jobs.pause", "CI is broken"),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"reason": "x"}, "exactly one"),
        ({"lane": "bulk", "kind": "agent.task", "reason": "x"}, "exactly one"),
        ({"lane": "bulk", "reason": " "}, "reason"),
        ({"lane": "bulk", "reason": "x", "until": "tomorrow"}, "RFC 3339"),
        ({"lane": "bulk", "reason": "x", "until": "2001-01-01T00:00:00Z"}, "future"),
        ({"lane": "fast", "reason": "x"}, ""),
        ({"installation": "a/b", "reason": "x"}, ""),
        ({"lane": "bulk"}, ""),
    ],
)
async def test_a_pause_that_makes_no_sense_is_refused(
    client: Caller, body: dict[str, object], words: str
) -> None:
    answer = await client.call("POST", "/api/pauses", body)
    assert answer.status_code in (400, 422), answer.text
    assert words in answer.json()["detail"]
    assert await client.page("/api/pauses") == []


async def test_who_may_pause_and_see_what(client: Caller) -> None:
    wide = {"lane": "bulk", "reason": "x"}
    here = {"repository": HERE, "reason": "x"}
    owner = {"installation": "octo", "reason": "x"}
    elsewhere = {"repository": ELSEWHERE, "reason": "x"}
    viewer = await client.key("viewer")
    narrow = await client.key("operator", f"repo:{HERE}")
    org = await client.key("operator", "org:octo")
    assert (await viewer.call("POST", "/api/pauses", here)).status_code == 403
    for caller, allowed, refused in (
        (narrow, [here], [wide, owner, elsewhere]),
        (org, [here, owner], [wide, elsewhere]),
    ):
        for body in refused:
            assert (await caller.call("POST", "/api/pauses", body)).status_code == 403, body
        for body in allowed:
            assert (await caller.call("POST", "/api/pauses", body)).status_code == 201, body
    made = [(await client.call("POST", "/api/pauses", b)).json()["id"] for b in (wide, elsewhere)]
    assert len(await client.page("/api/pauses")) == 5
    assert len(await viewer.page("/api/pauses")) == 5
    assert len(await narrow.page("/api/pauses")) == 4
    assert (await narrow.call("DELETE", f"/api/pauses/{made[0]}")).status_code == 403
    assert (await narrow.call("DELETE", f"/api/pauses/{made[1]}")).status_code == 404
    first = (await client.get("/api/pauses", limit=2)).json()
    rest = (await client.get("/api/pauses", cursor=first["next_cursor"])).json()
    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 3, None]


async def test_every_wait_is_explained_over_http(client: Caller) -> None:
    ids = [await start(client, lane=None, key=None) for _ in range(3)]
    third = (await client.get(f"/api/jobs/{ids[2]}")).json()
    assert third["waiting_for"] == {"what": "lane", "holder": "bulk, 2 before it", "until": None}
    assert "2 of lane bulk start before it. No worker is busy" in third["why"]
    await claim(client)
    front, behind = await start(client, key="k"), await start(client, key="k")
    await claim(client)
    job = (await client.get(f"/api/jobs/{behind}")).json()
    assert job["waiting_for"] == {"what": "key", "holder": front, "until": None}
    assert f"{front} is in front: upkeep.bury, running since" in job["why"]
    ready = await start(client)
    assert "Workers do 4 jobs now" in (await client.get(f"/api/jobs/{ready}")).json()["why"]
    strange = await start(client, kind="no.such")
    await claim(client)
    job = (await client.get(f"/api/jobs/{strange}")).json()
    assert job["waiting_for"]["what"] == "kind"
    assert "No worker here knows the kind no.such" in job["why"]
    metrics = (await client.get("/metrics")).text
    assert "hookyard_jobs_unknown_kind 1.0" in metrics


async def test_pausing_on_the_command_line(client: Caller) -> None:
    job_id = await start(client, repository=HERE)
    pause = await told(
        client, "jobs", "pause", "--installation", "octo", "--for", "2h", "--reason", "moving"
    )
    assert (pause["what"], pause["name"], pause["held"]) == ("installation", "octo", 1)
    assert pause["until"] is not None
    shown = await hookyard(client, "jobs", "show", job_id)
    assert "It is paused until" in shown.stdout
    assert "moving" in shown.stdout
    listed = await hookyard(client, "jobs", "pauses")
    assert str(pause["id"]) in listed.stdout
    assert (await told(client, "jobs", "pauses"))["items"] == [pause]
    resumed = await hookyard(client, "jobs", "resume", str(pause["id"]))
    assert resumed.stdout == "installation octo is resumed; 1 job let go\n"
    assert (await hookyard(client, "jobs", "resume", str(pause["id"]))).exit_code == 1
    said = await hookyard(client, "jobs", "pause", "--lane", "bulk", "--reason", "x")
    assert said.stdout == "lane bulk is paused until it is resumed; 0 jobs held by it\n"
    assert "hookyard jobs resume" in said.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--reason", "x"],
        ["--lane", "bulk"],
        ["--lane", "bulk", "--kind", "a", "--reason", "x"],
        ["--lane", "bulk", "--reason", "x", "--for", "2 weeks"],
        ["--lane", "bulk", "--reason", "x", "--for", "0m"],
        ["--lane", "bulk", "--reason", "x", "--for", "1h", "--until", "2030-01-01T00:00:00Z"],
    ],
)
async def test_wrong_use_on_the_command_line(client: Caller, words: list[str]) -> None:
    assert (await hookyard(client, "jobs", "pause", *words)).exit_code == 2
