"""Use cases of idempotency: claim keys, keep answers, forget what is over.

The calling unit does the work between `claim` and `complete`; a rollback takes the key along.
"""

from collections.abc import Mapping, Sequence

from hookyard.adapters.database.port import Unit
from hookyard.core.idempotency import store
from hookyard.core.idempotency.model import Claim, KeptAnswer, Verdict

DAY_MS = 86_400_000
PURGED_AT_ONCE = 2_000


class Idempotency:
    """Keeps answers for `keep_ms` milliseconds."""

    def __init__(self, keep_ms: int = DAY_MS) -> None:
        self.keep_ms = keep_ms

    def claim(
        self, unit: Unit, tenant: str, claims: Sequence[Claim], now_ms: int
    ) -> Mapping[str, Verdict]:
        """What becomes of each claim, by its digest. Claims of one digest are one claim."""
        distinct = {claim.digest: claim for claim in reversed(claims)}
        return store.claim(unit, tenant, list(distinct.values()), now_ms, now_ms + self.keep_ms)

    def complete(self, unit: Unit, tenant: str, digest: str, answer: KeptAnswer) -> None:
        """Keep the answer of a fresh claim; where the claim brought it along this is not needed."""
        store.complete(unit, tenant, digest, answer)

    def drop(self, unit: Unit, tenant: str, digest: str) -> None:
        """The work of a fresh claim was refused: the key may be used again."""
        store.drop(unit, tenant, digest)


def purge(unit: Unit, now_ms: int) -> int:
    """Remove some of what is over; fewer than PURGED_AT_ONCE when that was all."""
    return store.purge(unit, now_ms, PURGED_AT_ONCE)
