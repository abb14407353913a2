"""The processes people start: ready, drained, refused, each with its exit code and one line."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from hookyard_sandbox.senders import SignedRequest, signed_request
from hookyard_sandbox.senders_slack import app_mention
from tests.support.postgres import PostgresServer
from tests.support.processes import ADMIN, LIMIT_S, Process, starting

SECRET = "a-secret-of-these-tests"


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `hookyard` in a folder of its own; whatever still runs at the end is killed."""
    with starting(tmp_path) as begin:
        yield begin


def get(url: object, path: str) -> dict[str, object]:
    """An object of the API, as the admin."""
    headers = {"authorization": f"Bearer {ADMIN}"}
    with httpx2.Client(base_url=str(url), headers=headers, trust_env=False, timeout=20) as http:
        return dict(http.get(path).raise_for_status().json())


def post(url: object, request: SignedRequest) -> int:
    """Send a webhook; the status."""
    with httpx2.Client(base_url=str(url), trust_env=False, timeout=20) as http:
        answer = http.post(request.path, content=request.body, headers=request.headers)
        return int(answer.status_code)


def mention(number: int) -> SignedRequest:
    """A signed Slack mention that asks for work."""
    now_ms = time.time_ns() // 1_000_000
    body = app_mention("fix octo/garden#1", event_id=f"Ev{number}", now_ms=now_ms)
    return signed_request("slack", body, SECRET, now_ms=now_ms)


def with_slack(folder: Path) -> str:
    """A sources file that lets everyone on Slack ask for work."""
    source = {"provider": "slack", "secrets": [SECRET], "allow": ["*"], "repository": "octo/garden"}
    (folder / "sources.json").write_text(json.dumps({"sources": [source]}))
    return str(folder / "sources.json")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_is_ready_serves_and_ends_with_0(start: Start, number: int) -> None:
    process = start("up", "--port", "0", GITHUB_WEBHOOK_SECRET=SECRET)
    ready = process.until("ready")
    assert ready["roles"] == ["gateway", "records", "relay", "scheduler", "tokens", "worker"]
    assert get(ready["url"], "/readyz") == {"ready": True, "reasons": []}
    process.signal(number)
    assert process.end() == 0
    assert json.loads(process.lines[-1])["event"] == "stopped"
    assert "Traceback" not in "".join(process.lines)


def test_a_first_start_makes_a_key_and_shows_it_once(start: Start, tmp_path: Path) -> None:
    first = start("up", "--port", "0", HOOKYARD_ADMIN_KEY="")
    first.until("ready")
    token = (tmp_path / "data" / "admin.key").read_text().strip()
    assert token in "".join(first.lines)
    first.signal(signal.SIGTERM)
    assert first.end() == 0
    again = start("up", "--port", "0", HOOKYARD_ADMIN_KEY="")
    again.until("ready")
    assert token not in "".join(again.lines)


def test_a_second_signal_ends_it_at_once(start: Start, tmp_path: Path) -> None:
    process = start(
        "up",
        "--port",
        "0",
        HOOKYARD_SOURCES_FILE=with_slack(tmp_path),
        HOOKYARD_AGENT_COMMAND="sleep 300",
        HOOKYARD_DRAIN_SECONDS="300",
    )
    url = process.until("ready")["url"]
    assert post(url, mention(1)) == 202
    while not get(url, "/api/jobs?kind=agent.task&state=running")["items"]:
        assert process.child.poll() is None
    process.signal(signal.SIGTERM)
    process.until("stopping")
    process.signal(signal.SIGTERM)
    assert process.end() == 1
    assert json.loads(process.lines[-1])["event"] == "stopped_at_once"


def test_running_work_may_end_before_the_process_does(start: Start, tmp_path: Path) -> None:
    (tmp_path / "agent.sh").write_text('cat >/dev/null; sleep 1; echo \'{"text": "done"}\'')
    environ = {
        "HOOKYARD_SOURCES_FILE": with_slack(tmp_path),
        "HOOKYARD_AGENT_COMMAND": f"sh {tmp_path / 'agent.sh'}",
    }
    process = start("up", "--port", "0", **environ)
    url = process.until("ready")["url"]
    assert post(url, mention(1)) == 202
    while not get(url, "/api/jobs?kind=agent.task&state=running")["items"]:
        assert process.child.poll() is None
    process.signal(signal.SIGTERM)
    assert process.end() == 0
    again = start("serve", "gateway", "--port", "0", **environ)
    (job,) = get(again.until("ready")["url"], "/api/jobs?kind=agent.task")["items"]  # type: ignore[misc]
    assert job["state"] == "succeeded", job


