"""Subscriptions: what is sent, in which order, again after what, and what is given up on."""

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import RowMapping, Table, select
from standardwebhooks.webhooks import Webhook

from hookyard.adapters.database.port import METADATA, RawSql, Unit
from hookyard.adapters.http.port import Ask, OutboundFailed, OutboundRefused
from hookyard.core.audit.model import AuditFilter
from hookyard.core.audit.service import Audit
from hookyard.core.identity.model import Role
from hookyard.core.jobs.model import Retry
from hookyard.features.records import store_changes
from hookyard.features.records.feeding import store_subscriptions
from hookyard.features.records.feeding.jobs import KIND
from hookyard.kit.errors import Conflict, Forbidden, HookyardError, NotFound
from tests.contract.records.places import Place, an_actor
from tests.support.subscribers import CHECK_S, Stage, answer, whole

URL = "https://hooks.example.com/in"
A_DAY_S = 86_400


@pytest.fixture
def stage(place: Place, tmp_path: Path) -> Stage:
    return Stage(place.database, place.records, place.clock, place.ids, tmp_path)


async def subscribe(place: Place, **given: object) -> dict[str, str]:
    body = json.dumps({"url": URL, **given}).encode()
    made = await place.call("POST", "/v1/_subscriptions", body)
    assert made.status == 201
    return dict(json.loads(made.body))


async def show(place: Place, one: str) -> dict[str, object]:
    return dict(json.loads((await place.call("GET", f"/v1/_subscriptions/{one}")).body))


