"""`python -m tests.simulation SEED [--trace]`: one seed again, with all that happened in it."""

import argparse
import sys
import time

from tests.simulation.run import simulate, told


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Run the seeds asked for; 1 when one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int, help="the seed, or the first of many")
    parser.add_argument("--trace", action="store_true", help="print every event")
    parser.add_argument("--count", type=int, default=1, help="how many seeds, from that one on")
    asked = parser.parse_args()
    failed = 0
    began = time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.count):
        result = simulate(seed)
        if asked.trace:
            _say("\n".join(told(result)))
        failed += bool(result.findings)
        if asked.count > 1 and not result.findings:
            continue
        plan = result.plan
        _say(
            f"seed {seed}: {len(result.findings)} findings; {plan.workers} workers,"
            f" {plan.gateways} gateways, broker {plan.has_broker}, wild clocks {plan.wild},"
            f" {plan.deliveries} deliveries, {plan.jobs} requests;"
            f" ended after {result.ended_s:.1f} s of its own, {result.units} units,"
            f" {result.turns} turns"
        )
        _say(f"  faults: {', '.join(f'{k} {v}' for k, v in sorted(result.faults.items()))}")
        for finding in result.findings:
            _say(f"  {finding.what}: {finding.facts}")
    taken = time.perf_counter() - began
    if asked.count > 1:
        _say(f"{failed} of {asked.count} seeds failed; {taken / asked.count * 1000:.1f} ms each")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
