"""Recovery of other hooks and of Jira; how sources are shown; the command; silent sources."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
import structlog
import yaml
from click.testing import CliRunner, Result

from hookyard.adapters.database.port import Unit
from hookyard.core.ingress.silence_rules import FLOOR_MS, HOUR_MS, Hour, Rhythm, bucket_of
from hookyard.core.ingress.silence_store import PULSES, PulseRow, rows, save
from hookyard.entrypoints.cli.main import cli
from hookyard.kit.json import as_object
from hookyard_sandbox import senders_jira
from hookyard_sandbox.senders import SignedRequest
from hookyard_sandbox.senders_github import GitHubScene
from tests.journeys.conftest import ADMIN, SECRET
from tests.support.recovery import ON, by_guid, recover, result_of
from tests.support.worlds import REPOSITORY, open_world


def sources_file(folder: Path, *sources: dict[str, object]) -> dict[str, str]:
    """The environment that names a sources file of the App's hook and these."""
    app: dict[str, object] = {"provider": "github", "secrets": [SECRET]}
    path = folder / "more.yml"
    path.write_text(yaml.safe_dump({"sources": [app, *sources]}), encoding="utf-8")
    return {"HOOKYARD_SOURCES_FILE": str(path)}


async def test_hooks_of_repositories_and_organisations_are_looked_through(tmp_path: Path) -> None:
    second = {
        "id": "plain",
        "provider": "github",
        "secrets": [SECRET],
        "options": {"recover": "acme/shop, acme, acme/gone"},
    }
    environ = sources_file(tmp_path, second)
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, {**ON, **environ}, agent=False)
        sandbox, scene = world.sandbox, GitHubScene()
        installation = next(iter(sandbox.world.installations.values()))
        installation.permissions |= {"repository_hooks": "read", "organization_hooks": "read"}
        assert world.yard.github is not None
        world.yard.github.tokens.forget(installation.id)
        ours = "https://hooks.example/webhooks/github/plain"
        hooks = [sandbox.create_hook(o, ours, SECRET, events=["*"]) for o in (REPOSITORY, "acme")]
        other = sandbox.create_hook(REPOSITORY, "https://ci.example/x", "s", events=["*"])
        sent = [
            sandbox.send_plain(hook, "issues", scene.issue_opened(n, "A title", f"words {n}"))
            for n, hook in enumerate((*hooks, other), 1)
        ]
        world.emitted.take()
        found = result_of(await recover(world, "plain"))
        assert (found["missing"], found["recovered"]) == (2, 2)
        assert [str(p).partition(":")[0] for p in found["problems"]] == ["acme/gone"]  # type: ignore[attr-defined]
        known = {d.provider_delivery_id for d in await world.deliveries() if d.source == "plain"}
        assert known == {hook.guid for hook in sent[:2]}
        # A late webhook of the same hook is the same delivery.
        late = SignedRequest(dict(sent[0].headers), sent[0].body, "/webhooks/github/plain")
        assert await world.post(late) in (200, 202)
        rows = [d for d in await world.deliveries() if d.provider_delivery_id == sent[0].guid]
        assert [(d.source, d.redeliveries) for d in rows] == [("plain", 1)]


class Jira:
    """A site with webhooks that it gave up on."""

    def __init__(self) -> None:
        self.failed: list[dict[str, object]] = []

    def fail(self, number: int, at_ms: int, url: str = "https://x.example/webhooks/jira") -> None:
        who = senders_jira.user("acc-mia", "Mia")
        body = senders_jira.comment_created("SHOP-1", "A bug", f"c {number}", who, now_ms=at_ms)
        shown = {"id": f"w-{number}", "body": json.dumps(body), "url": url, "failureTime": at_ms}
        self.failed.append(shown)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        size, after = (int(request.url.params[name]) for name in ("maxResults", "after"))
        left = [shown for shown in self.failed if int(str(shown["failureTime"])) > after]
        page: dict[str, object] = {"values": left[: min(size, 2)]}
        if len(left) > 2:
            page["next"] = "https://x.example/next"
        return httpx2.Response(200, json=page)


