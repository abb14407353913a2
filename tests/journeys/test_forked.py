"""`hookyard worker --forked` as people run it: a process for each job, and nothing left behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.postgres import PostgresServer
from tests.support.processes import Process, starting
from tests.support.shared import Set, shared_set


@pytest.fixture
def shared(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Set]:
    with shared_set(tmp_path, postgres_server) as made:
        yield made


def family(worker: Process) -> list[psutil.Process]:
    """Our own processes of a worker: itself, its fork server, its children; no agent."""
    found = [psutil.Process(worker.child.pid)]
    found += found[0].children(recursive=True)
    return [one for one in found if "python" in one.name()]


def migrated(shared: Set) -> None:
    shared.start("migrate").end()


def test_a_burst_makes_each_attempt_in_a_process_of_its_own(shared: Set) -> None:
    migrated(shared)
    asked = [shared.ask() for _ in range(3)]
    agent = shared.agent("echo pid $PPID\n")
    worker = shared.start("worker", "--forked", "--burst", HOOKYARD_AGENT_COMMAND=agent)
    assert worker.until("worked_off")["attempts"] == 3
    assert worker.end() == 0
    said = {str(shared.job(job_id).result) for job_id in asked}
    assert len(said) == 3
    assert all(shared.job(job_id).state.value == "succeeded" for job_id in asked)


def test_a_signal_to_the_whole_group_lets_the_running_job_end(shared: Set) -> None:
    """As a service manager stops a unit: every process of it gets the signal."""
    migrated(shared)
    job_id = shared.ask()
    agent = shared.agent("touch begun; sleep 2; echo done\n")
    worker = shared.start("worker", "--forked", HOOKYARD_AGENT_COMMAND=agent)
    worker.until("ready")
    while not (shared.folder / "begun").exists():
        assert worker.child.poll() is None
    members = family(worker)
    assert len(members) > 2
    for member in members:
        member.send_signal(signal.SIGTERM)
    assert worker.end() == 0
    job = shared.job(job_id)
    assert (job.state.value, job.attempt) == ("succeeded", 1)
    assert not psutil.wait_procs(members, timeout=20)[1]


def test_children_die_with_a_worker_that_was_killed(shared: Set) -> None:
    migrated(shared)
    job_id = shared.ask()
    agent = shared.agent("touch begun; sleep 4; echo done\n")
    worker = shared.start("worker", "--forked", HOOKYARD_AGENT_COMMAND=agent)
    worker.until("ready")
    while not (shared.folder / "begun").exists():
        assert worker.child.poll() is None
    members = family(worker)
    worker.signal(signal.SIGKILL)
    assert not psutil.wait_procs(members, timeout=20)[1]
    again = shared.start("worker", "--forked", HOOKYARD_AGENT_COMMAND=shared.agent("echo again\n"))
    again.until("ready")
    assert shared.until(job_id, "succeeded").attempt == 2


def test_sqlite_refuses_it_with_the_reason_and_the_fix(tmp_path: Path) -> None:
    with starting(tmp_path) as begin:
        process = begin("worker", "--forked")
        assert process.end() == 1
    (line,) = process.lines
    assert line.startswith("hookyard: --forked needs Postgres")
    assert "DATABASE_URL" in line


def test_a_cap_needs_a_process_of_its_own(tmp_path: Path) -> None:
    with starting(tmp_path) as begin:
        process = begin("worker", "--memory-mb", "512")
        assert process.end() == 2
    assert "--forked" in process.lines[-1]