async def users(place: Place, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        await place.call("POST", "/v1/users", json.dumps({"userId": f"u{n}"}).encode())


def every_row(table: Table, unit: Unit) -> Sequence[RowMapping]:
    return unit.fetch(select(table))


def signature(secret: str, ask: Ask) -> str:
    """What the published library makes of the same message."""
    at = datetime.fromtimestamp(int(ask.headers["webhook-timestamp"]), UTC)
    body = (ask.content or b"").decode()
    return str(Webhook(secret).sign(ask.headers["webhook-id"], at, body))


async def test_changes_arrive_in_order_signed_and_as_cloud_events(
    place: Place, stage: Stage
) -> None:
    await users(place, 2)
    made = await subscribe(place, after=0)
    await users(place, 23, 2)
    await stage.settle()
    assert stage.web.seqs == list(range(1, 26))
    first = stage.web.asks[0]
    assert (first.url, first.method, first.redirects) == (URL, "POST", 0)
    assert first.headers["content-type"] == "application/cloudevents+json"
    for ask in stage.web.asks:
        assert ask.headers["webhook-signature"] == signature(made["secret"], ask)
    event = json.loads(first.content or b"")
    feed = json.loads((await place.call("GET", "/v1/_changes?limit=1")).body)
    assert event == {
        "specversion": "1.0",
        "id": "acme/1",
        "source": "/tenants/acme/changes",
        "type": "hookyard.records.users.created",
        "subject": "users/u0",
        "time": feed["items"][0]["at"],
        "sequence": "00000000000000000001",
        "datacontenttype": "application/json",
        "data": feed["items"][0],
    }
    shown = await show(place, made["id"])
    assert (shown["acked"], shown["lag"], shown["undelivered"]) == (25, 0, 0)


async def test_a_subscription_begins_at_the_end_unless_told_otherwise(
    place: Place, stage: Stage
) -> None:
    await users(place, 3)
    await subscribe(place)
    await stage.settle()
    assert stage.web.asks == []
    await users(place, 1, 3)
    await stage.settle()
    assert stage.web.seqs == [4]


async def test_it_sends_what_its_role_may_see_of_the_entities_it_names(
    place: Place, stage: Stage
) -> None:
    await place.apply(
        "entities:\n  notes:\n    id: {field: n, client: true}\n    fields:\n"
        "      title: text\n      pay: {type: text, read: [admin]}\n"
        "    roles: {read: [viewer], create: [admin]}\n"
    )
    await subscribe(place, entities=["notes"])
    await users(place, 2)
    await place.call("POST", "/v1/notes", b'{"n":"1","title":"t","pay":"planted-pay"}')
    await users(place, 2, 2)
    await stage.settle()
    assert stage.web.seqs == [3]
    assert b"planted-pay" not in (stage.web.asks[0].content or b"")
    shown = json.loads((await place.call("GET", "/v1/_subscriptions")).body)["items"][0]
    assert shown["acked"] == 5


async def test_a_change_that_fails_is_tried_again_and_holds_back_the_others(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    await users(place, 3)
    stage.web.answers = [
        answer(204), answer(500), answer(503, retry_after="120"),
        OutboundFailed("unreachable", "no connection"),
    ]  # fmt: skip
    await stage.work()
    assert (await show(place, made["id"]))["acked"] == 1
    await stage.work()
    retry = stage.outcomes[-1]
    assert isinstance(retry, Retry)
    assert (retry.after_s, retry.reason) == (120.0, "it answered 503")
    assert (await show(place, made["id"]))["last_error"] == "it answered 503"
    await stage.settle(A_DAY_S)
    assert stage.web.seqs == [1, 2, 2, 2, 2, 3]
    ids = {ask.headers["webhook-id"] for ask in stage.web.asks[1:5]}
    assert len(ids) == 1
    assert (await show(place, made["id"]))["last_error"] == ""


async def test_what_never_arrives_is_set_aside_and_can_be_sent_again(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    await users(place, 2)
    stage.web.answers = [answer(500)] * KIND.max_attempts
    await stage.settle(A_DAY_S)
    assert stage.web.seqs == [1] * KIND.max_attempts + [2]
    path = f"/v1/_subscriptions/{made['id']}"
    aside = json.loads((await place.call("GET", f"{path}/undelivered")).body)["items"]
    assert [(one["seq"], one["tries"]) for one in aside] == [(1, KIND.max_attempts)]
    assert aside[0]["reason"] == "it answered 500"
    asked = await place.call("POST", f"{path}/_replay", b'{"from":1,"to":1}')
    assert asked.status == 202
    await stage.settle()
    assert stage.web.seqs[-1] == 1
    assert stage.web.asks[-1].headers["webhook-id"] == stage.web.asks[0].headers["webhook-id"]
    shown = await show(place, made["id"])
    assert (shown["undelivered"], shown["replay"], shown["acked"]) == (0, None, 2)


async def test_what_was_given_up_on_is_forgotten_in_time(place: Place, stage: Stage) -> None:
    made = await subscribe(place)
    await users(place, 1)
    stage.web.answers = [answer(500)] * KIND.max_attempts
    await stage.settle(A_DAY_S)
    assert (await show(place, made["id"]))["undelivered"] == 1
    now_ms = place.clock.now_ms()
    for before_ms, gone in ((0, 0), (now_ms + 1, 1)):
        purge = partial(store_subscriptions.purge, before_ms=before_ms)
        assert await place.database.write(purge) == gone
    assert (await show(place, made["id"]))["undelivered"] == 0


async def test_one_that_takes_nothing_is_paused_and_goes_on_where_it_was(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    await users(place, 5)
    stage.web.answers = [answer(404)] * (3 * KIND.max_attempts)
    await stage.settle(3 * A_DAY_S)
    shown = await show(place, made["id"])
    assert (shown["state"], shown["acked"], shown["undelivered"]) == ("paused", 3, 3)
    assert shown["reason"] == "3 changes in a row did not arrive: it answered 404"
    path = f"/v1/_subscriptions/{made['id']}"
    await place.call("PATCH", path, b'{"state":"active"}')
    await stage.settle()
    assert stage.web.seqs[-2:] == [4, 5]


async def test_gone_and_inside_addresses_pause_at_once_and_lose_nothing(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    path = f"/v1/_subscriptions/{made['id']}"
    await users(place, 1)
    refused = OutboundRefused("address", "the host leads inside a private network; 10.0.0.7")
    for stop in (answer(410), refused):
        stage.web.answers = [stop]
        await stage.settle(A_DAY_S)
        shown = await show(place, made["id"])
        assert (shown["state"], shown["acked"]) == ("paused", 0)
        assert "10.0.0.7" not in json.dumps(shown)
        await place.call("PATCH", path, b'{"state":"active"}')
    await stage.settle()
    assert stage.web.seqs == [1, 1, 1]


async def test_pausing_stops_it_and_a_waiting_attempt_does_not_come_back(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    await users(place, 2)
    stage.web.answers = [answer(500), answer(500)]
    await stage.work()
    path = f"/v1/_subscriptions/{made['id']}"
    await place.call("PATCH", path, b'{"state":"paused"}')
    await stage.settle(A_DAY_S)
    assert stage.web.seqs == [1]
    await place.call("PATCH", path, b'{"state":"active"}')
    await stage.settle(A_DAY_S)
    assert stage.web.seqs == [1, 1, 1, 2]
    assert (await place.call("DELETE", path)).status == 204
    await users(place, 1, 2)
    await stage.settle(A_DAY_S)
    assert len(stage.web.asks) == 4


async def test_two_secrets_are_valid_while_one_takes_the_others_place(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    path = f"/v1/_subscriptions/{made['id']}/_rotate"
    fresh = json.loads((await place.call("POST", path, b'{"overlap_s":600}')).body)["secret"]
    await users(place, 1)
    await stage.settle()
    ask = stage.web.asks[-1]
    wanted = [signature(fresh, ask), signature(made["secret"], ask)]
    assert ask.headers["webhook-signature"].split() == wanted
    place.clock.advance(601)
    await users(place, 1, 1)
    await stage.settle()
    ask = stage.web.asks[-1]
    assert ask.headers["webhook-signature"] == signature(fresh, ask)


async def test_secrets_are_shown_once_and_stand_sealed(place: Place, stage: Stage) -> None:
    planted = "whsec_" + base64.b64encode(b"planted-secret-of-a-subscription").decode()
    made = await subscribe(place, secret=planted)
    assert made["secret"] == planted
    path = f"/v1/_subscriptions/{made['id']}"
    await place.call("POST", f"{path}/_rotate", b"{}")
    await users(place, 1)
    stage.web.answers = [answer(500)]
    await stage.settle(60)
    said = [
        (await place.call("GET", path)).body,
        (await place.call("GET", "/v1/_subscriptions")).body,
    ]
    for table in METADATA.sorted_tables:
        rows = await place.database.read(partial(every_row, table))
        said.append(repr([dict(row) for row in rows]).encode())
    for text in said:
        assert planted.encode() not in text
        assert b"planted-secret" not in text
        assert base64.b64encode(b"planted-secret") not in text
    trail = await place.database.read(
        lambda unit: Audit(place.ids).list_page(unit, AuditFilter(), None, 50, "acme")
    )
    actions = {one.entry.action for one in trail.items}
    assert {"records.subscription.create", "records.subscription.rotate"} <= actions


@pytest.mark.parametrize("dies_at", [1, 2, 3, None])
async def test_a_crash_repeats_but_never_skips(
    place: Place, stage: Stage, dies_at: int | None
) -> None:
    made = await subscribe(place)
    await users(place, 25)
    await stage.work(dies_at=dies_at, dies_at_end=dies_at is None)
    await users(place, 5, 25)
    await stage.settle(600)
    assert whole(stage.web.seqs) == list(range(1, 31))
    again = len(stage.web.seqs) - 30
    assert again <= 10
    assert (await show(place, made["id"]))["acked"] == 30


async def test_a_job_that_was_cancelled_is_replaced(place: Place, stage: Stage) -> None:
    await subscribe(place)
    await users(place, 1)
    await stage.pump.turn()
    ids = RawSql.same("SELECT job_id FROM records_subscriptions")
    ((job_id,),) = await place.database.read(lambda unit: unit.fetch_raw(ids))
    await place.database.write(lambda unit: stage.ledger.cancel(unit, str(job_id)))
    assert await stage.settle() == 0
    place.clock.advance(CHECK_S)
    await stage.settle()
    assert stage.web.seqs == [1]


async def test_what_is_kept_no_longer_is_passed_by(place: Place, stage: Stage) -> None:
    made = await subscribe(place)
    await users(place, 3)
    place.clock.advance(10)
    await users(place, 2, 3)
    before_ms = place.clock.now_ms() - 5_000
    await place.database.write(lambda unit: store_changes.purge(unit, before_ms, 10))
    await stage.settle()
    assert stage.web.seqs == [4, 5]
    path = f"/v1/_subscriptions/{made['id']}/_replay"
    for body in (b'{"from":1,"to":5}', b'{"from":5,"to":4}', b'{"from":4,"to":6}'):
        with pytest.raises(HookyardError) as refused:
            await place.call("POST", path, body)
        assert refused.value.problem_code == "out_of_range"
    await place.call("POST", path, b'{"from":4,"to":5}')
    with pytest.raises(Conflict):
        await place.call("POST", path, b'{"from":4,"to":5}')
    await stage.settle()
    assert stage.web.seqs == [4, 5, 4, 5]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "required"),
        ({"url": URL, "sink": "bus"}, 400, "required"),
        ({"sink": "unknown"}, 400, "unknown_sink"),
        ({"url": URL, "role": "owner"}, 400, "not_in_enum"),
        ({"url": URL, "role": "admin"}, 403, "forbidden"),
        ({"url": URL, "entities": ["nothing"]}, 400, "unknown_entity"),
        ({"url": URL, "entities": "users"}, 400, "wrong_type"),
        ({"url": URL, "entities": ["users"] * 51}, 400, "too_long"),
        ({"url": URL, "after": 5}, 400, "out_of_range"),
        ({"url": URL, "secret": "planted"}, 400, "bad_secret"),
        ({"url": URL, "secret": "whsec_c2hvcnQ="}, 400, "bad_secret"),
        ({"url": URL, "tenant": "other"}, 400, "unknown_field"),
        ({"url": URL, "name": "a\nb"}, 400, "bad_text"),
        ({"url": "https://" + "a" * 3_000}, 400, "too_long"),
        ({"url": ["https://x"]}, 400, "wrong_type"),
    ],
)
async def test_bad_input_is_refused_and_stores_nothing(
    place: Place, stage: Stage, body: dict[str, object], status: int, code: str
) -> None:
    maintainer = an_actor(role=Role.MAINTAINER)
    with pytest.raises(HookyardError) as refused:
        await place.call("POST", "/v1/_subscriptions", json.dumps(body).encode(), actor=maintainer)
    assert (refused.value.status, refused.value.problem_code) == (status, code)
    assert "planted" not in refused.value.detail
    listed = json.loads((await place.call("GET", "/v1/_subscriptions")).body)
    assert listed == {"items": []}


async def test_subscriptions_are_for_maintainers_of_their_own_tenant(
    place: Place, stage: Stage
) -> None:
    made = await subscribe(place)
    path = f"/v1/_subscriptions/{made['id']}"
    calls: Sequence[tuple[str, str, bytes]] = (
        ("GET", path, b""), ("PATCH", path, b'{"state":"paused"}'), ("DELETE", path, b""),
        ("POST", f"{path}/_rotate", b"{}"), ("POST", f"{path}/_replay", b'{"from":1,"to":1}'),
        ("GET", f"{path}/undelivered", b""),
    )  # fmt: skip
    for method, at, body in calls:
        with pytest.raises(NotFound):
            await place.call(method, at, body, actor=an_actor("foreign"))
        for role in (Role.OPERATOR, Role.VIEWER, Role.MINT):
            with pytest.raises(Forbidden):
                await place.call(method, at, body, actor=an_actor(role=role))
    foreign = await place.call("GET", "/v1/_subscriptions", actor=an_actor("foreign"))
    assert json.loads(foreign.body) == {"items": []}
    await place.call("POST", "/v1/users", b'{"userId":"u"}', actor=an_actor("foreign"))
    await stage.settle()
    assert stage.web.asks == []