async def test_what_jira_gave_up_on_is_taken_in_once(tmp_path: Path) -> None:
    jira = {
        "provider": "jira",
        "secrets": [SECRET],
        "options": {"api_url": "https://acme.example"},
        "api_token_env": "JIRA_TOKEN",
    }
    async with AsyncExitStack() as stack:
        named = sources_file(tmp_path, jira)
        world = await open_world(stack, tmp_path, named, secrets={"JIRA_TOKEN": "t"})
        site = Jira()
        log = world.yard.recovering.jira["jira"]
        log._http._transport = httpx2.MockTransport(site)
        now_ms = world.clock.now_ms()
        for number in range(5):
            site.fail(number, now_ms - 60_000 + number // 2)
        site.fail(9, now_ms - 5_000, "https://x.example/webhooks/jira/another")
        counted = result_of(await recover(world, "jira", dry_run=True))
        assert (counted["listed"], counted["missing"], counted["recovered"]) == (6, 5, 0)
        assert all(d.source == "github" for d in await world.deliveries())
        found = result_of(await recover(world, "jira"))
        assert (found["recovered"], found["filtered"]) == (5, 1)
        again = result_of(await recover(world, "jira"))
        assert (again["recovered"], again["present"]) == (0, 5)
        known = {d.provider_delivery_id for d in await world.deliveries() if d.source == "jira"}
        assert known == {f"w-{n}" for n in range(5)}
        body = str(site.failed[0]["body"]).encode()
        assert await world.send("jira", body, delivery_id="w-0") == 200


async def test_sources_show_how_they_do_and_what_they_lack(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        shown = {row["id"]: row for row in await world.caller.page("/api/sources")}
        assert set(shown) == {"github", "jira", "sentry", "slack"}
        assert as_object(shown["github"]["recovery"])["possible"] is True  # type: ignore[arg-type]
        slack = as_object(shown["slack"]["recovery"])  # type: ignore[arg-type]
        assert (slack["possible"], slack["reason"]) == (
            False,
            "slack keeps no record that can be read",
        )
        for body, status, code in (
            ({"source": "slack"}, 400, "not_recoverable"),
            ({"source": "nobody"}, 404, "not_found"),
            ({"since": "soon"}, 400, "bad_since"),
        ):
            answer = await world.caller.call("POST", "/api/deliveries/recover", body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        reader = await world.caller.key("viewer")
        assert (await reader.call("POST", "/api/deliveries/recover", {})).status_code == 403
        text = (await world.caller.http.get("/metrics")).text
        assert 'hookyard_source_silent{source="github"} 0.0' in text


async def test_the_command_shows_progress_and_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path)
        world.issue()
        world.emitted.take()
        environ = {"HOOKYARD_URL": str(world.caller.http.base_url), "HOOKYARD_ADMIN_KEY": ADMIN}
        quiet = structlog.get_config()
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
        stack.callback(lambda: structlog.configure(**quiet))

        async def hookyard(*words: str) -> Result:
            given = ["deliveries", "recover", *words]
            running = asyncio.create_task(
                asyncio.to_thread(CliRunner().invoke, cli, given, env=environ)
            )

            async def is_done() -> bool:
                return running.done()

            await world.until(is_done)
            return await running

        dry = await hookyard("--dry-run", "--json")
        assert dry.exit_code == 0, dry.output
        (job,) = json.loads(dry.stdout)["jobs"]
        assert (job["result"]["missing"], job["result"]["recovered"]) == (1, 0)
        found = await hookyard("--since", "6h", "--source", "github")
        assert found.exit_code == 0, found.output
        assert found.stdout.splitlines()[0].split() == [
            "source", "listed", "filtered", "present", "missing", "recovered", "seconds"
        ]  # fmt: skip
        assert found.stdout.splitlines()[1].split()[5] == "1"
        assert "github:" in found.stderr
        refused = await hookyard("--source", "slack")
        assert refused.exit_code == 1
        assert "slack keeps no record" in refused.stderr
        row = next(d for d in await world.deliveries() if d.event == "issues")
        shown = (await world.caller.get(f"/api/deliveries/{row.id}")).json()
        assert shown["recovered"] is True


async def test_a_silent_source_is_looked_through(tmp_path: Path) -> None:
    """GitHub's hook points elsewhere, where somebody says 200: only a full listing finds it."""
    async with AsyncExitStack() as stack:
        world = await open_world(stack, tmp_path, ON)
        yard = world.yard
        habit = Rhythm(
            {bucket_of(world.clock.now_ms() + h * HOUR_MS): Hour(60.0, HOUR_MS) for h in range(3)},
            quiet=9.0,
            minutes=900.0,
            watched_ms=float(20 * HOUR_MS),
        )
        now_ms = world.clock.now_ms()
        row = PulseRow("github", now_ms, now_ms - FLOOR_MS, now_ms - FLOOR_MS, None, habit)

        def learn(unit: Unit) -> None:
            unit.run(PULSES.delete())
            save(unit, row, is_new=True)

        await yard.database.write(learn)
        world.issue()
        (lost,) = world.emitted.take()
        lost.status_code, lost.status = 200, "OK"

        async def is_silent() -> bool:
            return (await yard.database.read(rows))["github"].silent_since_ms is not None

        await world.until(is_silent)
        await world.settle()
        jobs = await world.jobs("ingress.recover")
        assert any(job.payload.get("everything") is True for job in jobs)
        assert lost.guid in await by_guid(world)
        text = (await world.caller.http.get("/metrics")).text
        assert 'hookyard_source_silent{source="github"}' in text
