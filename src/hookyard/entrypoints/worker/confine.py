"""What keeps a child process in its place: it dies with its parent, and takes so much memory."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
MIB = 1024 * 1024
CAN_CAP_MEMORY = sys.platform == "linux"


def stand_alone() -> None:
    """A session of its own, deaf to a terminal's or service manager's signals to the group.

    The parent says when to stop. Where the kernel can, the child is killed when the process that
    forked it ends; elsewhere it notices the closed socket.
    """
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # why: a handler that does nothing, since programs that are started inherit "ignored".
        signal.signal(number, _nothing)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _nothing(_number: int, _frame: object) -> None:
    return


def cap_memory(memory_mb: int) -> Callable[[], None]:
    """Let this process take `memory_mb` MiB more than it has now; a call that lifts the cap.

    # why: RLIMIT_DATA counts private writable memory. RLIMIT_AS counts address space too, of which
    # some runtimes (V8, Go) reserve many gigabytes that they never use.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _private_bytes() + memory_mb * MIB
    if before[1] != resource.RLIM_INFINITY:
        limit = min(limit, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, before)


def _private_bytes() -> int:
    """Private writable memory of this process.

    # spec: proc_pid_statm(5), sixth field: data and stack, in pages.
    """
    return int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was refused, also where several tasks failed at once."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_out_of_memory(inner) for inner in error.exceptions)
    return isinstance(error, MemoryError)
