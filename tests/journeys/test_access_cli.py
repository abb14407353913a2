"""Grants, explanations and the audit trail from the command line, against a running server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from hookyard.adapters.database.port import RawSql, Unit
from hookyard.core.identity.budgets import CallRate
from tests.journeys.conftest import Caller
from tests.journeys.test_cli_remote import hookyard, told
from tests.journeys.test_cli_remote import quiet as quiet


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield here
    structlog.contextvars.clear_contextvars()


async def test_a_grant_is_given_explained_and_taken_away(client: Caller) -> None:
    asked = ("access", "explain", "jobs.cancel", "--subject", "user:u1", "--scope", "repo:a/b")
    denied = await hookyard(client, *asked)
    assert denied.exit_code == 1
    assert "It takes operator or maintainer or admin over repo:a/b" in denied.output
    assert "ask admin_key:admin" in denied.output
    made = await told(
        client, "grants", "create", "user:u1", "operator", "--scope", "org:a",
        "--expires", "2100-01-01T00:00:00Z",
    )  # fmt: skip
    allowed = await hookyard(client, *asked)
    assert allowed.exit_code == 0
    assert "user:u1 may do jobs.cancel over repo:a/b: holds operator over org:a" in allowed.output
    listed = await told(client, "grants", "list", "--subject", "user:u1")
    assert [item["id"] for item in listed["items"]] == [made["id"]]  # type: ignore[attr-defined]
    shown = await hookyard(client, "grants", "list")
    assert "operator" in shown.output
    ended = await hookyard(client, "grants", "revoke", str(made["id"]))
    assert "user:u1 is no longer operator over org:a" in ended.output
    assert (await hookyard(client, *asked)).exit_code == 1
    myself = await hookyard(client, "access", "explain", "keys.write")
    assert "admin_key:admin may do keys.write over tenant: holds admin" in myself.output
    refused = await hookyard(client, "grants", "create", "robot:x", "viewer")
    assert refused.exit_code == 1


async def test_the_trail_is_exported_verified_and_its_first_fault_named(
    client: Caller, folder: Path
) -> None:
    first = await hookyard(client, "audit", "verify")
    known = int(first.output.split(" entries")[0].rsplit(" ", 1)[1])
    for n in range(4):
        await hookyard(client, "grants", "create", f"user:u{n}", "viewer")
    listed = await hookyard(client, "audit", "list", "--action", "grants.create")
    assert "user:u3" in listed.output
    holds = await hookyard(client, "audit", "verify")
    said = f"the audit trail holds: {known + 4} entries"
    assert (holds.exit_code, said in holds.output) == (0, True)
    exported = await hookyard(client, "audit", "export", "--out", "trail.jsonl")
    assert exported.exit_code == 0
    assert (await hookyard(client, "audit", "verify", "trail.jsonl")).exit_code == 0
    lines = (folder / "trail.jsonl").read_text().splitlines()
    entry = json.loads(lines[2])
    lines[2] = json.dumps({**entry, "actor": "user:mallory"})
    (folder / "forged.jsonl").write_text("\n".join(lines))
    forged = await hookyard(client, "audit", "verify", "forged.jsonl", "--json")
    assert forged.exit_code == 1
    assert f"entry 2 ({entry['id']}) is not as it was written" in forged.output

    def remove(unit: Unit) -> None:
        on = " ON audit" if unit.dialect == "postgresql" else ""
        unit.run_raw(RawSql.same(f"DROP TRIGGER audit_no_delete{on}"))
        unit.run_raw(RawSql.same("DELETE FROM audit WHERE seq = 3"))

    await client.yard.database.write(remove)
    broken = await hookyard(client, "audit", "verify")
    assert broken.exit_code == 1
    assert "the audit trail does not hold: entry 3 is missing" in broken.output
    report = (await client.get("/api/admin/audit/verify")).json()
    assert (report["holds"], report["broken_at"], report["reason"]) == (
        False, 3, "entry 3 is missing",
    )  # fmt: skip


async def test_calls_over_the_budget_are_told_when_to_come_back(client: Caller) -> None:
    first = await client.get("/api/me")
    assert first.headers["ratelimit-policy"] == '"caller";q=2000;w=10'
    assert first.headers["ratelimit"].startswith('"caller";r=')
    budget = client.front.limits.callers
    budget.rate = CallRate(0.01, 1)
    seen = [await client.get("/api/me") for _ in range(30)]
    limited = [answer for answer in seen if answer.status_code == 429]
    assert limited
    assert limited[0].json()["code"] == "rate_limited"
    assert int(limited[0].headers["retry-after"]) >= 1
    assert (await client.http.get("/healthz")).status_code in (200, 503)
    shown = (await client.http.get("/metrics")).text
    assert 'hookyard_rate_limited_total{kind="caller"}' in shown
