"""Proposals of a local command: the question on standard input, the answer on standard output.

It runs in a process group of its own with a minimal environment, and is ended as a whole when its
time is up; what it writes past the limit is not kept.
"""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

from hookyard.features.manifests.proposals import MAX_ANSWER, Answer, Budget, Failed, read_answer

_INHERITED = ("HOME", "LANG", "PATH", "TMPDIR")


class ExecProvider:
    """Implements `proposals.Provider` with a command."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = f"exec:{Path(argv[0]).name}"[:100]
        self._argv = tuple(argv)
        self._environ = {name: environ[name] for name in _INHERITED if name in environ}

    async def suggest(self, question: bytes, budget: Budget) -> Answer | Failed:
        """Run the command once."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=self._environ,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return Failed("failed", f"the command did not start: {type(error).__name__}")
        try:
            async with asyncio.timeout(budget.seconds):
                output = await _talk(process, question)
                # why: one that still writes will not end by itself once nobody reads.
                status = 0 if output is None else await process.wait()
        except TimeoutError:
            return Failed("timeout", f"no answer within {budget.seconds:g} s")
        finally:
            await _end(process)
        if output is None:
            return Failed("refused", f"the answer is larger than {MAX_ANSWER // 1024} KiB")
        if status != 0:
            return Failed("failed", f"the command ended with status {status}")
        return read_answer(output)


async def _talk(process: Process, question: bytes) -> bytes | None:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101
    feeding = asyncio.ensure_future(_feed(process.stdin, question))
    try:
        return await _read(process.stdout)
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding


async def _feed(stream: asyncio.StreamWriter, question: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(question)
        await stream.drain()
        stream.close()


async def _read(stream: asyncio.StreamReader) -> bytes | None:
    found = bytearray()
    while chunk := await stream.read(65_536):
        found += chunk
        if len(found) > MAX_ANSWER:
            return None
    return bytes(found)


async def _end(process: Process) -> None:
    """End the whole group, also what the command left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    # why: closing the pipes; a grandchild that moved to another session may hold them open.
    process._transport.close()  # type: ignore[attr-defined]
    await process.wait()
