"""How long an outage takes to recover: `python -m benchmarks.recovery [COUNT] [--limits]`.

A simulated GitHub emits COUNT deliveries (7,000) while Hookyard is down; every tenth did arrive
before, every tenth comes late, over HTTP, while the rest is pulled. Everything runs in this
process. The limits of the simulated GitHub are lifted; with `--limits` they hold, and the pull
keeps to its own pace of 600 reads a minute, so that it shows what GitHub itself allows. Prints
what came of it as JSON, and fails when anything is missing or there twice. As a part of
`python -m benchmarks` it is this program in a process of its own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2
from sqlalchemy import text

from benchmarks.report import Figures, Goal
from benchmarks.setup import HERE
from hookyard.adapters.database.port import Unit
from hookyard.bootstrap import Yard, open_yard
from hookyard.core.jobs.model import TERMINAL, Job
from hookyard.entrypoints.http.app import Front
from hookyard.entrypoints.http.server import listen, serve
from hookyard.kit.json import as_object
from hookyard.settings import load_settings
from hookyard_sandbox.github.model import HookDelivery
from hookyard_sandbox.github.sandbox import Sandbox

ADMIN = "the-admin-key-of-this-benchmark"
SECRET = "hush-hush-hush"
REPOSITORY = "acme/shop"
QUIET = {".hookyard.yml": "criteria:\n  comment: false\n"}


@dataclass(frozen=True, slots=True)
class Found:
    """What came of an outage."""

    emitted: int
    here: int
    twice: int
    seconds: float
    state: str
    result: dict[str, object]


def lift(sandbox: Sandbox) -> None:
    """No limits but those of the machine."""
    limits = sandbox.limits
    limits.primary_per_hour = limits.points_per_minute = 10_000_000


async def post(http: httpx2.AsyncClient, hooks: list[HookDelivery]) -> None:
    """Webhooks one after the other, as GitHub would have sent them."""
    for hook in hooks:
        answer = await http.post("/webhooks/github", content=hook.body, headers=hook.headers)
        if answer.status_code not in (200, 202):
            raise SystemExit(f"the front door answered {answer.status_code}")


async def job_of(yard: Yard, job_id: str) -> Job:
    """A job as it stands."""
    return await yard.database.read(lambda unit: yard.ledger.get(unit, job_id))


async def names(yard: Yard) -> Counter[str]:
    """How many rows each GUID of an issue has."""

    def look(unit: Unit) -> Counter[str]:
        sql = "SELECT provider_delivery_id AS guid FROM deliveries WHERE event = 'issues'"
        return Counter(str(row["guid"]) for row in unit.fetch(text(sql)))

    return await yard.database.read(look)


async def recover(yard: Yard, http: httpx2.AsyncClient, missed: list[HookDelivery]) -> Found:
    """Recover beside what arrived and what comes late."""
    await post(http, missed[::10])
    late = asyncio.create_task(post(http, missed[5::10]))
    began = time.monotonic()
    headers = {"authorization": f"Bearer {ADMIN}"}
    asked = await http.post("/api/deliveries/recover", json={"since": "6h"}, headers=headers)
    job_id = asked.json()["job_id"]
    while (job := await job_of(yard, job_id)).state not in TERMINAL:
        await asyncio.sleep(0.1)
    taken_s = time.monotonic() - began
    await late
    found, emitted = await names(yard), {hook.guid for hook in missed}
    return Found(
        len(emitted),
        len(emitted & set(found)),
        sum(found.values()) - len(found),
        taken_s,
        job.state.value,
        dict(as_object(job.result)),
    )


async def run(count: int, *, limits: bool) -> Found:
    """The whole of it, in a folder that is thrown away."""
    emitted: list[HookDelivery] = []
    with tempfile.TemporaryDirectory() as folder, Sandbox(deliver=emitted.append) as sandbox:
        sandbox.create_repository(REPOSITORY, files=QUIET)
        app = sandbox.register_app(webhook_secret=SECRET)
        sandbox.create_installation(app)
        if not limits:
            lift(sandbox)
        environ = {
            "HOOKYARD_DATA_DIR": folder,
            "HOOKYARD_ADMIN_KEY": ADMIN,
            "HOOKYARD_LOG_LEVEL": "warning",
            "HOOKYARD_RECOVER_READS_PER_MINUTE": "600" if limits else "10000000",
            "GITHUB_WEBHOOK_SECRET": SECRET,
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_PRIVATE_KEY": app.private_key,
            "GITHUB_API_BASE_URL": sandbox.base_url,
        }
        emitted.clear()
        for number in range(count):
            sandbox.create_issue(REPOSITORY, f"Issue {number}", "- [ ] It works", by="alice")
        missed = list(emitted)
        yard = await open_yard(load_settings(environ, folder=Path(folder)), {})
        stop, bound = asyncio.Event(), listen("127.0.0.1", 0)
        bound.listen(128)
        serving = asyncio.create_task(serve(yard, Front(yard), bound, stop))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with httpx2.AsyncClient(base_url=address, timeout=60, trust_env=False) as http:
            await yard.start_working()
            found = await recover(yard, http, missed)
        stop.set()
        await serving
        await yard.close()
        bound.close()
        return found


def measure(figures: Figures, count: int) -> None:
    """One outage; a table and a goal."""
    argv = [sys.executable, "-m", "benchmarks.recovery", str(count)]
    done = subprocess.run(argv, cwd=HERE.parent, capture_output=True, text=True, check=False)
    if not done.stdout:
        figures.note(f"not measured: recovery: {done.stderr.strip()[-600:]}")
        return
    found = Found(**json.loads(done.stdout.splitlines()[-1]))
    figures.tables["An outage: deliveries that GitHub kept, pulled and sent late"] = [
        {
            "emitted": found.emitted,
            "here": found.here,
            "twice": found.twice,
            "seconds": found.seconds,
            "a second": found.emitted / found.seconds,
        }
    ]
    whole = (found.here - found.twice) / found.emitted
    goal = Goal("deliveries of an outage, here once", "emitted", whole, 1.0, at_least=True)
    figures.goals.append(goal)


def main(argv: list[str]) -> None:
    """The command line."""
    import logging

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=7_000)
    parser.add_argument("--limits", action="store_true", help="keep to GitHub's limits")
    given = parser.parse_args(argv)
    found = asyncio.run(run(given.count, limits=given.limits))
    print(json.dumps(asdict(found)))
    if found.here != found.emitted or found.twice or found.state != "succeeded":
        raise SystemExit("not recovered")


if __name__ == "__main__":
    main(sys.argv[1:])
