"""Runs an agent as a local command: the task on standard input, the answer on standard output.

Lines on standard error become the job's log. The command runs in a process group of its own,
which is ended as a whole when the time is up or the job is cancelled.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import Awaitable, Callable, Mapping, Sequence

from hookyard.features.agents.model import AgentFailure

MAX_OUTPUT = 1024 * 1024
MAX_LINE = 4_096
GRACE_S = 5.0

OnLine = Callable[[str], Awaitable[None]]


class _Running(SubprocessStreamProtocol):
    """The command's pipes, and an event for its end.

    # why: waiting for the process itself also waits for every pipe, which a program it left in
    # the background may hold for ever.
    """

    def __init__(self) -> None:
        super().__init__(limit=64 * 1024, loop=asyncio.get_running_loop())
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


async def run_command(
    argv: Sequence[str],
    task: bytes,
    environment: Mapping[str, str],
    cancelled: asyncio.Event,
    on_line: OnLine,
) -> bytes | AgentFailure:
    """Standard output (1 MiB at most) of a command that ended well, or why there is none."""
    try:
        process, pipes = await asyncio.get_running_loop().subprocess_exec(
            _Running,
            *argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return AgentFailure(f"the agent command did not start: {type(error).__name__}", again=False)
    work = asyncio.ensure_future(_talk(pipes, task, on_line))
    stop = asyncio.ensure_future(cancelled.wait())
    ending = asyncio.ensure_future(_once_ended(process, pipes, work))
    try:
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            return AgentFailure("cancelled", again=False)
        output = work.result()
    finally:
        for helper in (stop, ending, work):
            helper.cancel()
        await _end(process, pipes)
    if output is None:
        return AgentFailure(f"the agent wrote more than {MAX_OUTPUT} bytes", again=False)
    status = process.get_returncode()
    if status != 0:
        return AgentFailure(f"the agent ended with status {status}", again=True)
    return output


async def _talk(pipes: _Running, task: bytes, on_line: OnLine) -> bytes | None:
    assert pipes.stdin and pipes.stdout and pipes.stderr  # noqa: S101
    # why: all at once; a command that talks before it listens must not wait for us.
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_feed(pipes.stdin, task))
            output = group.create_task(_read_all(pipes.stdout))
            group.create_task(_read_lines(pipes.stderr, on_line))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    await pipes.ended.wait()
    return output.result()


async def _feed(stream: asyncio.StreamWriter, task: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(task)
        await stream.drain()
        stream.close()


async def _read_all(stream: asyncio.StreamReader) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(65_536):
        size += len(chunk)
        if size <= MAX_OUTPUT:
            chunks.append(chunk)
    return b"".join(chunks) if size <= MAX_OUTPUT else None


async def _read_lines(stream: asyncio.StreamReader, on_line: OnLine) -> None:
    rest = b""
    while chunk := await stream.read(16_384):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            await on_line(line[:MAX_LINE].decode("utf-8", "replace"))
        rest = rest[:MAX_LINE]
    if rest:
        await on_line(rest.decode("utf-8", "replace"))


async def _once_ended(
    process: asyncio.SubprocessTransport, pipes: _Running, work: "asyncio.Future[bytes | None]"
) -> None:
    """What the command left in the background does not hold up its answer."""
    await pipes.ended.wait()
    _signal(process, signal.SIGKILL)
    await asyncio.wait({work}, timeout=GRACE_S)
    process.close()


async def _end(process: asyncio.SubprocessTransport, pipes: _Running) -> None:
    """Leave nothing of the command behind: ask, wait a little, then kill the group."""
    try:
        if not pipes.ended.is_set():
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pipes.ended.wait(), GRACE_S)
    finally:
        # why: also when a second cancellation cuts the grace short.
        _signal(process, signal.SIGKILL)
        process.close()
        await pipes.ended.wait()


def _signal(process: asyncio.SubprocessTransport, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.get_pid(), number)
