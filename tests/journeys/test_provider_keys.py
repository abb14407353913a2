"""Provider keys over HTTP, on each engine: brought, handed to whoever holds them, never shown."""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from hookyard import registry
from hookyard.adapters.database.port import Unit
from hookyard.core.sealing.model import Place
from hookyard.core.sealing.rotation import Rotation
from hookyard.kit.errors import Unavailable
from tests.journeys.conftest import Caller, make_yard, serving
from tests.journeys.test_billing import HERE, bind, project, start
from tests.support.collector import Collector, collecting

VALUE = "sk-planted-0123456789abcdefghijklmnop-XYZ9"
OTHER = "sk-another-9876543210zyxwvutsrqponmlk-ABC1"
KEYS = "/api/admin/provider-keys"
ATTEMPT = {"agent": "tester"}


async def worker(client: Caller) -> tuple[Caller, str]:
    """An agent's key, and how it is named among holders."""
    caller = await client.key("worker")
    return caller, str((await caller.get("/api/me")).json()["actor"])


async def keep(client: Caller, project_id: str, *holders: str, **more: object) -> str:
    body = {
        "name": "OPENAI_API_KEY",
        "provider": "openai",
        "value": VALUE,
        "projects": [project_id],
        "holders": list(holders),
        **more,
    }
    made = await client.call("POST", KEYS, body)
    assert made.status_code == 201, made.text
    assert VALUE not in made.text
    return str(made.json()["id"])


async def lease(client: Caller) -> dict[str, object]:
    got = await client.call("POST", "/api/leases", {"kinds": ["paint"], **ATTEMPT})
    assert got.status_code == 200, got.text
    (one,) = got.json()["leases"]
    return dict(one)


async def test_a_key_is_kept_shown_without_its_value_and_deleted(client: Caller) -> None:
    mine = await project(client)
    key = await keep(client, mine)
    shown = (await client.get(f"{KEYS}/{key}")).json()
    assert (shown["name"], shown["ends_with"], shown["state"]) == (
        "OPENAI_API_KEY",
        "XYZ9",
        "active",
    )
    assert (shown["holders"], shown["last_used_at"], shown["rotated_at"]) == ([], None, None)
    assert await client.page(KEYS, project=mine) == [shown]
    again = await client.call("POST", KEYS, {**body_of(mine), "value": OTHER})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    turned = await client.call("POST", f"{KEYS}/{key}/rotate", {"value": OTHER})
    assert (turned.json()["ends_with"], turned.json()["rotated_at"] is None) == ("ABC1", False)
    off = await client.call("PATCH", f"{KEYS}/{key}", {"state": "disabled"})
    assert off.json()["state"] == "disabled"
    assert (await client.call("DELETE", f"{KEYS}/{key}")).status_code == 200
    assert (await client.get(f"{KEYS}/{key}")).status_code == 404
    trail = await client.page("/api/admin/audit", target=f"provider_key:{key}")
    assert [entry["action"] for entry in trail] == [
        "provider_keys.delete",
        "provider_keys.disable",
        "provider_keys.rotate",
        "provider_keys.create",
    ]
    assert VALUE not in json.dumps(trail)


def body_of(project_id: str) -> dict[str, object]:
    return {
        "name": "OPENAI_API_KEY",
        "provider": "openai",
        "value": VALUE,
        "projects": [project_id],
    }


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"name": "LD_PRELOAD"}, "bad_name"),
        ({"name": "PATH"}, "bad_name"),
        ({"name": "HTTPS_PROXY"}, "bad_name"),
        ({"name": "lower"}, "invalid"),
        ({"value": "short"}, "invalid"),
        ({"value": f" {VALUE}"}, "bad_value"),
        ({"value": f"{VALUE}\x00{VALUE}"}, "bad_value"),
        ({"value": VALUE * 1000}, "invalid"),
        ({"value": [VALUE]}, "invalid"),
        ({"value": VALUE, "more": VALUE}, "invalid"),
        ({"projects": []}, "invalid"),
        ({"projects": ["01k0000000000000000000000z"]}, "bad_project"),
        ({"holders": ["everybody"]}, "invalid"),
    ],
)
async def test_what_no_key_can_be_is_refused_without_its_value(
    client: Caller, more: dict[str, object], code: str
) -> None:
    mine = await project(client)
    answer = await client.call("POST", KEYS, body_of(mine) | more)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert VALUE not in answer.text
    assert await client.page(KEYS) == []


