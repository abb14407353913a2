"""An App's own webhook: its settings and its deliveries; and those of repositories' and
organisations' own hooks."""

from collections.abc import Iterator
from itertools import islice

import msgspec
from msgspec import UNSET, UnsetType

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github import webhooks
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.http import (
    Answer,
    Call,
    Endpoint,
    Refusal,
    invalid,
    not_found,
    not_permitted,
)
from hookyard_sandbox.github.model import HookDelivery, PlainHook


class ConfigBody(msgspec.Struct):
    """Body of a change to the webhook's settings."""

    url: str | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    content_type: str | UnsetType = UNSET
    insecure_ssl: str | float | UnsetType = UNSET


def get_config(call: Call) -> Answer:
    """`GET /app/hook/config`: the secret is never shown."""
    hook = call.caller.hook
    shape: dict[str, Json] = {
        "content_type": hook.content_type,
        "insecure_ssl": hook.insecure_ssl,
    }
    if hook.url:
        shape["url"] = hook.url
    if hook.secret:
        shape |= {"secret": "********"}
    return Answer(200, shape)


def update_config(call: Call) -> Answer:
    """`PATCH /app/hook/config`"""
    body, hook = call.read(ConfigBody), call.caller.hook
    if body.content_type is not UNSET and body.content_type not in ("json", "form"):
        raise invalid("Hook", "content_type", "custom", "content_type must be json or form")
    hook.url = hook.url if body.url is UNSET else body.url
    hook.secret = hook.secret if body.secret is UNSET else body.secret
    hook.content_type = hook.content_type if body.content_type is UNSET else body.content_type
    if body.insecure_ssl is not UNSET:
        hook.insecure_ssl = str(body.insecure_ssl)
    call.world.record("hook", "updated", call.actor, id=call.caller.hook_id)
    return get_config(call)


def _mine(call: Call) -> Iterator[HookDelivery]:
    """The deliveries of the hook the path names, newest first, as far as they are kept."""
    oldest = call.world.now_ms() - webhooks.KEPT_MS
    plain = _plain(call) if "hook_id" in call.params else None
    app = None if plain else call.caller
    for one in reversed(call.world.deliveries):
        if one.delivered_at_ms < oldest:
            return
        if one.app is app and one.plain is plain:
            yield one


def _owner(call: Call) -> str:
    """`acme/shop` or `acme`; 403 or 404 where the token may not see its hooks."""
    if "repo" in call.params:
        return call.repository.full_name
    org, token = call.params["org"], call.token
    if token is None or token.installation.account.login.lower() != org.lower():
        raise not_found()
    if not call.may("organization_hooks", "read"):
        raise not_permitted()
    return token.installation.account.login


def _plain(call: Call) -> PlainHook:
    owner = _owner(call)
    found = call.world.plain_hooks.get(call.number("hook_id"))
    if found is None or found.owner.lower() != owner.lower():
        raise not_found()
    return found


def list_hooks(call: Call) -> Answer:
    """`GET /repos/{owner}/{repo}/hooks` and `GET /orgs/{org}/hooks`"""
    owner = _owner(call).lower()
    mine = [hook for hook in call.world.plain_hooks.values() if hook.owner.lower() == owner]
    return call.page(mine, lambda hook: plain_shape(call.api, hook))


