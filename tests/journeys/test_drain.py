"""What SIGTERM does to a process: work ends or goes back, and load balancers are told in time."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from hookyard.kit.clock import SystemClock
from hookyard_sandbox.senders import signed_request
from tests.support.postgres import PostgresServer
from tests.support.processes import Process
from tests.support.shared import Set, shared_set

SECRET = "a-secret-of-these-tests"
CLOCK = SystemClock()


@pytest.fixture
def shared(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Set]:
    with shared_set(tmp_path, postgres_server) as made:
        yield made


def ping(number: int) -> tuple[str, bytes, dict[str, str]]:
    body = b'{"zen": "x", "hook_id": 1, "hook": {"type": "App"}}'
    made = signed_request("github", body, SECRET, event="ping", delivery_id=f"d-{number}")
    return made.path, made.body, dict(made.headers)


def door(process: Process) -> httpx2.Client:
    return httpx2.Client(base_url=str(process.until("ready")["url"]), trust_env=False, timeout=20)


def test_a_gateway_goes_on_answering_while_work_ends_and_says_that_it_drains(shared: Set) -> None:
    agent = shared.agent("touch begun\nwhile [ ! -e go ]; do sleep 0.05; done; echo done\n")
    process = shared.start(
        "up", "--port", "0", GITHUB_WEBHOOK_SECRET=SECRET, HOOKYARD_AGENT_COMMAND=agent,
        HOOKYARD_DRAIN_SECONDS="60",
    )  # fmt: skip
    with door(process) as http:
        job_id = shared.ask()
        while not (shared.folder / "begun").exists():
            assert process.child.poll() is None
        assert http.get("/readyz").status_code == 200
        process.signal(signal.SIGTERM)
        process.until("handed_over")
        ready = http.get("/readyz")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["draining"])
        path, body, headers = ping(1)
        assert http.post(path, content=body, headers=headers).status_code == 202
        late = shared.ask()
        (shared.folder / "go").touch()
        assert process.end() == 0
    assert shared.job(job_id).state.value == "succeeded"
    assert (shared.job(late).state.value, shared.job(late).attempt) == ("queued", 0)
    assert shared.sql("SELECT status FROM deliveries") == [("accepted",)]


def test_what_does_not_end_in_time_is_handed_back(shared: Set) -> None:
    process = shared.start(
        "serve", "worker",
        HOOKYARD_AGENT_COMMAND=shared.agent("touch begun; sleep 300\n"),
        HOOKYARD_CONCURRENCY="1", HOOKYARD_DRAIN_SECONDS="1",
    )  # fmt: skip
    process.until("ready")
    asked = [shared.ask() for _ in range(3)]
    while not (shared.folder / "begun").exists():
        assert process.child.poll() is None
    process.signal(signal.SIGTERM)
    began = CLOCK.monotonic()
    assert process.end() == 0
    assert CLOCK.monotonic() - began < 20
    jobs = [shared.job(job_id) for job_id in asked]
    assert [job.state.value for job in jobs] == ["queued"] * 3
    assert sorted(job.attempt for job in jobs) == [0, 0, 1]
    assert shared.sql("SELECT outcome FROM job_attempts WHERE attempt = 1") == [("released",)]


def test_a_notice_keeps_the_door_open_for_load_balancers(shared: Set) -> None:
    process = shared.start("serve", "gateway", "--port", "0", HOOKYARD_DRAIN_NOTICE_SECONDS="2")
    with door(process) as http:
        process.signal(signal.SIGTERM)
        began = CLOCK.monotonic()
        seen = 0
        while True:
            try:
                ready = http.get("/readyz")
            except httpx2.TransportError:
                break
            seen += ready.status_code == 503
        lasted_s = CLOCK.monotonic() - began
    assert process.end() == 0
    assert seen
    assert 1.5 < lasted_s < 15