async def test_only_a_holder_is_given_the_key_and_only_for_its_project(client: Caller) -> None:
    mine, other = await project(client), await project(client, "Other")
    await bind(client, mine)
    await bind(client, other, "acme/*")
    (holder, name), (nobody, _) = await worker(client), await worker(client)
    key = await keep(client, mine, name)
    for repository, caller, given in (
        (HERE, nobody, {}),
        ("acme/shop", holder, {}),
        ("free/land", holder, {}),
        (HERE, holder, {"OPENAI_API_KEY": VALUE}),
    ):
        job = await start(client, repository)
        got = await lease(caller)
        assert (got["job"], got["secrets"]) == (job, given)
    shown = (await client.get(f"{KEYS}/{key}")).json()
    assert shown["last_used_at"] is not None
    (entry,) = await client.page("/api/admin/audit", action="provider_keys.hand")
    assert (entry["actor"], entry["target"]) == (name, f"provider_key:{key}")
    assert entry["detail"] == {
        "job": job,
        "lease": 1,
        "name": "OPENAI_API_KEY",
        "repository": HERE,
    }
    for change in ({"state": "disabled"}, {"state": "active", "holders": []}):
        await client.call("PATCH", f"{KEYS}/{key}", change)
        await start(client)
        assert (await lease(holder))["secrets"] == {}


