"""From a bearer token to an Actor, with a small memory of tokens that were verified just now.

Order of the checks: length, memory, admin key, then by shape: a JSON web token goes to `trust`;
anything else is a key: shape and checksum, database. Memory is asked by the token's SHA-256. Every
comparison of secrets takes the same time wherever they differ, and a key that does not exist costs
what one that does would. A revoked key is forgotten at once in this process; another process
notices after MEMORY_MS at the latest. A JSON web token is remembered until it ends, TRUST_MS at
most, and no longer than the keys of its issuer stay what they are.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

from hookyard.adapters.database.port import Database, Unit
from hookyard.core.identity import store
from hookyard.core.identity.budgets import CallBudget, of_repository
from hookyard.core.identity.keys import ADMIN_ID, MAX_TOKEN, BadToken, KeyToken, digest, read_token
from hookyard.core.identity.model import (
    DEFAULT_TENANT,
    Actor,
    ActorKind,
    ApiKey,
    Authenticated,
    Grant,
    Refused,
    Role,
    Scope,
)
from hookyard.core.identity.trust import Accepted, Trust
from hookyard.kit.signing import same

MEMORY_MS = 5_000
MEMORY_SIZE = 1_024
TRUST_MS = 30_000
MAX_BEARER = 8_192
TOUCH_EVERY_MS = 60_000

ADMIN = Actor(
    kind=ActorKind.ADMIN_KEY,
    id=ADMIN_ID,
    tenant=DEFAULT_TENANT,
    grants=(Grant(Role.ADMIN, Scope()),),
    name="admin key",
)
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class _Remembered:
    key_id: str
    actor: Actor
    until_ms: int
    touch_at_ms: int


class Authenticator:
    """Verifies bearer tokens. `admin_key_hash` is `keys.digest` of the admin key; without `trust`
    no JSON web token is accepted."""

    def __init__(self, database: Database, admin_key_hash: str, trust: Trust | None = None) -> None:
        self._database = database
        self._admin_key_hash = admin_key_hash.encode()
        self._trust = trust
        self._memory: OrderedDict[str, _Remembered] = OrderedDict()
        self._accepted: OrderedDict[str, Accepted] = OrderedDict()
        self._forgotten = 0

    async def authenticate(self, token: str, now_ms: int) -> Authenticated:
        """The actor a token stands for, or why it stands for none. Any text may be passed."""
        if not 0 < len(token) <= MAX_BEARER:
            return Refused("malformed")
        sha256 = digest(token)
        # why: what is remembered was proved by the whole token, so it needs no second look.
        accepted = self._accepted.get(sha256)
        if accepted is not None and accepted.is_good(now_ms):
            return accepted.actor
        known = self._recall(sha256, now_ms)
        if known is not None:
            return known
        if same(sha256.encode(), self._admin_key_hash):
            return ADMIN
        if token.count(".") == 2 and self._trust is not None:
            return await self._judge(self._trust, token, sha256, now_ms)
        parsed = read_token(token) if len(token) <= MAX_TOKEN else BadToken("malformed")
        if isinstance(parsed, BadToken):
            return Refused(parsed.code)
        return await self._look_up(parsed, now_ms)

    async def _judge(self, trust: Trust, token: str, sha256: str, now_ms: int) -> Authenticated:
        self._accepted.pop(sha256, None)
        judged = await trust.judge(token, now_ms)
        if isinstance(judged, Refused):
            return judged
        until_ms = min(judged.until_ms, now_ms + TRUST_MS)
        self._accepted[sha256] = replace(judged, until_ms=until_ms)
        while len(self._accepted) > MEMORY_SIZE:
            self._accepted.popitem(last=False)
        return judged.actor

    def forget(self, key_id: str) -> None:
        """Drop a key from memory; the next request with it asks the database."""
        self._forgotten += 1
        for sha256 in [s for s, entry in self._memory.items() if entry.key_id == key_id]:
            del self._memory[sha256]

    def _recall(self, sha256: str, now_ms: int) -> Actor | None:
        entry = self._memory.get(sha256)
        if entry is None:
            return None
        if now_ms >= min(entry.until_ms, entry.touch_at_ms):
            del self._memory[sha256]
            return None
        return entry.actor

    async def _look_up(self, parsed: KeyToken, now_ms: int) -> Authenticated:
        forgotten = self._forgotten
        key = await self._database.read(lambda unit: store.find(unit, parsed.id))
        verdict = judge(key, parsed, now_ms)
        if key is None or isinstance(verdict, Refused):
            return verdict
        touched_ms = key.last_used_at_ms or 0
        if touched_ms <= now_ms - TOUCH_EVERY_MS:
            await self._database.write(lambda unit: _touch(unit, parsed.id, now_ms))
            touched_ms = now_ms
        if forgotten == self._forgotten:
            self._remember(parsed.sha256, key, verdict, now_ms, touched_ms)
        return verdict

    def _remember(
        self, sha256: str, key: ApiKey, actor: Actor, now_ms: int, touched_ms: int
    ) -> None:
        until_ms = now_ms + MEMORY_MS
        if key.expires_at_ms is not None:
            until_ms = min(until_ms, key.expires_at_ms)
        entry = _Remembered(key.id, actor, until_ms, touched_ms + TOUCH_EVERY_MS)
        self._memory[sha256] = entry
        while len(self._memory) > MEMORY_SIZE:
            self._memory.popitem(last=False)


def judge(key: ApiKey | None, parsed: KeyToken, now_ms: int) -> Authenticated:
    """Compare a token with the key of its id. Only who holds the secret learns of its state."""
    expected = key.token_sha256 if key is not None else _NO_HASH
    is_same = same(parsed.sha256.encode(), expected.encode())
    if key is None:
        return Refused("unknown_key")
    if not is_same:
        return Refused("wrong_secret")
    if key.revoked_at_ms is not None:
        return Refused("revoked", "the key has been revoked")
    if key.expires_at_ms is not None and now_ms >= key.expires_at_ms:
        return Refused("expired", "the key has expired")
    return Actor(
        kind=ActorKind.API_KEY,
        id=key.id,
        tenant=key.tenant,
        grants=(Grant(key.role, key.scope),),
        name=key.name,
        kinds=key.kinds,
        lanes=key.lanes,
        max_leases=key.max_leases,
        budget=_budget_of(key),
    )


def _budget_of(key: ApiKey) -> CallBudget:
    """The budget of a key; one that a workload exchanged its token for shares the workload's."""
    kind, _, maker = key.created_by.partition(":")
    if kind == ActorKind.WORKLOAD.value:
        return of_repository(maker.partition("/")[0], key.calls)
    return CallBudget(f"{key.tenant}/{ActorKind.API_KEY.value}:{key.id}", key.calls)


def _touch(unit: Unit, key_id: str, now_ms: int) -> None:
    store.touch(unit, key_id, now_ms, now_ms - TOUCH_EVERY_MS)
