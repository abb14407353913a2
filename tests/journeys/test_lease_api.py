"""Outside agents over HTTP: leases, reports, ends, and what keys may and may not do."""

import asyncio
import hashlib

from tests.journeys.conftest import Caller

NOWHERE = "01k0000000000000000000000z"
VERBS: dict[str, dict[str, object]] = {
    "heartbeat": {},
    "log": {"lines": ["x"]},
    "progress": {"progress": 1},
    "complete": {"result": 1},
    "fail": {"reason": "x"},
}


async def start(client: Caller, kind: str = "paint", **more: object) -> str:
    made = await client.call("POST", "/api/jobs", {"kind": kind, **more})
    assert made.status_code == 202, made.text
    return str(made.json()["job_id"])


async def lease(client: Caller, kind: str = "paint", **more: object) -> list[dict[str, object]]:
    got = await client.call("POST", "/api/leases", {"kinds": [kind], "agent": "tester", **more})
    assert got.status_code == 200, got.text
    return list(got.json()["leases"])


async def one(client: Caller, kind: str = "paint", **more: object) -> tuple[str, int]:
    (got,) = await lease(client, kind, **more)
    lease_number = got["lease"]
    assert isinstance(lease_number, int)
    return f"/api/leases/{got['job']}", lease_number


async def shown(client: Caller, job_id: str) -> dict[str, object]:
    return dict((await client.get(f"/api/jobs/{job_id}")).json())


async def test_a_job_from_its_lease_to_its_end(client: Caller) -> None:
    worker = await client.key("worker")
    job_id = await start(client, payload={"color": "red"}, version=3, timeout_s=600)
    (got,) = await lease(worker, lease_s=30)
    assert (got["job"], got["payload"], got["version"]) == (job_id, {"color": "red"}, 3)
    assert str(got["heartbeat_by"]) < str(got["ends_by"])
    path, number = f"/api/leases/{job_id}", got["lease"]
    beat = await worker.call("POST", f"{path}/heartbeat", {"lease": number})
    assert beat.json()["cancel_requested"] is False
    lines = ["plain", {"message": "token=abcdefgh12345678", "level": "warning", "fields": {"n": 1}}]
    logged = await worker.call("POST", f"{path}/log", {"lease": number, "lines": lines})
    assert logged.json() == {"kept": 2, "dropped": 0}
    await worker.call("POST", f"{path}/progress", {"lease": number, "progress": {"done": 0.5}})
    assert (await shown(client, job_id))["progress"] == {"done": 0.5}
    for _ in range(2):
        ended = await worker.call("POST", f"{path}/complete", {"lease": number, "result": [1, "a"]})
        assert (ended.status_code, ended.json()["state"]) == (200, "succeeded"), ended.text
    job = await shown(client, job_id)
    assert (job["state"], job["result"]) == ("succeeded", [1, "a"])
    attempts = job["attempts"]
    assert isinstance(attempts, list)
    me = (await worker.get("/api/me")).json()["actor"].partition(":")[2]
    assert [attempt["worker"] for attempt in attempts] == [f"agent:{me}/tester"]
    log = (await client.get(f"/api/jobs/{job_id}/log")).json()["items"]
    assert [(line["level"], line["message"]) for line in log] == [
        ("info", "plain"),
        ("warning", "token=[redacted]"),
    ]


async def test_stale_lease_changes_nothing(client: Caller) -> None:
    worker, other = await client.key("worker"), await client.key("worker")
    job_id = await start(client)
    path, number = await one(worker)
    before = await shown(client, job_id)
    for verb, body in VERBS.items():
        for caller, lease_number in ((worker, number + 1), (other, number)):
            said = await caller.call("POST", f"{path}/{verb}", {"lease": lease_number, **body})
            assert (said.status_code, said.json()["code"]) == (409, "stale_lease"), (
                verb,
                said.text,
            )
        gone = await worker.call("POST", f"/api/leases/{NOWHERE}/{verb}", {"lease": 1, **body})
        assert gone.status_code == 404
    assert await shown(client, job_id) == before
    assert (await client.get(f"/api/jobs/{job_id}/log")).json()["items"] == []


async def test_long_poll_hears_of_a_new_job(client: Caller) -> None:
    worker = await client.key("worker")
    waiting = asyncio.create_task(lease(worker, wait_s=20))
    job_id = ""
    for _ in range(50):
        if client.yard.desk.waiting:
            job_id = await start(client)
            break
        # why: only the state itself shows that another party got there.
        await asyncio.sleep(0.02)
    got = await asyncio.wait_for(waiting, 5)
    assert [item["job"] for item in got] == [job_id]


