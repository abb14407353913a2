"""The fault campaigns, embedded and scaled out. `make chaos` runs the long ones.

HOOKYARD_CHAOS=long makes them long. HOOKYARD_CHAOS_KILLS says how many kills there are in all,
HOOKYARD_CHAOS_VARIANTS which variants share them ("sqlite redis", or with their shares
"sqlite=3 redis=1"), HOOKYARD_CHAOS_SEED replays one.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.chaos_campaign import VARIANTS, Campaign
from tests.support.chaos_plans import long_plan, shares, short_plan
from tests.support.chaos_report import Plan, Report, matrix

LONG = os.environ.get("HOOKYARD_CHAOS") == "long"
SEED = os.environ.get("HOOKYARD_CHAOS_SEED")
KILLS = os.environ.get("HOOKYARD_CHAOS_KILLS")
SHARES = shares(os.environ.get("HOOKYARD_CHAOS_VARIANTS", ""), VARIANTS)
DRAWN = secrets.randbelow(1_000_000)


def plan(variant: str) -> Plan:
    """The plan the environment asks for."""
    if not LONG:
        return short_plan(variant, SEED, KILLS)
    kills = int(KILLS or "1000")
    return long_plan(variant, int(SEED or DRAWN), round(kills * SHARES.get(variant, 0.0)))


def replay(wanted: Plan) -> str:
    """The one command that runs the same seed again."""
    run = "make chaos" if LONG else "pytest tests/chaos/test_campaign.py -n 0 --timeout=0 -s"
    given = {"SEED": wanted.seed, "KILLS": wanted.kills, "VARIANTS": wanted.variant}
    return " ".join([*(f"HOOKYARD_CHAOS_{name}={value}" for name, value in given.items()), run])


@pytest.fixture(scope="module")
def reports() -> Iterator[list[Report]]:
    """Collects what the campaigns tell; the sum of it at the end."""
    found: list[Report] = []
    yield found
    if LONG and found:
        kills = sum(report.kills.total() for report in found)
        wrong = sum(len(report.findings) for report in found)
        sys.stdout.write(f"\n{matrix(found)}\n\n{kills} kills in all, {wrong} findings\n")


@pytest.mark.chaos
@pytest.mark.timeout(0 if LONG else 900)
@pytest.mark.parametrize("variant", VARIANTS)
def test_no_fault_loses_or_doubles_anything(
    variant: str, tmp_path: Path, reports: list[Report]
) -> None:
    if variant not in SHARES:
        pytest.skip("HOOKYARD_CHAOS_VARIANTS leaves it out")
    wanted = plan(variant)
    sys.stdout.write(f"\n{replay(wanted)}\n")
    with Campaign(tmp_path, wanted) as campaign:
        report = campaign.run()
    reports.append(report)
    sys.stdout.write(f"\n{report.text()}\n")
    found = [f"{finding.what}: {finding.facts}" for finding in report.findings[:40]]
    again = f"replay with: {replay(wanted)}"
    assert not found, "\n".join([f"{len(report.findings)} findings", *found, again])
    assert report.kills.total() >= wanted.kills
    assert report.history.landed, "the campaign made nothing land, so it proves nothing"