async def test_what_an_attempt_reports_is_kept_without_its_key(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    key = await keep(client, mine, name)
    job = await start(client)
    got = await lease(holder)
    await client.call("POST", f"{KEYS}/{key}/rotate", {"value": OTHER})
    # Another process takes the reports.
    client.yard.billing.ports.handing._masks.clear()
    path, base = f"/api/leases/{job}", {"lease": got["lease"]}
    said = {"message": f"using {VALUE}!", "fields": {VALUE: [f"a {VALUE}"]}}
    tail = VALUE[:20]
    lines = [said, f"Authorization {VALUE}", f"cut {tail}"]
    assert (await holder.call("POST", f"{path}/log", {**base, "lines": lines})).status_code == 200
    await holder.call("POST", f"{path}/progress", {**base, "progress": {"key": VALUE}})
    failed = await holder.call("POST", f"{path}/fail", {**base, "reason": f"401 for {VALUE}"})
    assert failed.status_code == 200
    shown = (await client.get(f"/api/jobs/{job}")).text + (await client.get(f"{path}")).text
    log = (await client.get(f"/api/jobs/{job}/log")).json()["items"]
    assert [line["message"] for line in log] == [
        "using [redacted]!",
        "Authorization [redacted]",
        "cut [redacted]",
    ]
    assert "401 for [redacted]" in shown
    for leaked in (VALUE, tail):
        assert leaked not in shown + json.dumps(log)


async def test_a_result_is_kept_without_its_key(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    value = 'a "quoted"\nkey of two long lines\\ and more'
    await keep(client, mine, name, value=value)
    job = await start(client)
    got = await lease(holder)
    assert got["secrets"] == {"OPENAI_API_KEY": value}
    result = {"raw": value, "line": "x key of two long lines\\ and more", "json": json.dumps(value)}
    done = await holder.call(
        "POST", f"/api/leases/{job}/complete", {"lease": got["lease"], "result": result}
    )
    assert done.status_code == 200, done.text
    kept = (await client.get(f"/api/jobs/{job}")).json()["result"]
    assert kept == {"raw": "[redacted]", "line": "x [redacted]", "json": '"[redacted]"'}


async def test_without_its_key_a_leased_job_goes_back(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    await keep(client, mine, name)
    job = await start(client)
    await client.yard.database.write(
        lambda unit: unit.run(text("UPDATE provider_keys SET cell = :c"), {"c": b"broken" * 20})
    )
    got = await holder.call("POST", "/api/leases", {"kinds": ["paint"], **ATTEMPT})
    assert got.status_code == 500, got.text
    shown = (await client.get(f"/api/jobs/{job}")).json()
    assert (shown["state"], shown["attempt"]) == ("waiting", 0)
    assert shown["waiting_for"]["holder"] == "provider keys"


async def test_keys_are_walked_when_values_are_sealed_anew(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    key = await keep(client, mine, name)
    await client.call("POST", f"{KEYS}/{key}/rotate", {"value": OTHER})
    yard = client.yard
    before = await yard.database.read(cells)
    rotation = Rotation(yard.database, yard.sealer, yard.clock, registry.SEALED)
    await rotation.rotate("default")
    moved = {(m.table, m.column): m.moved async for m in rotation.reencrypt()}
    assert moved["provider_keys", "cell"] == 1
    assert moved["provider_keys", "previous"] == 1
    after = await yard.database.read(cells)
    assert not set(before) & set(after)
    await start(client)
    assert (await lease(holder))["secrets"] == {"OPENAI_API_KEY": OTHER}


def cells(unit: Unit) -> list[bytes]:
    (row,) = unit.fetch(text("SELECT cell, previous FROM provider_keys"))
    return [bytes(row["cell"]), bytes(row["previous"])]


async def test_owners_of_a_project_keep_its_keys_and_no_others(client: Caller) -> None:
    mine, other = await project(client), await project(client, "Other")
    owner = await client.key("admin", f"project:{mine}")
    theirs = await keep(client, other)
    key = await keep(owner, mine)
    assert [one["id"] for one in await owner.page(KEYS)] == [key]
    for method, path, body in (
        ("POST", KEYS, body_of(other) | {"name": "ANOTHER_KEY"}),
        ("PATCH", f"{KEYS}/{key}", {"projects": [mine, other]}),
    ):
        assert (await owner.call(method, path, body)).status_code == 403
    for method, path, body in (
        ("GET", f"{KEYS}/{theirs}", None),
        ("DELETE", f"{KEYS}/{theirs}", None),
        ("POST", f"{KEYS}/{theirs}/rotate", {"value": OTHER}),
    ):
        assert (await owner.call(method, path, body)).status_code == 404
    auditor = await client.key("auditor")
    assert len(await auditor.page(KEYS)) == 2
    assert (await auditor.call("DELETE", f"{KEYS}/{key}")).status_code == 403


PROGRAM = """
import os, sys
value = os.environ["OPENAI_API_KEY"]
print("calling with", value, file=sys.stderr)
print('{"summary": "used %s", "comment": "**%s**", "data": {"%s": ["%s"]}}' % ((value,) * 4))
"""


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "*")
    with collecting() as running:
        yield running


async def test_planted_values_are_nowhere_but_where_they_are_handed(
    tmp_path: Path,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The agent command of this server gets the key; everything else is searched for it."""
    caplog.set_level(logging.DEBUG)
    program = tmp_path / "agent.py"
    program.write_text(PROGRAM)
    yard = await make_yard(
        tmp_path,
        {
            "HOOKYARD_AGENT_COMMAND": f"{sys.executable} {program}",
            "HOOKYARD_OTEL_ENDPOINT": collector.url,
        },
    )
    try:
        async with serving(yard) as client:
            mine = await project(client)
            await bind(client, mine)
            await keep(client, mine, "local")
            wanted = {"command": "fix", "repository": HERE, "number": 7, "actor": "alice"}
            made = await client.call(
                "POST", "/api/jobs", {"kind": "agent.task", "payload": wanted, "repository": HERE}
            )
            job = made.json()["job_id"]
            await until_ended(client, job)
            shown = (await client.get(f"/api/jobs/{job}")).json()
            assert shown["state"] == "succeeded", shown
            assert shown["result"]["summary"] == "used [redacted]"
            assert shown["result"]["data"] == {"[redacted]": ["[redacted]"]}
            found = [json.dumps(shown)]
            paths = (
                f"/api/jobs/{job}/log", "/api/effects", "/api/admin/audit", KEYS, "/metrics",
                "/api/admin/audit/export", "/openapi.json", "/healthz", "/api/admin/usage",
            )  # fmt: skip
            found += [(await client.get(path)).text for path in paths]
            assert "calling with [redacted]" in found[1]
            (entry,) = await client.page("/api/admin/audit", action="provider_keys.hand")
            assert entry["actor"] == "system:local"
    finally:
        await yard.close()
    out, err = capfd.readouterr()
    assert collector.spans
    found += [out, err, caplog.text, *(str(span) for span in collector.spans)]
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            found.append(file.read_bytes().decode("latin-1"))
    assert len(found) > 12
    for where in found:
        assert VALUE not in where


async def until_ended(client: Caller, job: str) -> None:
    ended = asyncio.Event()
    client.yard.endings.listeners.append(lambda *_: ended.set())
    await client.yard.start_working()
    while True:
        ended.clear()
        shown = (await client.get(f"/api/jobs/{job}")).json()
        if shown["state"] in ("succeeded", "dead", "cancelled"):
            return
        await asyncio.wait_for(ended.wait(), 60)


async def test_a_key_taken_away_while_it_is_opened_is_not_given(client: Caller) -> None:
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    key = await keep(client, mine, name)
    handing = client.yard.billing.ports.handing
    unseal = handing._sealer.unseal

    async def slow(place: Place, cell: bytes) -> bytes:
        await client.call("PATCH", f"{KEYS}/{key}", {"holders": []})
        return await unseal(place, cell)

    handing._sealer = Sealing(slow)  # type: ignore[assignment]
    await start(client)
    assert (await lease(holder))["secrets"] == {}
    assert await client.page("/api/admin/audit", action="provider_keys.hand") == []


async def test_what_is_not_on_record_is_not_handed_over(client: Caller) -> None:
    """A process that dies before the audit entry is on disk has given nothing away."""
    mine = await project(client)
    await bind(client, mine)
    holder, name = await worker(client)
    await keep(client, mine, name)
    job = await start(client)
    handing = client.yard.billing.ports.handing
    record = handing._audit.record

    def full(*_: object) -> str:
        raise Unavailable("the disk is full")

    handing._audit = Recording(full)  # type: ignore[assignment]
    got = await holder.call("POST", "/api/leases", {"kinds": ["paint"], **ATTEMPT})
    assert (got.status_code, VALUE in got.text) == (503, False)
    shown = (await client.get(f"/api/jobs/{job}")).json()
    assert (shown["state"], shown["attempt"]) == ("waiting", 0)
    handing._audit = Recording(record)  # type: ignore[assignment]
    await start(client)
    assert (await lease(holder))["secrets"] == {"OPENAI_API_KEY": VALUE}


@dataclass
class Sealing:
    """A sealer in whose opening something happens."""

    unseal: Callable[[Place, bytes], Awaitable[bytes]]


@dataclass
class Recording:
    """An audit trail that takes entries in its own way."""

    record: Callable[..., str]