async def test_closing_desk_answers_those_who_wait(client: Caller) -> None:
    worker = await client.key("worker")
    waiting = asyncio.create_task(lease(worker, wait_s=30))
    while not client.yard.desk.waiting:
        # why: only the state itself shows that another party got there.
        await asyncio.sleep(0.01)
    client.yard.desk.close()
    assert await asyncio.wait_for(waiting, 5) == []


async def test_answer_of_an_agent_task_lands_as_an_effect(client: Caller) -> None:
    worker = await client.key("worker")
    payload = {"command": "fix", "repository": "octo/garden", "number": 7, "actor": "alice"}
    job_id = await start(client, "agent.task", payload=payload, repository="octo/garden")
    path, number = await one(worker, "agent.task")
    body = {"lease": number, "summary": "fixed", "comment": "**Done**", "result": {"sha": "abc"}}
    assert (await worker.call("POST", f"{path}/complete", body)).status_code == 200
    assert (await shown(client, job_id))["result"] == {"summary": "fixed", "data": {"sha": "abc"}}
    (effect,) = await client.page("/api/effects")
    assert (effect["kind"], effect["repository"]) == ("comment", "octo/garden")
    assert (await worker.call("POST", f"{path}/complete", body)).status_code == 200
    assert len(await client.page("/api/effects")) == 1


async def test_each_class_of_failure(client: Caller) -> None:
    worker = await client.key("worker")
    for more, state, attempt in (
        ({}, "waiting", 1),
        ({"class": "retry", "after_s": 60}, "waiting", 1),
        ({"class": "hold", "until": "2099-01-31T12:00:00Z"}, None, 0),
        ({"class": "dead", "code": "no_paint"}, "dead", 1),
        ({"class": "hold"}, None, 0),
        ({"class": "dead", "after_s": 1}, None, 0),
    ):
        job_id = await start(client)
        path, number = await one(worker)
        said = await worker.call("POST", f"{path}/fail", {"lease": number, "reason": "no", **more})
        if state is None:
            assert said.status_code == 400, said.text
            await worker.call("POST", f"{path}/complete", {"lease": number})
            continue
        assert said.status_code == 200, said.text
        assert (said.json()["state"], said.json()["attempt"]) == (state, attempt)
        error = (await shown(client, job_id))["error"]
        assert isinstance(error, dict)
        assert error["reason"] == "no"


async def test_cancelled_job_ends_cancelled_whatever_its_agent_says(client: Caller) -> None:
    worker = await client.key("worker")
    job_id = await start(client)
    path, number = await one(worker)
    await client.call("POST", f"/api/jobs/{job_id}/cancel")
    first = await worker.call("POST", f"{path}/heartbeat", {"lease": number})
    second = await worker.call("POST", f"{path}/heartbeat", {"lease": number})
    assert first.json() == second.json()
    assert first.json()["cancel_requested"] is True
    said = await worker.call(
        "POST", f"{path}/fail", {"lease": number, "class": "retry", "reason": "stopped"}
    )
    assert said.json()["state"] == "cancelled"


