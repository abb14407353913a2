"""The App itself, its installations and their tokens."""

import msgspec

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.auth import TokenMint
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.http import Answer, Call, Endpoint, Refusal, has, not_found
from hookyard_sandbox.github.model import (
    LEVELS,
    Installation,
    Permissions,
    Repository,
    Token,
)
from hookyard_sandbox.github.shapes import accounts, repositories

MAX_TOKEN_REPOSITORIES = 500
NO_REPOSITORY = (
    "There is at least one repository that does not exist or is not accessible "
    "to the parent installation."
)
NO_PERMISSION = "The permissions requested are not granted to this installation."


class TokenRequest(msgspec.Struct):
    """Body of a token request; nothing named means everything the installation has."""

    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, str] | None = None


def _own(call: Call, number: int) -> Installation:
    found = call.world.installations.get(number)
    if found is None or found.removed or found.app is not call.caller:
        raise not_found()
    return found


def _show(call: Call, found: Installation) -> JsonObject:
    return accounts.installation(call.api, found)


def get_app(call: Call) -> Answer:
    """`GET /app`"""
    count = sum(1 for i in call.world.installations.values() if i.app is call.caller)
    return Answer(200, {**accounts.app(call.api, call.caller), "installations_count": count})


def list_installations(call: Call) -> Answer:
    """`GET /app/installations`"""
    mine = [i for i in call.world.installations.values() if i.app is call.caller and not i.removed]
    return call.page(mine, lambda i: _show(call, i))


def get_installation(call: Call) -> Answer:
    """`GET /app/installations/{id}`"""
    return Answer(200, _show(call, _own(call, call.number("installation_id"))))


def installation_of(call: Call) -> Answer:
    """`GET /repos/{owner}/{repo}/installation`, `GET /orgs/{org}/…`, `GET /users/{user}/…`"""
    for found in call.world.installations.values():
        if found.removed or found.app is not call.caller:
            continue
        if "repo" in call.params:
            name = f"{call.params['owner']}/{call.params['repo']}".lower()
            reached = call.world.repositories_of(found)
            if any(r.full_name.lower() == name for r in reached):
                return Answer(200, _show(call, found))
        elif found.account.login.lower() == call.params["account"].lower():
            return Answer(200, _show(call, found))
    raise not_found()


def create_token(call: Call) -> Answer:
    """`POST /app/installations/{id}/access_tokens`"""
    found = _own(call, call.number("installation_id"))
    if found.suspended_at_ms is not None:
        raise Refusal(403, "This installation has been suspended")
    body = call.read(TokenRequest)
    permissions = _narrowed(found, body.permissions)
    chosen = _chosen(call, found, body)
    ids = None if chosen is None else {r.id for r in chosen}
    token = TokenMint(call.world).mint(found, permissions, ids, stateless=_stateless(call))
    call.world.record(
        "token",
        "created",
        call.actor,
        installation_id=found.id,
        permissions=dict(permissions),
        repository_ids=None if ids is None else sorted(ids),
    )
    return Answer(201, _token_shape(call, token, chosen))


def _stateless(call: Call) -> bool:
    # spec: GitHub blog, 2026-05-15, per-request override of the token format.
    asked = call.headers.get("x-github-stateless-s2s-token")
    if asked in ("enabled", "disabled"):
        return asked == "enabled"
    return call.world.stateless_tokens


def _narrowed(found: Installation, asked: Permissions | None) -> Permissions:
    if asked is None:
        return dict(found.permissions)
    for name, level in asked.items():
        held = LEVELS.get(found.permissions.get(name, ""), 0)
        implied = name == "metadata" and level == "read"
        if level not in LEVELS or (LEVELS[level] > held and not implied):
            raise Refusal(422, NO_PERMISSION, errors=[])
    # spec: metadata read comes with every token.
    return {**asked, "metadata": "read"}


def _chosen(call: Call, found: Installation, body: TokenRequest) -> list[Repository] | None:
    if body.repositories is None and body.repository_ids is None:
        return None
    reached = call.world.repositories_of(found)
    names, ids = body.repositories or [], body.repository_ids or []
    if len(names) + len(ids) > MAX_TOKEN_REPOSITORIES:
        raise Refusal(422, "Too many repositories: at most 500 can be listed.", errors=[])
    by_name = {r.name.lower(): r for r in reached}
    by_id = {r.id: r for r in reached}
    chosen = [by_name.get(n.lower()) for n in names] + [by_id.get(i) for i in ids]
    known = [r for r in chosen if r is not None]
    if len(known) < len(chosen):
        raise Refusal(422, NO_REPOSITORY, errors=[])
    return list({r.id: r for r in known}.values())


def _token_shape(call: Call, token: Token, chosen: list[Repository] | None) -> JsonObject:
    whole = chosen is None and token.installation.repository_ids is None
    shape: dict[str, Json] = {
        "token": token.value,
        "expires_at": stamp(token.expires_at_ms),
        "permissions": dict(token.permissions),
        "repository_selection": "all" if whole else "selected",
    }
    if chosen is not None:
        shape["repositories"] = [repositories.repository(call.api, r) for r in chosen]
    return shape


def revoke_token(call: Call) -> Answer:
    """`DELETE /installation/token`"""
    if call.token is not None:
        call.token.revoked = call.world.revokes
        call.world.record(
            "token", "deleted", call.actor, installation_id=call.token.installation.id
        )
    return Answer(204)


def list_repositories(call: Call) -> Answer:
    """`GET /installation/repositories`"""
    token = call.token
    if token is None or not has(token, "metadata", "read"):
        raise not_found()
    ids = token.repository_ids
    reached = call.world.repositories_of(token.installation)
    reached = [r for r in reached if ids is None or r.id in ids]
    return call.page(reached, lambda r: repositories.repository(call.api, r), "repositories")


_APP = "app"
ENDPOINTS = (
    Endpoint("GET", "/app", get_app, _APP),
    Endpoint("GET", "/app/installations", list_installations, _APP),
    Endpoint("GET", "/app/installations/{installation_id}", get_installation, _APP),
    Endpoint("POST", "/app/installations/{installation_id}/access_tokens", create_token, _APP),
    Endpoint("GET", "/repos/{owner}/{repo}/installation", installation_of, _APP),
    Endpoint("GET", "/orgs/{account}/installation", installation_of, _APP),
    Endpoint("GET", "/users/{account}/installation", installation_of, _APP),
    Endpoint("DELETE", "/installation/token", revoke_token),
    Endpoint("GET", "/installation/repositories", list_repositories),
)
