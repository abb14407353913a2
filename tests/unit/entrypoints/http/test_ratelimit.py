"""Budgets of calls: what they allow, what they forget, what an answer says of them."""

import math
from collections.abc import MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from hookyard.core.identity.authenticate import ADMIN
from hookyard.entrypoints.http.ratelimit import Buckets, Limits, Metered, network_of
from hookyard.kit.clock import ManualClock
from hookyard.kit.errors import Limited
from hookyard.settings.model import AccessSettings

KEYED = [(b"authorization", b"Bearer x")]


def limits(
    clock: ManualClock, calls: tuple[float, int] = (2, 4), strangers: tuple[float, int] = (1, 2)
) -> tuple[Limits, CollectorRegistry]:
    registry = CollectorRegistry()
    return Limits(AccessSettings((), None, *calls, *strangers), clock, registry), registry


class App:
    """Answers 200 to whoever shows a good credential, 401 to others, as the API does."""

    def __init__(self, found: Limits) -> None:
        self.limits = found
        self.served = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.served += 1
        status = 200
        if (b"authorization", b"Bearer good") in scope["headers"]:
            scope["state"]["actor"] = ADMIN
            self.limits.spend(ADMIN, scope["state"])
        elif scope["headers"]:
            status = 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def call(
    app: Metered, headers: list[tuple[bytes, bytes]], path: str = "/api/jobs", host: str = "1.2.3.4"
) -> tuple[int, dict[str, str], bytes]:
    told: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": "GET", "path": path, "headers": headers, "client": (host, 1),
        "query_string": b"", "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    heads = {k.decode(): v.decode() for k, v in told[0]["headers"]}
    return told[0]["status"], heads, b"".join(m.get("body", b"") for m in told[1:])


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.1, 20), st.integers(1, 10))
def test_no_caller_gets_more_than_the_budget(gaps: list[float], per_s: float, at_once: int) -> None:
    buckets, now, taken = Buckets(per_s, at_once), 0.0, 0
    for gap in gaps:
        now += gap
        wait, left = buckets.take("k", now)
        taken += wait == 0
        assert 0 <= left <= at_once
        assert taken <= at_once + now * per_s + 1e-6
        if wait:
            assert buckets.take("k", now + wait + 1e-9)[0] == 0
            taken += 1
            now += wait + 1e-9


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    buckets = Buckets(1, 1)
    assert buckets.take("k", 100)[0] == 0
    assert buckets.take("k", 50)[0] > 0


def test_no_limit_is_no_limit() -> None:
    buckets = Buckets(0, 1)
    assert [buckets.take("k", 0) for _ in range(3)] == [(0.0, math.inf)] * 3
    assert len(buckets) == 0


def test_the_memory_of_addresses_is_bounded() -> None:
    """Attack: come from a new address each time until the memory is full."""
    buckets = Buckets(1, 1, size=100)
    for n in range(10_000):
        buckets.take(str(n), 0)
    assert len(buckets) == 100


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "unknown"),
    ],
)
def test_a_network_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


async def test_a_caller_over_its_budget_is_told_when_to_come_back(clock: ManualClock) -> None:
    found, registry = limits(clock)
    for _ in range(4):
        found.spend(ADMIN)
    with pytest.raises(Limited) as refused:
        found.spend(ADMIN)
    assert (refused.value.retry_after_s, refused.value.status) == (1, 429)
    count = registry.get_sample_value("hookyard_rate_limited_total", {"kind": "caller"})
    assert count == 1
    clock.advance(0.5)
    found.spend(ADMIN)


async def test_an_answer_says_what_is_left(clock: ManualClock) -> None:
    found, _ = limits(clock)
    app = Metered(App(found), found)
    status, heads, _ = await call(app, [(b"authorization", b"Bearer good")])
    assert (status, heads["ratelimit-policy"], heads["ratelimit"]) == (
        200, '"caller";q=4;w=2', '"caller";r=3;t=1',
    )  # fmt: skip


async def test_strangers_do_not_hold_back_who_shows_a_credential(clock: ManualClock) -> None:
    """Attack: use up the budget of the proxy's address, for everybody behind it."""
    found, registry = limits(clock)
    app = Metered(App(found), found)
    seen = [(await call(app, KEYED))[0] for _ in range(5)]
    assert seen == [401, 401, 429, 429, 429]
    assert (await call(app, [(b"authorization", b"Bearer good")]))[0] == 200
    count = registry.get_sample_value("hookyard_rate_limited_total", {"kind": "stranger"})
    assert count == 3


async def test_who_brings_nothing_is_refused_before_anything_is_done(clock: ManualClock) -> None:
    found, _ = limits(clock)
    inner = App(found)
    app = Metered(inner, found)
    seen = [await call(app, []) for _ in range(4)]
    assert [status for status, _, _ in seen] == [200, 200, 429, 429]
    assert inner.served == 2
    _, heads, body = seen[-1]
    assert heads["retry-after"] == "1"
    assert b'"code": "rate_limited"' in body
    assert (await call(app, [], host="1.2.3.5"))[0] == 200
    clock.advance(1)
    assert (await call(app, []))[0] == 200


@pytest.mark.parametrize("path", ["/health", "/readyz", "/healthz", "/metrics", "/blobs/x"])
async def test_health_is_never_limited(clock: ManualClock, path: str) -> None:
    found, _ = limits(clock)
    app = Metered(App(found), found)
    assert {(await call(app, [], path))[0] for _ in range(10)} == {200}
