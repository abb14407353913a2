"""Tokens of trusted issuers, remembered for a while: who gets in, and when not any more."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookyard.adapters.database.backends.sqlite import SqliteDatabase
from hookyard.adapters.http.outbound import GuardedHttp
from hookyard.adapters.oidc.keys import pin_secret
from hookyard.adapters.oidc.port import Keys, PinnedKeys
from hookyard.adapters.oidc.port import Refused as BadToken
from hookyard.adapters.oidc.provider import Provider
from hookyard.core.identity.authenticate import MEMORY_SIZE, TRUST_MS, Authenticator
from hookyard.core.identity.issuers import Issuer, ServiceTerms, WorkloadRule, WorkloadTerms
from hookyard.core.identity.keys import digest
from hookyard.core.identity.model import Actor, ActorKind, Refused, Role
from hookyard.core.identity.trust import Trust
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Unavailable
from hookyard_sandbox.oidc.issuer import Issuer as SandboxIssuer
from tests.support.tokens import AUDIENCE, ISSUER, SECRET, hs_token

ADMIN = "an admin key chosen by hand"
ALL_ROLES = ServiceTerms(frozenset(Role), tenants=None)
JWT = Issuer("jwt", ISSUER, (AUDIENCE,), frozenset({"HS256"}), ALL_ROLES, (pin_secret(SECRET),))
RULE = WorkloadRule("up", (("repository_id", ("1001",)),), Role.INGEST)


@dataclass
class Counted:
    """Pinned keys that count how often they are asked for."""

    pinned: Keys
    generation: int = 0
    asked: int = 0
    refusal: BadToken | None = None
    kids: list[str | None] = field(default_factory=list)

    async def keys(self, kid: str | None, now_ms: int) -> Keys | BadToken:
        self.asked += 1
        self.kids.append(kid)
        return self.refusal or self.pinned


def authenticator(database: SqliteDatabase, keys: Counted | None = None) -> Authenticator:
    return Authenticator(database, digest(ADMIN), Trust([(JWT, keys or PinnedKeys(JWT.pinned))]))


async def code(found: Authenticator, token: str, now_ms: int) -> str:
    refused = await found.authenticate(token, now_ms)
    assert isinstance(refused, Refused), refused
    assert SECRET not in refused.detail
    return refused.code


NOW_MS = ManualClock().now_ms()


async def test_a_service_gets_in_and_is_remembered(sqlite_database: SqliteDatabase) -> None:
    keys = Counted(JWT.pinned)
    door, token = authenticator(sqlite_database, keys), hs_token(roles=["viewer"])
    for _ in range(5):
        found = await door.authenticate(token, NOW_MS)
        assert isinstance(found, Actor)
        assert found.label == "service:jwt/ci"
    assert keys.asked == 1
    await door.authenticate(token, NOW_MS + TRUST_MS)
    assert keys.asked == 2


async def test_what_is_remembered_ends_with_the_token(sqlite_database: SqliteDatabase) -> None:
    door = authenticator(sqlite_database)
    token = hs_token(roles=["viewer"], exp=NOW_MS // 1000 + 10)
    assert isinstance(await door.authenticate(token, NOW_MS), Actor)
    assert isinstance(await door.authenticate(token, NOW_MS + 69_000), Actor)
    assert await code(door, token, NOW_MS + 70_000) == "expired"


async def test_a_change_of_keys_forgets_what_they_signed(sqlite_database: SqliteDatabase) -> None:
    keys = Counted(JWT.pinned)
    door, token = authenticator(sqlite_database, keys), hs_token(roles=["viewer"])
    assert isinstance(await door.authenticate(token, NOW_MS), Actor)
    keys.pinned, keys.generation = (), 1
    assert await code(door, token, NOW_MS) == "algorithm"


async def test_refusals_are_not_remembered(sqlite_database: SqliteDatabase) -> None:
    keys = Counted(())
    door, token = authenticator(sqlite_database, keys), hs_token(roles=["viewer"])
    assert await code(door, token, NOW_MS) == "algorithm"
    keys.pinned = JWT.pinned
    assert isinstance(await door.authenticate(token, NOW_MS), Actor)


async def test_memory_is_bounded(sqlite_database: SqliteDatabase) -> None:
    door = authenticator(sqlite_database)
    for number in range(MEMORY_SIZE + 50):
        await door.authenticate(hs_token(roles=["viewer"], jti=number), NOW_MS)
    assert len(door._accepted) == MEMORY_SIZE


async def test_keys_that_cannot_be_read_are_our_failure(sqlite_database: SqliteDatabase) -> None:
    keys = Counted((), refusal=BadToken("keys_unavailable", "not now"))
    with pytest.raises(Unavailable) as caught:
        await authenticator(sqlite_database, keys).authenticate(hs_token(), NOW_MS)
    assert caught.value.retry_after_s > 0


async def test_unknown_issuers_are_asked_nothing(sqlite_database: SqliteDatabase) -> None:
    keys = Counted(JWT.pinned)
    door = authenticator(sqlite_database, keys)
    for issuer in ("https://evil.example", ISSUER + "/", "", None, "http://169.254.169.254"):
        assert await code(door, hs_token(iss=issuer), NOW_MS) == "unknown_issuer"
    assert keys.asked == 0


async def test_a_token_is_judged_by_its_own_issuers_keys_alone(
    sqlite_database: SqliteDatabase,
) -> None:
    """The secret of one issuer signs nothing for another."""
    other = Issuer(
        "other", "https://other.example", (AUDIENCE,), frozenset({"HS256"}), ALL_ROLES,
        (pin_secret("another-secret-0123456789-0123456789"),),
    )  # fmt: skip
    trust = Trust([(JWT, PinnedKeys(JWT.pinned)), (other, PinnedKeys(other.pinned))])
    door = Authenticator(sqlite_database, digest(ADMIN), trust)
    assert await code(door, hs_token(iss="https://other.example"), NOW_MS) == "bad_signature"


async def test_without_an_issuer_set_any_unconfigured_one_is_taken(
    sqlite_database: SqliteDatabase,
) -> None:
    anyone = Issuer("jwt", None, (), frozenset({"HS256"}), ALL_ROLES, JWT.pinned)
    door = Authenticator(sqlite_database, digest(ADMIN), Trust([(anyone, PinnedKeys(JWT.pinned))]))
    token = hs_token(iss="anybody", aud=None, roles="viewer")
    assert isinstance(await door.authenticate(token, NOW_MS), Actor)


async def test_without_trust_no_token_is_taken(sqlite_database: SqliteDatabase) -> None:
    door = Authenticator(sqlite_database, digest(ADMIN))
    assert await code(door, hs_token(roles="viewer"), NOW_MS) == "malformed"


async def test_the_admin_key_may_look_like_a_token(sqlite_database: SqliteDatabase) -> None:
    odd = "a.strange.admin-key-of-somebody"
    door = Authenticator(sqlite_database, digest(odd), Trust([(JWT, PinnedKeys(JWT.pinned))]))
    found = await door.authenticate(odd, NOW_MS)
    assert isinstance(found, Actor)
    assert found.kind is ActorKind.ADMIN_KEY


@pytest.mark.parametrize("size", [8_193, 1_000_000])
async def test_a_huge_token_is_not_even_hashed(sqlite_database: SqliteDatabase, size: int) -> None:
    door = authenticator(sqlite_database)
    token = hs_token(roles="viewer")
    assert await code(door, token + "A" * (size - len(token)), NOW_MS) == "malformed"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_no_text_gets_in(text: str) -> None:
    async def enter() -> None:
        trust = Trust([(JWT, PinnedKeys(JWT.pinned))])
        found = await trust.judge(text, NOW_MS)
        assert isinstance(found, Refused)

    asyncio.run(enter())


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_letter_gets_in(place: int, letter: int) -> None:
    token = hs_token(roles="admin")
    at = place % len(token)
    changed = token[:at] + chr(letter) + token[at + 1 :]

    async def enter() -> None:
        found = await Trust([(JWT, PinnedKeys(JWT.pinned))]).judge(changed, NOW_MS)
        assert isinstance(found, Refused) is (changed != token)

    asyncio.run(enter())


@dataclass
class Actions:
    """A simulated GitHub Actions, and a door that trusts it."""

    issuer: SandboxIssuer
    door: Authenticator
    clock: ManualClock

    async def enter(self, token: str) -> Actor | Refused:
        return await self.door.authenticate(token, self.clock.now_ms())


@pytest.fixture
async def actions(sqlite_database: SqliteDatabase, clock: ManualClock) -> AsyncIterator[Actions]:
    with SandboxIssuer(clock) as issuer:
        outbound = GuardedHttp(["127.0.0.1"])
        trusted = Issuer(
            "gha", issuer.address, (AUDIENCE,), frozenset({"RS256"}), WorkloadTerms((RULE,))
        )
        provider = Provider(issuer.address, outbound, ["RS256"])
        door = Authenticator(sqlite_database, digest(ADMIN), Trust([(trusted, provider)]))
        yield Actions(issuer, door, clock)
        await outbound.close()


async def test_a_workload_gets_in_by_its_rule(actions: Actions) -> None:
    found = await actions.enter(actions.issuer.actions_token(AUDIENCE))
    assert isinstance(found, Actor)
    assert (found.label, found.grants[0].scope.name) == ("workload:1001/77001", "acme/shop")


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_workload_ten_minutes_off_is_told_to_compare_clocks(
    actions: Actions, minutes: int
) -> None:
    actions.issuer.faults.skew_ms = minutes * 60_000
    found = await actions.enter(actions.issuer.actions_token(AUDIENCE))
    assert isinstance(found, Refused)
    assert "clocks" in found.detail


async def test_a_workload_for_another_audience_or_repository_is_refused(actions: Actions) -> None:
    for token, expected in (
        (actions.issuer.actions_token("https://other.example"), "audience"),
        (actions.issuer.actions_token(AUDIENCE, repository_id="1002"), "no_rule"),
        (actions.issuer.actions_token(AUDIENCE, event_name="x", repository_id="1"), "no_rule"),
    ):
        found = await actions.enter(token)
        assert isinstance(found, Refused)
        assert found.code == expected


async def test_a_key_taken_back_ends_what_is_remembered(actions: Actions) -> None:
    old = actions.issuer.actions_token(AUDIENCE, jti="1", exp=actions.clock.now_ms() // 1000 + 900)
    assert isinstance(await actions.enter(old), Actor)
    actions.issuer.rotate(keep_old=False)
    actions.clock.advance(20)
    assert isinstance(await actions.enter(old), Actor)
    actions.clock.advance(15)
    # The first token with the new key has the keys read anew, which ends the memory of the old.
    assert isinstance(await actions.enter(actions.issuer.actions_token(AUDIENCE)), Actor)
    found = await actions.enter(old)
    assert isinstance(found, Refused)
    assert found.code == "unknown_key"


async def test_an_issuer_that_is_away_is_our_failure(actions: Actions) -> None:
    actions.issuer.faults.discovery_status = 503
    with pytest.raises(Unavailable):
        await actions.enter(actions.issuer.actions_token(AUDIENCE))


async def test_nothing_of_a_refused_token_is_logged(
    actions: Actions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = actions.issuer.actions_token(AUDIENCE, repository_id="2", planted="planted-claim")
    found = await actions.enter(token)
    assert isinstance(found, Refused)
    shown = caplog.text + json.dumps([found.code, found.detail])
    assert token not in shown
    assert "planted" not in shown
    assert token.rsplit(".", 1)[1] not in shown


class Heard:
    """A trail that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    async def refused(self, issuer_id: str, refusal: Refused, now_ms: int) -> None:
        self.lines.append((issuer_id, refusal.code))


async def test_refusals_of_signed_tokens_are_told_and_of_forged_ones_not() -> None:
    heard = Heard()
    trust = Trust([(JWT, PinnedKeys(JWT.pinned))], heard)
    signed = {
        "unknown_role": hs_token(roles=["root"]),
        "audience": hs_token(aud="other", roles=["viewer"]),
        "future": hs_token(iat=NOW_MS // 1000 + 600, exp=NOW_MS // 1000 + 900, roles="viewer"),
        "expired": hs_token(iat=NOW_MS // 1000 - 900, exp=NOW_MS // 1000 - 600, roles="viewer"),
        "bad_tenant": hs_token(roles="viewer", tenant="A"),
    }
    for token in signed.values():
        assert isinstance(await trust.judge(token, NOW_MS), Refused)
    assert heard.lines == [("jwt", code) for code in signed]
    for token in (hs_token("x" * 40), "a.b.c", hs_token() + "A", hs_token(iss="https://x")):
        assert isinstance(await trust.judge(token, NOW_MS), Refused)
    assert len(heard.lines) == len(signed)
