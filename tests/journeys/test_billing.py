"""Billing projects over HTTP, on each engine: from a binding to what was used."""

from pathlib import Path

import pytest

from tests.journeys.conftest import Caller
from tests.journeys.test_cli_remote import hookyard, told

HERE, ELSEWHERE = "octo/garden", "acme/shop"


async def project(client: Caller, name: str = "Shop", **more: object) -> str:
    made = await client.call("POST", "/api/admin/projects", {"name": name, **more})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def bind(client: Caller, project_id: str, repository: str = HERE) -> str:
    path = f"/api/admin/projects/{project_id}/bindings"
    made = await client.call("POST", path, {"repository": repository})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def work(client: Caller, repository: str = HERE, kind: str = "paint") -> str:
    """A job of agents elsewhere, leased and done."""
    wanted = {"kind": kind, "repository": repository}
    job = await client.call("POST", "/api/jobs", wanted)
    assert job.status_code == 202, job.text
    got = (await client.call("POST", "/api/leases", {"kinds": [kind]})).json()["leases"]
    assert [one["job"] for one in got] == [job.json()["job_id"]]
    path = f"/api/leases/{got[0]['job']}/complete"
    done = await client.call("POST", path, {"lease": got[0]["lease"]})
    assert done.status_code == 200, done.text
    return str(got[0]["job"])


async def totals(client: Caller, **params: str) -> dict[str, float]:
    answer = await client.get("/api/admin/usage", **params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["totals"])


async def test_jobs_count_for_the_project_of_their_repository(client: Caller) -> None:
    mine, other = await project(client), await project(client, "Other")
    await bind(client, mine)
    await bind(client, other, "acme/*")
    for repository in (HERE, HERE, ELSEWHERE, "free/land"):
        await work(client, repository)
    assert (await totals(client, project=mine))["jobs"] == 2
    assert (await totals(client, project=other, by="month"))["jobs"] == 1
    assert (await totals(client))["jobs"] == 3
    items = await client.page("/api/admin/usage", meter="jobs", project=mine)
    assert [(one["project"], one["work"], one["amount"]) for one in items] == [
        ("Shop", "agents", 2)
    ]


async def waiting(client: Caller, job_id: str) -> dict[str, object]:
    return dict((await client.get(f"/api/jobs/{job_id}")).json())


async def leased(client: Caller, kind: str = "paint") -> list[str]:
    got = await client.call("POST", "/api/leases", {"kinds": [kind], "max": 10})
    assert got.status_code == 200, got.text
    return [one["job"] for one in got.json()["leases"]]


async def start(client: Caller, repository: str = HERE, kind: str = "paint") -> str:
    made = await client.call("POST", "/api/jobs", {"kind": kind, "repository": repository})
    return str(made.json()["job_id"])


async def test_a_used_up_budget_holds_new_work_until_it_is_raised(client: Caller) -> None:
    budget = {"period": "month", "meter": "jobs", "amount": 2}
    mine = await project(client, budgets=[budget])
    await bind(client, mine)
    await work(client)
    assert (await client.get(f"/api/admin/projects/{mine}")).json()["budgets"][0]["state"] == "ok"
    await work(client)
    shown = (await client.get(f"/api/admin/projects/{mine}")).json()["budgets"][0]
    assert (shown["state"], shown["used"], shown["amount"]) == ("stopped", 2, 2)
    held, free = await start(client), await start(client, ELSEWHERE)
    assert await leased(client) == [free]
    job = await waiting(client, held)
    assert job["state"] == "waiting"
    told = job["waiting_for"]
    assert isinstance(told, dict)
    assert told["what"] == "budget"
    assert "project Shop has used 2 of 2 jobs in " in told["holder"]
    assert " or raise it" in told["holder"]
    assert told["until"] == shown["until"]
    assert "held by a budget: project Shop has used 2 of 2 jobs" in str(job["why"])
    (pause,) = await client.page("/api/pauses")
    assert (pause["what"], pause["name"], pause["held"]) == ("budget", mine, 1)
    refused = await client.call("DELETE", f"/api/pauses/{pause['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_used_up")
    raised = {"budgets": [budget | {"amount": 3}]}
    changed = await client.call("PATCH", f"/api/admin/projects/{mine}", raised)
    assert changed.json()["budgets"][0]["state"] == "ok"
    await client.yard.database.write(client.yard.ledger.promote)
    assert await leased(client) == [held]
    trail = await client.page("/api/admin/audit", target=f"project:{mine}")
    assert [entry["action"] for entry in trail] == [
        "projects.change",
        "budgets.continue",
        "budgets.stop",
        "projects.bind",
        "projects.create",
    ]