def plain_shape(api: str, hook: PlainHook) -> JsonObject:
    """A repository's or organisation's hook."""
    base = "repos" if "/" in hook.owner else "orgs"
    url = f"{api}/{base}/{hook.owner}/hooks/{hook.id}"
    config: dict[str, Json] = {
        "url": hook.config.url,
        "content_type": hook.config.content_type,
        "insecure_ssl": hook.config.insecure_ssl,
    }
    if hook.config.secret:
        config["secret"] = "********"
    shape: dict[str, Json] = {
        "type": "Repository" if base == "repos" else "Organization",
        "id": hook.id,
        "name": "web",
        "active": True,
        "events": list(hook.events),
        "config": config,
        "updated_at": stamp(hook.created_at_ms),
        "created_at": stamp(hook.created_at_ms),
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
    if base == "repos":
        shape["test_url"] = f"{url}/test"
        shape["last_response"] = {"code": None, "status": "unused", "message": None}
    return shape


def item(one: HookDelivery) -> dict[str, Json]:
    """A delivery as the list shows it."""
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": stamp(one.delivered_at_ms),
        "redelivery": one.redelivery,
        "duration": one.duration_s,
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


def list_deliveries(call: Call) -> Answer:
    """`GET /app/hook/deliveries`: newest first, by cursor."""
    wanted = call.query.get("status")
    if wanted not in (None, "success", "failure"):
        raise invalid("Hook", "status", "custom", "status must be success or failure")
    size = call.query.get("per_page", "30")
    if not size.isascii() or not size.isdigit():
        raise invalid("Hook", "per_page", "custom", "per_page must be a number")
    count = min(100, max(1, int(size[:4])))
    cursor = call.query.get("cursor", "")
    if cursor and not (cursor.isascii() and cursor.isdigit()):
        raise Refusal(422, "Invalid cursor", errors=[])
    fitting = (
        d
        for d in _mine(call)
        if (not cursor or d.id < int(cursor))
        and (wanted is None or (200 <= d.status_code < 400) == (wanted == "success"))
    )
    found = list(islice(fitting, count + 1))
    headers = {}
    if len(found) > count:
        query = {**call.query, "cursor": str(found[count - 1].id)}
        text = "&".join(f"{k}={v}" for k, v in query.items())
        headers["Link"] = f'<{call.api}{call.path}?{text}>; rel="next"'
    return Answer(200, [item(d) for d in found[:count]], headers)


def _find(call: Call) -> HookDelivery:
    number = call.number("delivery_id")
    found = next((d for d in _mine(call) if d.id == number), None)
    if found is None:
        raise not_found()
    return found


def get_delivery(call: Call) -> Answer:
    """`GET /app/hook/deliveries/{id}`: with the request and the answer."""
    one = _find(call)
    headers: dict[str, Json] = dict(one.headers)
    answered: dict[str, Json] = dict(one.response_headers)
    payload: Json = msgspec.json.decode(webhooks.payload_of(one))
    request: dict[str, Json] = {"headers": headers, "payload": payload}
    response: dict[str, Json] = {"headers": answered, "payload": one.response_body}
    shape = {**item(one), "url": one.config.url, "request": request, "response": response}
    return Answer(200, shape)


def redeliver(call: Call) -> Answer:
    """`POST /app/hook/deliveries/{id}/attempts`"""
    if call.resend is None:
        raise Refusal(422, "This server sends no webhooks", errors=[])
    call.resend(webhooks.again(call.world, _find(call)))
    return Answer(202, {})


_PATH = "/app/hook/deliveries"
_REPO, _ORG = "/repos/{owner}/{repo}/hooks", "/orgs/{org}/hooks"
_OF_REPO = (("repository_hooks", "read"),)


def _records(base: str, auth: str, needs: tuple[tuple[str, str], ...] = ()) -> list[Endpoint]:
    one = base + "/{delivery_id}"
    return [
        Endpoint("GET", base, list_deliveries, auth, needs),
        Endpoint("GET", one, get_delivery, auth, needs),
        Endpoint("POST", one + "/attempts", redeliver, auth, needs),
    ]


ENDPOINTS = (
    Endpoint("GET", "/app/hook/config", get_config, "app"),
    Endpoint("PATCH", "/app/hook/config", update_config, "app"),
    *_records(_PATH, "app"),
    Endpoint("GET", _REPO, list_hooks, needs=_OF_REPO),
    Endpoint("GET", _ORG, list_hooks),
    *_records(_REPO + "/{hook_id}/deliveries", "installation", _OF_REPO),
    *_records(_ORG + "/{hook_id}/deliveries", "installation"),
)
