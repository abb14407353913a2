"""Running an agent: what it gets, what is kept of it, and that nothing of it stays behind."""

import asyncio
import json
import os
import sys

import psutil
import pytest

from hookyard.features.agents.command import MAX_LINE, MAX_OUTPUT, run_command
from hookyard.features.agents.model import AgentFailure
from hookyard.kit.clock import SystemClock

PATIENCE_S = 15.0


class Agent:
    """One run of a Python program as the agent command."""

    def __init__(self, program: str, *, argv: list[str] | None = None) -> None:
        self.argv = argv or [sys.executable, "-c", program]
        self.cancelled = asyncio.Event()
        self.lines: list[str] = []
        self.said = asyncio.Event()

    async def hear(self, line: str) -> None:
        self.lines.append(line)
        self.said.set()

    async def run(self, task: bytes = b"{}") -> bytes | AgentFailure:
        environment = {"PATH": os.environ.get("PATH", ""), "WORD": "42"}
        async with asyncio.timeout(PATIENCE_S):
            return await run_command(self.argv, task, environment, self.cancelled, self.hear)

    def start(self, task: bytes = b"{}") -> "asyncio.Task[bytes | AgentFailure]":
        return asyncio.create_task(self.run(task))

    async def first_line(self) -> str:
        await asyncio.wait_for(self.said.wait(), PATIENCE_S)
        return self.lines[0]


async def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that was just killed gets a moment to do so."""

    def ended() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    clock = SystemClock()
    async with asyncio.timeout(PATIENCE_S):
        while not ended():
            # why: the end of a stranger's process is told to nobody.
            await clock.sleep(0.005)
    return True


async def test_task_goes_in_answer_comes_out_and_errors_become_log_lines() -> None:
    agent = Agent(
        "import sys, os; print(sys.stdin.read().upper() + os.environ['WORD'], end='');"
        "print('one', file=sys.stderr); print('two', file=sys.stderr)"
    )
    assert await agent.run(b"hello ") == b"HELLO 42"
    assert agent.lines == ["one", "two"]


async def test_the_environment_is_only_what_was_given() -> None:
    agent = Agent("import os, json; print(json.dumps(sorted(os.environ)))")
    output = await agent.run()
    assert isinstance(output, bytes)
    assert set(json.loads(output)) <= {"PATH", "WORD", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}


async def test_a_bad_exit_may_be_tried_again_and_names_the_status() -> None:
    failure = await Agent("import sys; print('{}'); sys.exit(3)").run()
    assert failure == AgentFailure("the agent ended with status 3", again=True)


async def test_a_killed_agent_may_be_tried_again() -> None:
    failure = await Agent("import os; os.kill(os.getpid(), 9)").run()
    assert failure == AgentFailure("the agent ended with status -9", again=True)


@pytest.mark.parametrize("argv", [["/nonexistent/agent"], ["agent\0"], [os.curdir]])
async def test_a_command_that_cannot_start_says_so(argv: list[str]) -> None:
    failure = await Agent("", argv=argv).run()
    assert isinstance(failure, AgentFailure)
    assert failure.reason.startswith("the agent command did not start")
    assert not failure.again


async def test_output_up_to_the_limit_is_taken_whole() -> None:
    output = await Agent(f"import sys; sys.stdout.write('x' * {MAX_OUTPUT})").run()
    assert output == b"x" * MAX_OUTPUT


async def test_oversized_output_is_refused_and_not_held() -> None:
    failure = await Agent(f"import sys; sys.stdout.write('x' * {MAX_OUTPUT * 4})").run()
    assert failure == AgentFailure(f"the agent wrote more than {MAX_OUTPUT} bytes", again=False)


async def test_endless_lines_are_cut() -> None:
    agent = Agent("import sys; sys.stderr.write('x' * 3_000_000 + '\\n' + 'end')")
    assert await agent.run() == b""
    assert [len(line) for line in agent.lines[:1]] == [MAX_LINE]
    assert agent.lines[-1] == "end"
    assert all(len(line) <= MAX_LINE for line in agent.lines)


async def test_strange_bytes_in_the_log_are_replaced() -> None:
    agent = Agent("import sys; sys.stderr.buffer.write(b'a\\xff\\xfeb\\n')")
    await agent.run()
    assert agent.lines == ["a\ufffd\ufffdb"]


async def test_an_agent_that_talks_before_it_listens_does_not_hang() -> None:
    agent = Agent(
        "import sys; sys.stdout.write('y' * 900_000); sys.stdout.flush();"
        "print(len(sys.stdin.read()), file=sys.stderr)"
    )
    output = await agent.run(b"z" * 900_000)
    assert isinstance(output, bytes)
    assert len(output) == 900_000
    assert agent.lines == ["900000"]


async def test_an_agent_that_never_listens_is_no_failure() -> None:
    assert await Agent("import os; os.close(0); print('fine')").run(b"z" * 500_000) == b"fine\n"


DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
FAMILY = (
    "import subprocess, sys, signal, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, file=sys.stderr, flush=True);"
)


async def test_cancelling_ends_the_whole_process_group() -> None:
    agent = Agent(FAMILY + "time.sleep(600)")
    running = agent.start()
    child = int(await agent.first_line())
    assert psutil.pid_exists(child)
    agent.cancelled.set()
    assert await running == AgentFailure("cancelled", again=False)
    assert await is_gone(child)


async def test_running_out_of_time_ends_the_whole_process_group() -> None:
    agent = Agent(FAMILY + "time.sleep(600)")
    running = agent.start()
    child = int(await agent.first_line())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await is_gone(child)


async def test_an_agent_deaf_to_the_first_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hookyard.features.agents.command.GRACE_S", 0.2)
    agent = Agent(DEAF + FAMILY + "time.sleep(600)")
    running = agent.start()
    child = int(await agent.first_line())
    agent.cancelled.set()
    await running
    assert await is_gone(child)


async def test_a_second_cancellation_still_leaves_nothing_behind() -> None:
    agent = Agent(DEAF + FAMILY + "time.sleep(600)")
    running = agent.start()
    child = int(await agent.first_line())
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await is_gone(child)


async def test_a_second_cancellation_waits_for_the_end_it_forces() -> None:
    agent = Agent(
        DEAF + "import os, sys, time; print(os.getpid(), file=sys.stderr, flush=True);"
        "time.sleep(600)"
    )
    running = agent.start()
    leader = int(await agent.first_line())
    running.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(leader)


async def test_a_child_left_behind_does_not_hold_up_the_answer() -> None:
    agent = Agent(FAMILY + "print('done', flush=True)")
    assert await agent.run() == b"done\n"
    assert await is_gone(int(agent.lines[0]))


async def test_a_log_that_cannot_be_written_ends_the_agent() -> None:
    agent = Agent(FAMILY + "time.sleep(600)")
    pids: list[int] = []

    async def broken(line: str) -> None:
        pids.append(int(line))
        raise RuntimeError("the lease was lost")

    agent.hear = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="the lease was lost"):
        await agent.run()
    assert await is_gone(pids[0])


async def test_it_works_the_same_on_the_faster_event_loop() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def run() -> tuple[bytes | AgentFailure, int]:
        agent = Agent(FAMILY + "print('done', flush=True)")
        return await agent.run(b"z" * 500_000), int(agent.lines[0])

    output, child = await asyncio.to_thread(uvloop.run, run())
    assert output == b"done\n"
    assert await is_gone(child)
