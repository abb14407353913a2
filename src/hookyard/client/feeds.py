"""Calls about who reads the feed of changes: consumers and subscriptions. Pure; the clients of
records run them.

    made = records.run(feeds.subscribe(url="https://hooks.example.com/in", entities=["users"]))
    records.run(feeds.change(made.id, state="paused"))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from hookyard.client.calls import Call
from hookyard.client.transport import Answer, Request, Values, as_json

_CONSUMERS, _SUBSCRIPTIONS = "/v1/_consumers", "/v1/_subscriptions"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A reader whose place in the feed is kept: all up to `acked` is done, `lag` are left, `missed`
    were gone before it read them."""

    name: str
    acked: int
    head: int
    lag: int
    missed: int
    created_by: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """What sends changes on, to a `url` or a `sink`. `secret` is there in the answer that made it,
    and never again; `undelivered` counts what it gave up on."""

    id: str
    name: str
    url: str
    sink: str
    entities: Sequence[str]
    role: str
    state: str
    reason: str
    acked: int
    lag: int
    undelivered: int
    last_error: str
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A change that a subscription gave up on."""

    seq: int
    reason: str
    tries: int
    at: str


def consumers() -> Call[Sequence[Consumer]]:
    """Every consumer."""
    return Call(Request("GET", _CONSUMERS), lambda told: [_consumer(one) for one in _items(told)])


def consumer(name: str) -> Call[Consumer]:
    """One consumer."""
    request = Request("GET", f"{_CONSUMERS}/{quote(name, safe='')}")
    return Call(request, lambda told: _consumer(told.values()))


def drop_consumer(name: str) -> Call[None]:
    """The end of a consumer."""
    return Call(Request("DELETE", f"{_CONSUMERS}/{quote(name, safe='')}"), lambda _: None)


def subscribe(
    *, url: str = "", sink: str = "", name: str = "", entities: Sequence[str] = (),
    role: str = "", after: int | None = None, secret: str = "",
) -> Call[Subscription]:  # fmt: skip
    """A new subscription: to a `url` or a `sink`, from the end of the feed unless `after` says
    otherwise."""
    given: dict[str, object] = {
        "url": url, "sink": sink, "name": name, "role": role, "secret": secret,
    }  # fmt: skip
    body = {word: value for word, value in given.items() if value}
    if entities:
        body["entities"] = list(entities)
    if after is not None:
        body["after"] = after
    return Call(Request("POST", _SUBSCRIPTIONS, body=as_json(body)), _told)


def subscriptions() -> Call[Sequence[Subscription]]:
    """Every subscription."""
    request = Request("GET", _SUBSCRIPTIONS)
    return Call(request, lambda told: [_subscription(one) for one in _items(told)])


def subscription(subscription_id: str) -> Call[Subscription]:
    """One subscription."""
    return Call(Request("GET", _path(subscription_id)), _told)


def change(
    subscription_id: str, *, state: str | None = None, url: str | None = None,
    name: str | None = None, role: str | None = None, entities: Sequence[str] | None = None,
) -> Call[Subscription]:  # fmt: skip
    """Another address, name, role or choice of entities; `state` is active or paused."""
    given = {
        "state": state, "url": url, "name": name, "role": role,
        "entities": None if entities is None else list(entities),
    }  # fmt: skip
    body = {word: value for word, value in given.items() if value is not None}
    return Call(Request("PATCH", _path(subscription_id), body=as_json(body)), _told)


def unsubscribe(subscription_id: str) -> Call[None]:
    """The end of a subscription."""
    return Call(Request("DELETE", _path(subscription_id)), lambda _: None)


def rotate(subscription_id: str, *, secret: str = "", overlap_s: int | None = None) -> Call[str]:
    """A new secret, made or given; the former one signs as well for `overlap_s` seconds."""
    body: dict[str, object] = {"secret": secret} if secret else {}
    if overlap_s is not None:
        body["overlap_s"] = overlap_s
    request = Request("POST", f"{_path(subscription_id)}/_rotate", body=as_json(body))
    return Call(request, lambda told: str(told.values()["secret"]))


def replay(subscription_id: str, first: int, last: int) -> Call[Subscription]:
    """These changes once more, before what is new."""
    body = as_json({"from": first, "to": last})
    return Call(Request("POST", f"{_path(subscription_id)}/_replay", body=body), _told)


def undelivered(
    subscription_id: str, *, after: int = 0, limit: int = 50
) -> Call[Sequence[Undelivered]]:
    """What was given up on, in order."""
    params = {"after": str(after), "limit": str(limit)}
    request = Request("GET", f"{_path(subscription_id)}/undelivered", params)
    return Call(request, lambda told: [_aside(one) for one in _items(told)])


def _path(subscription_id: str) -> str:
    return f"{_SUBSCRIPTIONS}/{quote(subscription_id, safe='')}"


def _items(answer: Answer) -> Sequence[Values]:
    items = answer.values()["items"]
    assert isinstance(items, list)  # noqa: S101
    return items


def _consumer(said: Values) -> Consumer:
    return Consumer(
        _text(said, "name"), _number(said, "acked"), _number(said, "head"), _number(said, "lag"),
        _number(said, "missed"), _text(said, "created_by"),
    )  # fmt: skip


def _told(answer: Answer) -> Subscription:
    return _subscription(answer.values())


def _subscription(said: Values) -> Subscription:
    entities = said["entities"]
    assert isinstance(entities, list)  # noqa: S101
    return Subscription(
        _text(said, "id"), _text(said, "name"), _text(said, "url"), _text(said, "sink"),
        [str(one) for one in entities], _text(said, "role"), _text(said, "state"),
        _text(said, "reason"), _number(said, "acked"), _number(said, "lag"),
        _number(said, "undelivered"), _text(said, "last_error"), _text(said, "secret"),
    )  # fmt: skip


def _aside(said: Values) -> Undelivered:
    return Undelivered(
        _number(said, "seq"), _text(said, "reason"), _number(said, "tries"), _text(said, "at")
    )


def _text(said: Mapping[str, object], name: str) -> str:
    return str(said.get(name, ""))


def _number(said: Mapping[str, object], name: str) -> int:
    found = said[name]
    assert isinstance(found, int)  # noqa: S101
    return found
