"""The fault campaign on embedded storage. `make chaos` runs the long one.

HOOKYARD_CHAOS=long makes it long, HOOKYARD_CHAOS_KILLS says how long, HOOKYARD_CHAOS_SEED
replays one.
"""

import os
import secrets
import sys
from pathlib import Path

import pytest

from tests.support.chaos_campaign import Campaign
from tests.support.chaos_report import Plan
from tests.support.chaos_server import CAN_FILL_DISK

LONG = os.environ.get("HOOKYARD_CHAOS") == "long"
SHORT_SEED = 20_240_229


def plan() -> Plan:
    """The plan the environment asks for."""
    if not LONG:
        seed = int(os.environ.get("HOOKYARD_CHAOS_SEED", SHORT_SEED))
        kills = int(os.environ.get("HOOKYARD_CHAOS_KILLS", "3"))
        disks = int(CAN_FILL_DISK)
        return Plan(seed, kills, 1, 1, disks, patience_s=90.0, lease_s=1.5, slow_s=1.0)
    seed = int(os.environ.get("HOOKYARD_CHAOS_SEED", secrets.randbelow(1_000_000)))
    kills = int(os.environ.get("HOOKYARD_CHAOS_KILLS", "500"))
    turns = max(1, kills // 30)
    return Plan(seed, kills, turns, turns, turns * CAN_FILL_DISK, patience_s=300.0)


def replay(wanted: Plan) -> str:
    """The one command that runs the same seed again."""
    run = "make chaos" if LONG else "pytest tests/chaos/test_campaign.py -n 0 --timeout=0 -s"
    return f"HOOKYARD_CHAOS_SEED={wanted.seed} HOOKYARD_CHAOS_KILLS={wanted.kills} {run}"


@pytest.mark.chaos
@pytest.mark.timeout(0 if LONG else 300)
def test_no_kill_loses_or_doubles_anything(tmp_path: Path) -> None:
    wanted = plan()
    sys.stdout.write(f"\n{replay(wanted)}\n")
    with Campaign(tmp_path, wanted) as campaign:
        report = campaign.run()
    sys.stdout.write(f"\n{report.text()}\n")
    found = [f"{finding.what}: {finding.facts}" for finding in report.findings[:40]]
    again = f"replay with: {replay(wanted)}"
    assert not found, "\n".join([f"{len(report.findings)} findings", *found, again])
    assert report.kills.total() >= wanted.kills
    assert report.history.landed, "the campaign made nothing land, so it proves nothing"
