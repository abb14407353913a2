"""Whose budget a call comes out of, and how large it is. Pure.

A budget belongs to what its holder cannot choose: a key, a service that the issuers file names,
an issuer for all its other services, a repository for the runs of its workflows. So nobody gets a
fresh one by other claims in the next token, or by starting another run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

MOST = 1_000_000
SAVED_S = 10


@dataclass(frozen=True, slots=True)
class CallRate:
    """Calls a second on average, 0 for no limit, and calls at once after a rest."""

    per_s: float
    at_once: int


@dataclass(frozen=True, slots=True)
class CallBudget:
    """Whose budget it is: who has the same name shares it. Without a `rate` it is as the settings
    say for everybody."""

    name: str
    rate: CallRate | None = None


def rate_of(per_s: float, at_once: int | None = None) -> CallRate:
    """A rate; without a number of calls at once, those of ten seconds may be saved up."""
    return CallRate(per_s, at_once or max(1, math.ceil(per_s * SAVED_S)))


def of_service(
    issuer_id: str, name: str, named: Mapping[str, CallRate | None], rest: CallRate | None
) -> CallBudget:
    """The budget of a service: its own where the file names it, else that of its issuer, which
    all share that are not named. `rest` is the rate of who has none of its own."""
    if name in named:
        return CallBudget(f"service:{issuer_id}/{name}", named[name] or rest)
    return CallBudget(f"services:{issuer_id}", rest)


def of_repository(repository_id: str, rate: CallRate | None) -> CallBudget:
    """The budget of the runs of a repository's workflows, and of the keys they exchange for."""
    return CallBudget(f"workload:{repository_id}", rate)
