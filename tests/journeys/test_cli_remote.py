"""The command line against a running server, on each engine: lists, logs, retries, keys, hooks."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from hookyard.core.jobs.model import ClaimRequest, Done, Fail, Finished, Job, NewJob
from hookyard.entrypoints.cli.main import cli
from hookyard.settings import SETTINGS
from tests.journeys.conftest import ADMIN, SECRET, Caller

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and no setting from outside."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for setting in SETTINGS:
        for name in setting.names:
            monkeypatch.delenv(name, raising=False)
    return here


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The server runs in this process; its log must not mix with what a command prints."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    yield
    structlog.configure(**before)


async def hookyard(client: Caller, *words: str, key: str = ADMIN, **environ: str) -> Result:
    """One command against the server, on a thread of its own."""
    given = {
        "HOOKYARD_URL": str(client.http.base_url),
        **({"HOOKYARD_ADMIN_KEY": key} if key else {}),
    }
    found = await asyncio.to_thread(CliRunner().invoke, cli, list(words), env=given | environ)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


async def told(client: Caller, *words: str) -> dict[str, object]:
    """What a command prints as JSON."""
    found = await hookyard(client, *words, "--json")
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


async def claimed(client: Caller) -> Job:
    """The one ready job, running."""
    made = await client.yard.database.write(
        lambda unit: client.yard.ledger.claim(unit, ClaimRequest("other/one", 1, {}, {}))
    )
    (job,) = made.jobs
    return job


async def enqueued(client: Caller, *kinds: str) -> list[str]:
    """Fresh jobs of these kinds."""
    ledger, database = client.yard.ledger, client.yard.database
    return [
        (await database.write(lambda unit, k=kind: ledger.enqueue(unit, NewJob(k, {})))).job_id
        for kind in kinds
    ]


async def test_deliveries_are_listed_shown_and_routed_again(client: Caller) -> None:
    first = await client.routed()
    found = await hookyard(client, "deliveries", "list")
    assert found.exit_code == 0
    head, row = found.stdout.splitlines()
    assert head.split() == ["id", "received", "source", "event", "status", "about"]
    assert row.split()[0] == first
    assert "issues.opened" in row
    assert "octo/garden#1" in row
    shown = await hookyard(client, "deliveries", "show", first)
    assert f"id                    {first}" in shown.stdout
    assert "criteria.extract" in shown.stdout
    again = await hookyard(client, "deliveries", "replay", first)
    assert again.stdout.startswith(f"{first} is routed again by job ")


async def test_lists_page_through_everything_and_say_when_there_is_more(client: Caller) -> None:
    made = [await client.deliver(number=number) for number in range(1, 6)]
    few = await hookyard(client, "deliveries", "list", "--limit", "2")
    assert len(few.stdout.splitlines()) == 3
    assert few.stderr == "There are more than these 2: --limit N or --all.\n"
    every = await told(client, "deliveries", "list", "--all")
    assert [item["id"] for item in every["items"]] == made[::-1]
    assert every["next_cursor"] is None
    part = await told(client, "deliveries", "list", "--limit", "2")
    assert part["next_cursor"] is not None


async def test_filters_reach_the_server(client: Caller) -> None:
    await client.routed("octo/garden", 1)
    other = await client.routed("acme/shop", 2)
    found = await told(client, "deliveries", "list", "--repository", "acme/shop")
    assert [item["id"] for item in found["items"]] == [other]
    none = await hookyard(client, "deliveries", "list", "--status", "dead")
    assert none.stdout == "Nothing.\n"
    assert (await told(client, "jobs", "list", "--delivery", other))["items"] != []
    assert (await told(client, "jobs", "list", "--lane", "bulk"))["items"] == []


async def test_a_dead_job_is_listed_with_its_reason_and_retried_once(client: Caller) -> None:
    (job_id,) = await enqueued(client, "upkeep.purge")
    job = await claimed(client)
    await client.yard.database.write(
        lambda unit: client.yard.ledger.finish_batch(unit, [Finished(job, Fail("it broke"))])
    )
    listed = await hookyard(client, "jobs", "list", "--state", "dead")
    assert "it broke" in listed.stdout
    shown = await hookyard(client, "jobs", "show", job_id)
    assert "failed" in shown.stdout
    assert (await hookyard(client, "jobs", "retry", job_id)).stdout == f"{job_id} is queued again\n"
    refused = await hookyard(client, "jobs", "retry", job_id)
    assert refused.exit_code == 1
    assert refused.stderr == (f"hookyard: nothing was changed: {job_id} has not ended (queued)\n")


async def test_many_dead_jobs_are_retried_by_a_filter(client: Caller) -> None:
    await enqueued(client, "upkeep.purge", "upkeep.purge", "upkeep.purge")
    for _ in range(3):
        job = await claimed(client)
        await client.yard.database.write(
            lambda unit, j=job: client.yard.ledger.finish_batch(unit, [Finished(j, Fail("no"))])
        )
    found = await hookyard(client, "jobs", "retry", "--state", "dead", "--limit", "2")
    assert len(found.stdout.splitlines()) == 2
    assert "There may be more than these 2" in found.stderr
    assert (
        len((await hookyard(client, "jobs", "retry", "--state", "dead")).stdout.splitlines()) == 1
    )
    assert (
        await hookyard(client, "jobs", "retry", "--state", "dead")
    ).stdout == "No job matches.\n"


async def test_cancelling_what_waits_runs_and_has_ended(client: Caller) -> None:
    (job_id,) = await enqueued(client, "upkeep.purge")
    await claimed(client)
    runs = await hookyard(client, "jobs", "cancel", job_id)
    assert runs.stdout == f"{job_id} runs and is asked to stop\n"
    (other,) = await enqueued(client, "upkeep.purge")
    assert (await hookyard(client, "jobs", "cancel", other)).stdout == f"{other} is cancelled\n"
    ended = await hookyard(client, "jobs", "cancel", other)
    assert (ended.exit_code, "has ended already (cancelled)" in ended.stderr) == (1, True)


async def test_following_a_log_ends_with_the_job(client: Caller) -> None:
    (job_id,) = await enqueued(client, "upkeep.purge")
    job = await claimed(client)
    ledger, database = client.yard.ledger, client.yard.database
    for number in range(250):
        await database.write(lambda unit, n=number: ledger.log(unit, job, f"line {n}", {"n": n}))
    before = await hookyard(client, "jobs", "log", job_id)
    assert [line.rsplit(" n=", 1)[1] for line in before.stdout.splitlines()] == [
        str(number) for number in range(250)
    ]
    following = asyncio.create_task(hookyard(client, "jobs", "log", job_id, "--follow", "--json"))
    await database.write(lambda unit: ledger.log(unit, job, "the \x1b[2Jlast", {}))
    await database.write(lambda unit: ledger.finish_batch(unit, [Finished(job, Done({}))]))
    found = await following
    assert found.exit_code == 0
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["seq"] for line in lines] == sorted({line["seq"] for line in lines})
    assert lines[-1]["message"] == "the \x1b[2Jlast"
    assert "\x1b" not in found.stdout
    plain = await hookyard(client, "jobs", "log", job_id)
    assert plain.stdout.splitlines()[-1].endswith("the [2Jlast")


async def test_following_a_job_that_died_ends_with_1(client: Caller) -> None:
    (job_id,) = await enqueued(client, "upkeep.purge")
    job = await claimed(client)
    await client.yard.database.write(
        lambda unit: client.yard.ledger.finish_batch(unit, [Finished(job, Fail("no"))])
    )
    found = await hookyard(client, "jobs", "log", job_id, "-f")
    assert found.exit_code == 1
    assert found.stderr.startswith(f"hookyard: job {job_id} is dead")


async def test_a_key_is_made_used_and_revoked(client: Caller) -> None:
    made = await hookyard(client, "keys", "create", "ci", "--role", "viewer")
    token = made.stdout.strip()
    assert token.startswith("hky_")
    assert token not in made.stderr
    assert (await hookyard(client, "jobs", "list", key=token)).exit_code == 0
    forbidden = await hookyard(client, "keys", "list", key=token)
    assert (forbidden.exit_code, "403 forbidden" in forbidden.stderr) == (1, True)
    (listed,) = (await told(client, "keys", "list"))["items"]
    assert listed["name"] == "ci"
    assert (await hookyard(client, "keys", "revoke", listed["id"])).exit_code == 0
    assert "revoked 2" in (await hookyard(client, "keys", "list")).stdout
    gone = await hookyard(client, "jobs", "list", key=token)
    assert (gone.exit_code, "the key was not accepted" in gone.stderr) == (1, True)
    odd = await hookyard(client, "keys", "create", "x", "--role", "emperor")
    assert (odd.exit_code, len(odd.stderr.splitlines())) == (1, 1)


async def test_without_a_key_and_with_a_wrong_one_the_fix_is_named(client: Caller) -> None:
    for key, said in (("", "a key is needed"), ("wrong", "the key was not accepted")):
        found = await hookyard(client, "jobs", "list", key=key)
        assert found.exit_code == 1
        assert said in found.stderr
        assert "HOOKYARD_ADMIN_KEY" in found.stderr
        assert len(found.stderr.splitlines()) == 1


async def test_the_key_file_of_the_data_folder_is_used(client: Caller, folder: Path) -> None:
    (folder / ".hookyard").mkdir()
    (folder / ".hookyard" / "admin.key").write_text(ADMIN + "\n")
    assert (await hookyard(client, "jobs", "list", key="")).exit_code == 0


async def test_an_unknown_id_is_one_line(client: Caller) -> None:
    found = await hookyard(client, "deliveries", "show", "0" * 26)
    assert (found.exit_code, found.stderr) == (
        1, "hookyard: there is no such delivery (404 not_found)\n",
    )  # fmt: skip


async def test_a_server_that_is_not_hookyard_is_told(client: Caller) -> None:
    found = await hookyard(client, "jobs", "list", "--url", f"{client.http.base_url}docs")
    assert (found.exit_code, len(found.stderr.splitlines())) == (1, 1)


async def test_effects_and_rejections_are_listed(client: Caller) -> None:
    assert (await hookyard(client, "effects", "list", "--state", "pending")).stdout == "Nothing.\n"
    await client.send("issues", {}, secret="wrong")
    await client.front.rejections.flush(client.yard.database)
    found = await hookyard(client, "deliveries", "rejections")
    assert "bad_signature" in found.stdout


# --- hooks ---


async def test_a_file_is_signed_and_accepted(client: Caller, folder: Path) -> None:
    body = json.dumps(client.scene.issue_opened(3, "A title", "text"))
    (folder / "body.json").write_text(body)
    words = ("hooks", "send", "body.json", "--provider", "github", "--event", "issues")
    found = await hookyard(client, *words, "--secret", SECRET)
    assert found.exit_code == 0
    assert found.stdout.startswith('202 {"delivery_id"')
    refused = await hookyard(client, *words, "--secret", "another")
    assert (refused.exit_code, refused.stdout.startswith("401 ")) == (1, True)
    secretless = await hookyard(client, *words)
    assert "no secret for github" in secretless.stderr
    configured = await hookyard(client, *words, GITHUB_WEBHOOK_SECRET=SECRET)
    assert configured.exit_code == 0


async def test_a_delivery_is_recorded_and_replayed_as_it_was(client: Caller) -> None:
    await client.yard.start_working()
    sent = await hookyard(
        client, "hooks", "send", str(SAMPLES / "github" / "push"), "--secret", SECRET, "--json"
    )
    delivery_id = json.loads(sent.stdout)["answer"]["delivery_id"]
    again = await hookyard(
        client, "hooks", "replay", str(SAMPLES / "github" / "push"), "--secret", SECRET
    )
    assert again.exit_code == 0, again.output
    recorded = await hookyard(client, "hooks", "record", delivery_id, "samples/github/mine")
    assert recorded.exit_code == 0, recorded.output
    assert "mona@example.com" not in Path("samples/github/mine/body.json").read_text()
    replayed = await hookyard(client, "hooks", "replay", "samples", "--secret", f"github={SECRET}")
    assert replayed.exit_code == 0, replayed.output
    assert "✓ github/mine  202 ignored" in replayed.stdout
    offline = await hookyard(client, "hooks", "replay", "samples", "--offline")
    assert offline.exit_code == 0, offline.output


async def test_a_replay_that_ends_otherwise_says_how(client: Caller) -> None:
    await client.yard.start_working()
    sample = Path("samples/github/wrong")
    sample.mkdir(parents=True)
    for file in (SAMPLES / "github" / "push").iterdir():
        (sample / file.name).write_text(file.read_text())
    (sample / "expected.json").write_text('{"http": 202, "status": "routed"}')
    found = await hookyard(client, "hooks", "replay", "samples", "--secret", SECRET, "--json")
    assert found.exit_code == 1
    (item,) = json.loads(found.stdout)["items"]
    assert item["differences"] == ['status: expected "routed", found "ignored"']
