"""What a case's history says of it: flaky, broken, failing or steady, with the reason. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hookyard.features.testruns.model import Seen


class Nature(StrEnum):
    """What a case with failures in its history is."""

    FLAKY = "flaky"
    BROKEN = "broken"
    FAILING = "failing"
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What it is and why. `failures` of `observed` results failed, over all commits kept."""

    nature: Nature
    reason: str
    failures: int
    observed: int


def judge(seen: Sequence[Seen]) -> Judgement:
    """Judge a case by what it did on each commit, newest first.

    Flaky: it both passed and failed on one commit under one configuration, or a report says that
    it passed when it was run again. Broken: it failed on two commits or more since it last passed.
    """
    failures = sum(one.failures for one in seen)
    observed = failures + sum(one.passes for one in seen)
    both = [one for one in seen if one.passes and one.failures]
    if both:
        sha = both[0].head_sha[:10]
        reason = f"it passed {both[0].passes} and failed {both[0].failures} times on {sha}"
        if both[0].marks:
            reason += ", as its report says of runs again"
        if len(both) > 1:
            reason += f", and on {len(both) - 1} other commits"
        return Judgement(Nature.FLAKY, reason, failures, observed)
    since = _failing_since(seen)
    if since >= 2:
        reason = f"it failed on {since} commits and on none of them passed"
        return Judgement(Nature.BROKEN, reason, failures, observed)
    if since == 1:
        return Judgement(Nature.FAILING, "it failed on the newest commit only", failures, observed)
    return Judgement(Nature.STEADY, "it passed on the newest commit", failures, observed)


def _failing_since(seen: Sequence[Seen]) -> int:
    """On how many of the newest commits, in a row, it failed."""
    count = 0
    for one in seen:
        if one.passes:
            break
        count += one.failures > 0
    return count
