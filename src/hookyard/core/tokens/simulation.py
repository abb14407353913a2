"""What another policy would have said to the requests of the last days; pure but for its input."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hookyard.core.tokens.model import Asked, Place, Scope, Who
from hookyard.core.tokens.policy import Policy, decide

SHOWN = 200
Was: TypeAlias = Literal["granted", "refused"]
Would: TypeAlias = Literal["granted", "refused", "narrowed"]


@dataclass(frozen=True, slots=True)
class Changed:
    """Requests that are alike and would be answered otherwise. `was` and `would` are granted,
    refused, or granted with another scope (`narrowed`)."""

    who: Who
    installation_id: int
    account: str
    asked: Scope
    was: Was
    would: Would
    rule: str
    reason: str
    count: int
    last_at_ms: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """All of it. `same` and `different` count requests; `changes` is cut off at 200 kinds."""

    requests: int
    same: int
    different: int
    changes: tuple[Changed, ...]


def simulate(policy: Policy, asks: Iterable[Asked]) -> Simulated:
    """Decide every recorded request anew, in the installation as it was then.

    Requests that are alike are shown as one.
    """
    found: OrderedDict[tuple[str, int, Scope, str, str], Changed] = OrderedDict()
    requests = different = 0
    for ask in asks:
        requests += 1
        was: Was = "granted" if ask.allowed else "refused"
        place = Place(ask.installation_id, 0, ask.account, ask.granted, {})
        verdict = decide(policy, ask.who, place, ask.asked)
        would: Would = "granted" if verdict.allowed else "refused"
        if verdict.allowed and ask.allowed and verdict.scope != ask.scope:
            would = "narrowed"
        if would == was:
            continue
        different += 1
        key = (ask.who.label, ask.installation_id, ask.asked, was, would)
        known = found.get(key)
        found[key] = Changed(
            who=ask.who,
            installation_id=ask.installation_id,
            account=ask.account,
            asked=ask.asked,
            was=was,
            would=would,
            rule=verdict.rule,
            reason=verdict.reason,
            count=1 if known is None else known.count + 1,
            last_at_ms=ask.at_ms if known is None else max(known.last_at_ms, ask.at_ms),
        )
    changes = tuple(list(found.values())[:SHOWN])
    return Simulated(requests, requests - different, different, changes)
