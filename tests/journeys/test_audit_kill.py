"""A server that is killed while it writes the trail leaves one that holds."""

import signal
from pathlib import Path

import httpx2

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.database.port import RawSql
from hookyard.core.audit.export import verify
from hookyard.core.audit.signing import trust
from tests.support.processes import ADMIN, Process

ROUNDS = 3


def written(process: Process) -> int:
    """Give grants until the server is killed in the middle of it; how many were answered."""
    url = str(process.until("ready")["url"])
    answered = 0
    with httpx2.Client(
        base_url=url,
        headers={"authorization": f"Bearer {ADMIN}"},
        timeout=30,
        trust_env=False,
    ) as http:
        while True:
            grant = {"subject": f"user:u{url[-5:]}-{answered}", "role": "viewer"}
            if answered == 20:
                process.signal(signal.SIGKILL)
            try:
                made = http.post("/api/admin/grants", json=grant)
            except httpx2.HTTPError:
                return answered
            assert made.status_code == 201, made.text
            answered += 1


async def test_a_trail_holds_after_kill_9(tmp_path: Path) -> None:
    answered = 0
    for _ in range(ROUNDS):
        process = Process(tmp_path, "up", HOOKYARD_PORT="0")
        try:
            answered += written(process)
        finally:
            process.close()
    database = SqliteDatabase(tmp_path / "data" / "hookyard.db")
    count = RawSql.same("SELECT count(*) FROM audit WHERE action <> 'grants.create'")
    try:
        report = await verify(database, "default", trust(()))
        beside = int(str((await database.read(lambda unit: unit.fetch_raw(count)))[0][0]))
    finally:
        await database.close()
    assert report.broken is None
    assert answered <= report.entries - beside <= answered + ROUNDS
    assert answered >= 20 * ROUNDS