async def test_usage_is_shown_on_the_command_line_and_as_csv(
    client: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = await project(client)
    await bind(client, mine)
    await work(client)
    found = await told(client, "usage", "--project", "shop", "--by", "month", "--meter", "jobs")
    assert found["totals"] == {"jobs": 1}
    assert [(one["project"], one["amount"]) for one in found["items"]] == [("Shop", 1)]  # type: ignore[attr-defined]
    shown = await hookyard(client, "usage", "--meter", "jobs")
    assert "Shop" in shown.output
    assert ": 1 jobs" in shown.output
    missing = await hookyard(client, "usage", "--project", "none")
    assert (missing.exit_code, "there is no such project" in missing.output) == (1, True)
    csv = await client.get("/api/admin/usage.csv", meter="jobs")
    assert csv.headers["content-type"].startswith("text/csv")
    head, row = csv.text.splitlines()
    assert head == "start,period,project,project_id,meter,work,amount"
    assert row.endswith(f",day,Shop,{mine},jobs,agents,1")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"from": "2026-02-30"}, "bad_day"),
        ({"from": "tomorrow"}, "invalid"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "bad_span"),
        ({"from": "0001-01-01"}, "bad_span"),
        ({"meter": "money"}, "invalid"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"project": "x"}, "invalid"),
    ],
)
async def test_usage_that_makes_no_sense_is_refused(
    client: Caller, params: dict[str, str], code: str
) -> None:
    answer = await client.get("/api/admin/usage", **params)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


async def test_owners_read_and_change_their_own_project(client: Caller) -> None:
    mine, other = await project(client), await project(client, "Other")
    await bind(client, mine)
    await bind(client, other, "acme/*")
    await work(client)
    await work(client, ELSEWHERE)
    owner = await client.key("admin", f"project:{mine}")
    reader = await client.key("maintainer", f"project:{mine}")
    stranger = await client.key("admin", "org:octo")
    for caller in (owner, reader):
        assert [one["id"] for one in await caller.page("/api/admin/projects")] == [mine]
        assert (await totals(caller))["jobs"] == 1
        assert (await caller.get(f"/api/admin/projects/{other}")).status_code == 404
        assert (await caller.get("/api/admin/usage", project=other)).status_code == 404
        assert "Other" not in (await caller.get("/api/admin/usage.csv")).text
    assert await totals(stranger) == {}
    path = f"/api/admin/projects/{mine}"
    assert (await reader.call("PATCH", path, {"name": "Mine"})).status_code == 403
    assert (await owner.call("PATCH", path, {"name": "Mine"})).json()["name"] == "Mine"
    assert (await owner.call("POST", "/api/admin/projects", {"name": "More"})).status_code == 403
    taken = await owner.call("POST", f"{path}/bindings", {"repository": "acme/shop"})
    assert taken.status_code == 403
    unseen = await stranger.call("POST", f"{path}/bindings", {"repository": "octo/tree"})
    assert unseen.status_code == 404


async def test_an_archived_project_gives_its_repositories_back(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    await work(client)
    closed = await client.call("POST", f"/api/admin/projects/{mine}/archive")
    assert closed.json()["archived_at"] is not None
    await work(client)
    assert (await totals(client, project=mine))["jobs"] == 1
    assert await client.page("/api/admin/projects") == []
    assert len(await client.page("/api/admin/projects", archived="true")) == 1
    again = await client.call("PATCH", f"/api/admin/projects/{mine}", {"name": "New"})
    assert (again.status_code, again.json()["code"]) == (409, "project_archived")
    await bind(client, await project(client), HERE)


async def test_a_used_up_budget_holds_the_agent_command_and_shows_in_metrics(
    client: Caller,
) -> None:
    mine = await project(client, budgets=[{"period": "day", "meter": "jobs", "amount": 1}])
    await bind(client, mine)
    await work(client)
    metrics = (await client.get("/metrics")).text
    assert 'hookyard_budgets{state="stopped"} 1.0' in metrics
    assert 'hookyard_budgets{state="warned"} 1.0' in metrics
    held = await start(client, kind="agent.task")
    assert await leased(client, "agent.task") == []
    assert (await waiting(client, held))["state"] == "waiting"
    delivered = await client.routed(HERE)
    assert (await client.get(f"/api/deliveries/{delivered}")).json()["status"] != "accepted"
