"""Attacks by the feed: pages, waits, streams, consumers, subscriptions. A tenant's changes reach
that tenant, and the addresses it named."""

import json
from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio

from hookyard.bootstrap.recording import open_records
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Actor, Role
from hookyard.features.records.feeding.jobs import KIND
from hookyard.features.records.feeding.subscriptions import SubscriptionParts, Subscriptions
from hookyard.kit.ids import IdMaker
from hookyard.kit.streaming import BEAT
from tests.contract.records.attacks import (
    ENTITIES,
    PLANTED,
    Said,
    a_change,
    id_of,
    path_of,
    person,
    sample,
    unlike,
)
from tests.contract.records.places import Place
from tests.contract.records.sieges import Siege
from tests.support.subscribers import Stage, answer

pytestmark = pytest.mark.asyncio(loop_scope="module")
USERS = ENTITIES["users"]
A_DAY_S = 86_400
SECRET = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtdGhlLXZpY3RpbQ=="


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(stronghold: Place, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """What sends changes runs as the owner; calls about subscriptions come through the door."""
    place, folder = stronghold, tmp_path_factory.mktemp("stage")
    database = place.owner or place.database
    records = open_records(database, Audit(place.ids), place.ids, place.clock)
    await records.catalog.look()
    stage = Stage(database, records, place.clock, place.ids, folder)
    place.records.gateway.desks["_subscriptions"] = Subscriptions(
        SubscriptionParts(
            place.database, place.records.feed, Audit(place.ids), stage.sealer, stage.web, (),
            place.ids, place.clock, Random(3).randbytes,
        )
    )  # fmt: skip
    return stage


def url_of(tenant: str) -> str:
    return f"https://{tenant}.example.com/in"


def sent_to(stage: Stage, tenant: str) -> list[dict[str, object]]:
    """The events that an address of this tenant was sent."""
    return [json.loads(ask.content or b"") for ask in stage.web.asks if ask.url == url_of(tenant)]


async def subscribe(siege: Siege, **more: object) -> dict[str, object]:
    """The victim's subscription, with something it gave up on."""
    body = {"url": url_of(siege.victim.tenant), "secret": SECRET, "after": 0, "role": "admin"}
    made = await siege.victim.ask("POST", "/v1/_subscriptions", body | more)
    assert made.status == 201, made.text
    return made.body


async def test_pages_and_waits_hold_nothing_of_another_tenant(siege: Siege) -> None:
    """Numbers are a tenant's own, and nobody wakes up for what another one writes."""
    await siege.plant(USERS, 3)
    for query in (
        {}, {"after": "1"}, {"after": "3", "wait": "1"}, {"after": "0", "wait": "60"},
        {"after": "999999999999999999"}, {"entities": "users"}, {"limit": "500"},
    ):  # fmt: skip
        said = await siege.attacker.ask("GET", "/v1/_changes", **query)  # type: ignore[arg-type]
        assert (said.status, said.items, said.body["head"]) == (200, [], 0)
    made = await siege.attacker.ask("POST", path_of(USERS), sample(USERS, "mine"))
    page = await siege.attacker.ask("GET", "/v1/_changes")
    assert made.status == 201
    assert [(one["seq"], page.body["head"]) for one in page.items] == [(1, 1)]


async def frames(siege: Siege, last_id: str | None, query: bytes = b"") -> AsyncIterator[str]:
    """The attacker's stream."""
    actor = siege.attacker.actor

    async def again() -> Actor:
        return actor

    stream = siege.place.records.feed.follow(actor, query, last_id, again)
    try:
        async for frame in stream:
            yield frame.decode()
    finally:
        await stream.aclose()


@pytest.mark.parametrize("last_id", [None, "0", "1", "2", "999999"])
async def test_a_stream_holds_nothing_of_another_tenant(siege: Siege, last_id: str | None) -> None:
    await siege.plant(USERS, 2)
    stream = frames(siege, last_id)
    assert (await anext(stream)).startswith("retry: ")
    change = a_change(USERS, f"{PLANTED} again")
    for _ in range(3):
        await siege.victim.ask("PATCH", path_of(USERS, id_of(USERS, 0)), change)
        assert await anext(stream) == BEAT.decode()
    await siege.guard()
    await siege.attacker.ask("POST", path_of(USERS), sample(USERS, "mine"))
    if last_id in (None, "0"):
        found = await anext(stream)
        while found == BEAT.decode():
            found = await anext(stream)
        assert found.startswith("id: 1\nevent: change")
        assert PLANTED not in found
    await stream.aclose()


CONSUMER_CALLS = (
    ("GET", "", None), ("GET", "/changes", None), ("GET", "/changes?wait=1", None),
    ("POST", "/_ack", {"seq": 0}), ("POST", "/_ack", {"seq": 3}), ("DELETE", "", None),
)  # fmt: skip


async def test_a_consumer_of_another_tenant_is_as_one_that_is_not_there(siege: Siege) -> None:
    await siege.plant(USERS, 3)
    made = await siege.victim.ask("POST", "/v1/_consumers", {"name": "mirror"})
    acked = await siege.victim.ask("POST", "/v1/_consumers/mirror/_ack", {"seq": 1})
    assert (made.status, acked.body["acked"]) == (201, 1)
    await siege.guard()
    for method, tail, body in CONSUMER_CALLS:
        answers = [
            await siege.attacker.ask(method, f"/v1/_consumers/{name}{tail}", body)
            for name in ("mirror", "nobodys")
        ]
        assert answers[0].status == 404, (method, tail)
        assert answers[0] == answers[1]
    assert (await siege.attacker.ask("GET", "/v1/_consumers")).items == []
    for given in ({"tenant": siege.victim.tenant}, {"tenantId": siege.victim.tenant},
                  {"acked": 3}, {"created_by": "service:jwt/bot"}):  # fmt: skip
        said = await siege.attacker.ask("POST", "/v1/_consumers", {"name": "mirror"} | given)
        assert (said.status, said.code) == (400, "unknown_field")
    past = await siege.attacker.ask("POST", "/v1/_consumers", {"name": "mirror", "after": 1})
    assert (past.status, past.code) == (400, "out_of_range")
    assert "far is 0" in past.text
    mine = await siege.attacker.ask("POST", "/v1/_consumers", {"name": "mirror"})
    assert (mine.status, mine.body["acked"], mine.body["lag"]) == (201, 0, 0)
    shown = await siege.attacker.ask("GET", "/v1/_consumers/mirror/changes")
    assert shown.items == []


def subscription_calls(tenant: str) -> tuple[tuple[str, str, object], ...]:
    """Every call about one subscription, each as an attacker would have it."""
    return (
        ("GET", "", None),
        ("PATCH", "", {"url": url_of(tenant)}),
        ("PATCH", "", {"role": "admin", "entities": []}),
        ("PATCH", "", {"state": "paused"}),
        ("PATCH", "", {}),
        ("POST", "/_rotate", {}),
        ("POST", "/_rotate", {"secret": SECRET, "overlap_s": 0}),
        ("POST", "/_replay", {"from": 1, "to": 1}),
        ("POST", "/_replay", {"from": 1, "to": 2}),
        ("GET", "/undelivered", None),
        ("GET", "/undelivered?after=0&limit=200", None),
        ("DELETE", "", None),
    )


async def test_a_subscription_of_another_tenant_is_as_one_that_is_not_there(
    siege: Siege, stage: Stage
) -> None:
    await siege.plant(USERS, 2)
    one = str((await subscribe(siege))["id"])
    stage.web.answers = [answer(500)] * KIND.max_attempts
    await stage.settle(A_DAY_S)
    theirs = await siege.victim.ask("GET", f"/v1/_subscriptions/{one}/undelivered")
    assert len(theirs.items) == 1
    await siege.guard()
    before = await siege.rows_of(siege.attacker.tenant)
    for method, tail, body in subscription_calls(siege.attacker.tenant):
        answers: list[Said] = []
        for name in (one, IdMaker().new(siege.place.clock.now_ms()), one[:-1] + "0"):
            path = f"/v1/_subscriptions/{name}{tail}"
            answers.append(await siege.attacker.ask(method, path, body))
            unlike(answers[-1], PLANTED, SECRET, siege.victim.tenant, one)
        assert answers[0].status == 404, (method, tail, answers[0].text)
        assert answers[0] == answers[1] == answers[2]
    assert (await siege.attacker.ask("GET", "/v1/_subscriptions")).items == []
    assert await siege.rows_of(siege.attacker.tenant) == before


@pytest.mark.parametrize(
    "name", ["%", "*", "..", "' OR '1'='1", "{id}", "a" * 26, "0" * 26, "1/1", "%2e%2e", "é"]
)
async def test_ids_that_are_guessed_lead_to_nothing(siege: Siege, stage: Stage, name: str) -> None:
    await siege.plant(USERS, 1)
    await subscribe(siege)
    await siege.guard()
    for method, tail, body in subscription_calls(siege.attacker.tenant):
        said = await siege.attacker.ask(method, f"/v1/_subscriptions/{name}{tail}", body)
        assert said.status in (404, 405), (method, tail, said.text)


async def test_changes_are_sent_to_their_own_tenant_alone(siege: Siege, stage: Stage) -> None:
    attacker = siege.attacker
    mine = {"url": url_of(attacker.tenant), "after": 0, "role": "admin"}
    assert (await attacker.ask("POST", "/v1/_subscriptions", mine)).status == 201
    for more in ({"tenant": siege.victim.tenant}, {"tenantId": siege.victim.tenant},
                 {"source": f"/tenants/{siege.victim.tenant}/changes"}):  # fmt: skip
        said = await attacker.ask("POST", "/v1/_subscriptions", mine | more)
        assert (said.status, said.code) == (400, "unknown_field")
    past = await attacker.ask("POST", "/v1/_subscriptions", mine | {"after": 3})
    assert (past.status, past.code) == (400, "out_of_range")
    await siege.plant(USERS, 3)
    await subscribe(siege)
    await stage.settle()
    assert len(sent_to(stage, siege.victim.tenant)) == 3
    assert sent_to(stage, attacker.tenant) == []
    await attacker.ask("POST", path_of(USERS), sample(USERS, "mine"))
    await stage.settle()
    events = sent_to(stage, attacker.tenant)
    assert [one["source"] for one in events] == [f"/tenants/{attacker.tenant}/changes"]
    assert PLANTED not in json.dumps(events)
    assert len(sent_to(stage, siege.victim.tenant)) == 3
    listed = (await attacker.ask("GET", "/v1/_subscriptions")).items
    path = f"/v1/_subscriptions/{listed[0]['id']}"
    for given in ({"from": 1, "to": 3}, {"from": 2, "to": 2}, {"from": 0, "to": 1}):
        said = await attacker.ask("POST", f"{path}/_replay", given)
        assert (said.status, said.code) == (400, "out_of_range"), given
        unlike(said)
    assert (await attacker.ask("POST", f"{path}/_replay", {"from": 1, "to": 1})).status == 202
    await stage.settle()
    assert [one["id"] for one in sent_to(stage, attacker.tenant)] == [f"{attacker.tenant}/1"] * 2
    siege.kept = None


async def test_a_subscription_that_sees_more_than_its_caller_is_not_the_callers(
    siege: Siege, stage: Stage
) -> None:
    """Else a maintainer has what only admins read sent to an address of its own."""
    admin, low = siege.attacker, siege.somebody(Role.MAINTAINER)
    wanted = {"url": url_of(admin.tenant), "role": "admin", "secret": SECRET, "after": 0}
    made = await admin.ask("POST", "/v1/_subscriptions", wanted)
    assert made.status == 201, made.text
    await admin.ask("POST", path_of(USERS), sample(USERS, "mine"))
    await stage.settle()
    before = await siege.rows_of(admin.tenant)
    for method, tail, body in subscription_calls("elsewhere"):
        path = f"/v1/_subscriptions/{made.body['id']}{tail}"
        said = await low.ask(method, path, body)
        unlike(said, SECRET)
        if method != "GET":
            assert (said.status, said.code) == (403, "forbidden"), (method, tail, said.text)
    assert await siege.rows_of(admin.tenant) == before
    mine = await low.ask("POST", "/v1/_subscriptions", wanted | {"role": "maintainer"})
    assert mine.status == 201
    path = f"/v1/_subscriptions/{mine.body['id']}"
    assert (await low.ask("PATCH", path, {"role": "admin"})).code == "forbidden"
    for method, tail, body in subscription_calls(admin.tenant):
        if body != {"role": "admin", "entities": []}:
            said = await low.ask(method, f"{path}{tail}", body)
            assert said.code in ("", "out_of_range"), (method, tail, said.text)


async def test_what_one_tenant_takes_up_leaves_room_for_others(siege: Siege, stage: Stage) -> None:
    """Numbers of consumers and subscriptions are counted for each tenant."""
    await siege.plant(USERS, 1)
    for number in range(101):
        made = await siege.attacker.ask("POST", "/v1/_consumers", {"name": f"c{number}"})
    assert (made.status, made.code) == (409, "too_many_consumers")
    third = person(siege.place, siege.attacker.tenant + "-0")
    assert (await third.ask("POST", "/v1/_consumers", {"name": "c1"})).status == 201
    siege.others = await siege.strangers()