def test_a_port_in_use_is_one_line(start: Start, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("up", "--port", str(port))
        assert process.end() == 1
    (line,) = process.lines
    assert line.startswith(f"hookyard: HOOKYARD_PORT: cannot listen on 127.0.0.1:{port}: ")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HOOKYARD_PORT": "many"}, "HOOKYARD_PORT: cannot be read"),
        ({"HOOKYARD_HOST": "no.such.host.invalid"}, "cannot listen on no.such.host.invalid"),
        ({"HOOKYARD_ADMIN_KEY": "short"}, "HOOKYARD_ADMIN_KEY must have at least 16"),
        ({"HOOKYARD_DATA_DIR": "file/data"}, "HOOKYARD_DATA_DIR: cannot make file/data"),
        ({"HOOKYARD_SOURCES_FILE": "none.yml"}, "HOOKYARD_SOURCES_FILE: cannot read none.yml"),
        ({"GITHUB_APP_ID": "1"}, "GITHUB_PRIVATE_KEY is missing"),
        ({"GITHUB_APP_ID": "1", "GITHUB_PRIVATE_KEY": "x"}, "not an RSA private key"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}, "check DATABASE_URL"),
        ({"HOOKYARD_AGENT_COMMAND": "'open"}, "HOOKYARD_AGENT_COMMAND"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    start: Start, tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    (tmp_path / "file").write_text("not a folder")
    process = start("up", **{"HOOKYARD_PORT": "0", **environ})
    assert process.end() == 1
    (line,) = process.lines
    assert line.startswith("hookyard: ")
    assert said in line


def test_a_second_process_on_sqlite_is_refused(start: Start) -> None:
    first = start("up", "--port", "0")
    first.until("ready")
    for words in (["serve", "worker"], ["worker", "--burst"], ["migrate"]):
        second = start(*words)
        assert second.end() == 1
        (line,) = second.lines
        assert f"another Hookyard process (pid {first.child.pid}) already writes" in line
        assert "DATABASE_URL" in line


def test_a_gateway_takes_in_and_a_burst_works_off(start: Start, tmp_path: Path) -> None:
    environ = {"GITHUB_WEBHOOK_SECRET": SECRET}
    gateway = start("serve", "gateway", "--port", "0", **environ)
    url = gateway.until("ready")["url"]
    body = b'{"zen": "x", "hook_id": 1, "hook": {"type": "App"}}'
    for number in range(3):
        ping = signed_request("github", body, SECRET, event="ping", delivery_id=f"d-{number}")
        assert post(url, ping) == 202
    waiting = get(url, "/api/deliveries?status=accepted")["items"]
    assert len(waiting) == 3  # type: ignore[arg-type]
    gateway.signal(signal.SIGTERM)
    assert gateway.end() == 0

    others = start("worker", "--burst", "--lanes", "bulk", **environ)
    assert others.until("worked_off")["attempts"] == 0
    assert others.end() == 0
    burst = start("worker", "--burst", **environ)
    assert burst.until("worked_off")["attempts"] == 3
    assert burst.end() == 0

    again = start("serve", "gateway", "--port", "0", **environ)
    url = again.until("ready")["url"]
    assert get(url, "/api/deliveries?status=accepted")["items"] == []
    again.signal(signal.SIGTERM)
    assert again.end() == 0


def test_roles_in_several_processes_share_a_postgres(
    start: Start, postgres_server: PostgresServer
) -> None:
    name = postgres_server.create_database()
    environ = {"GITHUB_WEBHOOK_SECRET": SECRET, "DATABASE_URL": postgres_server.url(name)}
    try:
        gateway = start("serve", "gateway", "--port", "0", **environ)
        worker = start("serve", "worker", "scheduler", **environ)
        url = gateway.until("ready")["url"]
        worker.until("ready")
        body = b'{"zen": "x", "hook_id": 1, "hook": {"type": "App"}}'
        assert (
            post(url, signed_request("github", body, SECRET, event="ping", delivery_id="d")) == 202
        )
        while get(url, "/api/deliveries?status=accepted")["items"]:
            assert worker.child.poll() is None
        for process in (gateway, worker):
            process.signal(signal.SIGTERM)
            assert process.end() == 0
    finally:
        for process in (gateway, worker):
            process.child.kill()
            process.child.wait(LIMIT_S)
        postgres_server.drop_database(name)


def test_a_scheduler_and_a_worker_need_no_door(start: Start) -> None:
    process = start("serve", "scheduler", "worker")
    ready = process.until("ready")
    assert "url" not in ready
    assert ready["roles"] == ["scheduler", "worker"]
    process.signal(signal.SIGTERM)
    assert process.end() == 0


def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m hookyard openapi | head -c 10"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, cwd=tmp_path)  # noqa: S602
    assert len(done.stdout) == 10
    assert done.stderr == ""