async def test_flood_of_lines_is_limited_and_told_when_to_come_back(client: Caller) -> None:
    worker = await client.key("worker")
    await start(client)
    path, number = await one(worker)
    body = {"lease": number, "lines": ["x"] * 500}
    answers = [await worker.call("POST", f"{path}/log", body) for _ in range(7)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert 1 <= int(limited[0].headers["retry-after"]) <= 3
    assert limited[0].json()["code"] == "rate_limited"
    beat = await worker.call("POST", f"{path}/heartbeat", {"lease": number})
    assert beat.status_code == 200


async def test_keys_lease_what_they_are_made_for(client: Caller) -> None:
    wanted = {
        "name": "painter", "role": "worker", "kinds": ["paint"], "lanes": ["bulk"], "max_leases": 1,
    }  # fmt: skip
    made = await client.call("POST", "/api/admin/keys", wanted)
    assert (made.json()["kinds"], made.json()["lanes"], made.json()["max_leases"]) == (
        ["paint"], ["bulk"], 1,
    )  # fmt: skip
    painter = client.with_token(made.json()["token"])
    for body, reason in (
        ({"kinds": ["dig"]}, "leases only paint"),
        ({"kinds": ["effect.land"]}, "does effect.land itself"),
        ({"lanes": ["high"]}, "from the lanes bulk"),
    ):
        refused = await painter.call("POST", "/api/leases", body)
        assert (refused.status_code, reason in refused.json()["detail"]) == (403, True), body
    await start(client)
    bulk = [await start(client, lane="bulk") for _ in range(2)]
    got = await painter.call("POST", "/api/leases", {"max": 5})
    assert [item["job"] for item in got.json()["leases"]] == bulk[:1]
    assert got.json()["held_by"] == "this key has 1 of 1 leases"
    full = await painter.call("POST", "/api/leases", {"max": 5})
    assert full.json() == {"leases": [], "held_by": "this key has 1 of 1 leases"}
    unnamed = await (await client.key("worker")).call("POST", "/api/leases", {})
    assert unnamed.status_code == 400
    starter = {"name": "starter", "role": "operator", "kinds": ["dig"]}
    token = (await client.call("POST", "/api/admin/keys", starter)).json()["token"]
    refused = await client.with_token(token).call("POST", "/api/jobs", {"kind": "paint"})
    assert refused.status_code == 403
    assert "starts only dig" in refused.json()["detail"]


async def test_key_of_one_repository_sees_its_jobs_only(client: Caller) -> None:
    ours = await start(client, repository="octo/garden")
    theirs = await start(client, repository="octo/cellar")
    narrow = await client.key("worker", "repo:octo/garden")
    assert [item["job"] for item in await lease(narrow, max=5)] == [ours]
    await lease(client, max=5)
    foreign = await narrow.call("POST", f"/api/leases/{theirs}/heartbeat", {"lease": 1})
    assert foreign.status_code == 404


async def test_artifacts_stream_into_the_store(client: Caller) -> None:
    worker = await client.key("worker")
    job_id = await start(client)
    path, number = await one(worker)
    data = bytes(range(256)) * 12_000
    headers = {"authorization": f"Bearer {worker.token}", "content-type": "text/plain"}
    url = f"{path}/artifacts/report.txt?lease={number}"
    kept = await client.http.post(url, content=data, headers=headers)
    assert kept.status_code == 201, kept.text
    assert (kept.json()["size"], kept.json()["sha256"]) == (
        len(data), hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    listed = (await client.get(f"/api/jobs/{job_id}/artifacts")).json()["items"]
    assert [item["name"] for item in listed] == ["report.txt"]
    stale = await client.http.post(
        f"{path}/artifacts/x?lease={number + 1}", content=b"x", headers=headers
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_lease")
    bad = await client.http.post(f"{path}/artifacts/..%2fx?lease=1", content=b"x", headers=headers)
    assert bad.status_code in (404, 415)
    assert (await client.http.post(f"{path}/artifacts/x", headers=headers)).status_code == 400


async def test_what_is_too_much_or_nonsense_is_a_problem(client: Caller) -> None:
    worker = await client.key("worker")
    await start(client)
    path, number = await one(worker)
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    bad: tuple[tuple[str, object, int], ...] = (
        ("complete", {"lease": number, "result": "x" * 300_000}, 413),
        ("complete", {"lease": number, "result": deep}, 400),
        ("complete", {"lease": number, "result": 2**70}, 400),
        ("complete", {"lease": number, "summary": "only agent.task has one"}, 400),
        ("progress", {"lease": number, "progress": "x" * 9_000}, 413),
        ("log", {"lease": number, "lines": ["x"] * 501}, 400),
        ("log", {"lease": number, "lines": []}, 400),
        ("log", {"lease": number, "lines": [{"message": "m", "fields": {"n": 2**70}}]}, 400),
        ("log", {"lease": 2**70, "lines": ["x"]}, 400),
        ("heartbeat", {"lease": "1e9"}, 400),
        ("heartbeat", {"lease": number, "lease_s": 1e9}, 400),
        ("fail", {"lease": number, "class": "explode", "reason": "x"}, 400),
        ("fail", {"lease": number, "class": "hold", "reason": "x", "until": "tomorrow"}, 400),
        ("fail", {"lease": number, "class": "hold", "reason": "x", "until": "1999-01-01T00:00:00Z"},
         400),
    )  # fmt: skip
    for verb, body, status in bad:
        answer = await worker.call("POST", f"{path}/{verb}", body)
        assert answer.status_code == status, (verb, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    asks: tuple[object, ...] = (
        {"kinds": []}, {"kinds": ["a b"]}, {"kinds": ["x"], "wait_s": 31},
        {"kinds": ["x"], "max": 0}, {"kinds": ["x"], "agent": "a/b"}, [], "x",
    )  # fmt: skip
    for body in asks:
        assert (await worker.call("POST", "/api/leases", body)).status_code == 400, body
    headers = {"authorization": f"Bearer {worker.token}", "content-type": "application/json"}
    for text in (r"\u0000", r"\ud800"):
        body = (
            f'{{"lease":{number},"lines":["a{text}b",{{"message":"m","fields":{{"k":"{text}"}}}}]}}'
        )
        odd = await client.http.post(f"{path}/log", content=body, headers=headers)
        assert odd.status_code in (200, 400), odd.text
    assert (await worker.call("POST", f"{path}/complete", {"lease": number})).status_code == 200
