"""Closed-loop load with wrk: one thread, a fixed number of connections, every delivery new."""

import json
import subprocess
from dataclasses import dataclass

from benchmarks.bodies import RUNS, SECRET, BodySet, template_file
from benchmarks.setup import HERE


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw in one run. `refused` are answers over 399; `broken` had no answer."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def acks(self) -> int:
        """Answers that were not refusals."""
        return self.requests - self.refused

    @property
    def rate(self) -> float:
        """Acknowledged deliveries per second."""
        return self.acks / self.seconds


def start_wrk(
    url: str, body_set: BodySet, seconds: float, connections: int = 32
) -> subprocess.Popen[str]:
    """wrk, running. Read its result with `result`."""
    given = [str(template_file(body_set)), SECRET, str(RUNS.next()), body_set.event]
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "30s"]
    argv += ["-s", str(HERE / "deliveries.lua"), url, "--", *given]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def result(wrk: subprocess.Popen[str]) -> Load:
    """What a wrk run found; RuntimeError with its output when it found nothing."""
    output, _ = wrk.communicate()
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            return Load(
                requests=found["requests"],
                seconds=found["duration_us"] / 1e6,
                p50_ms=found["p50_us"] / 1000,
                p99_ms=found["p99_us"] / 1000,
                refused=found["refused"],
                broken=sum(found[kind] for kind in ("connect", "read", "write", "timeout")),
            )
    raise RuntimeError(f"wrk gave no result:\n{output}")


def run(url: str, body_set: BodySet, seconds: float, connections: int = 32) -> Load:
    """One run, from start to result."""
    return result(start_wrk(url, body_set, seconds, connections))
