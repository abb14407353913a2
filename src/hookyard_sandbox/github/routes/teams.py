"""Organisations' members and teams, as an installation with `members: read` sees them.

# spec: docs.github.com/rest/teams/members: a team's list holds the members of its child teams.
"""

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.http import Answer, Call, Endpoint, has, not_found, not_permitted
from hookyard_sandbox.github.model import Team, User
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.teams import full_team, team


def _org(call: Call) -> User:
    token = call.token
    name = call.params["org"].lower()
    if token is None or token.installation.account.login.lower() != name:
        raise not_found()
    if not has(token, "members", "read"):
        raise not_permitted()
    return token.installation.account


def _team(call: Call) -> Team:
    org = _org(call)
    found = call.world.teams.get((org.login.lower(), call.params["team_slug"].lower()))
    if found is None:
        raise not_found()
    return found


def list_members(call: Call) -> Answer:
    """`GET /orgs/{org}/members`"""
    org = _org(call)
    logins = call.world.org_members.get(org.login.lower(), {})
    return call.page(list(logins), lambda x: accounts.user(call.api, call.world.user(x)))


def list_teams(call: Call) -> Answer:
    """`GET /orgs/{org}/teams`"""
    org = _org(call)
    found = [one for one in call.world.teams.values() if one.org is org]
    return call.page(found, lambda one: team(call.api, one))


def get_team(call: Call) -> Answer:
    """`GET /orgs/{org}/teams/{team_slug}`"""
    one = _team(call)
    return Answer(200, full_team(call.api, one, len(call.world.team_members(one))))


def list_team_members(call: Call) -> Answer:
    """`GET /orgs/{org}/teams/{team_slug}/members`"""
    one = _team(call)
    found = sorted(call.world.team_members(one).items())

    def show(pair: tuple[str, bool]) -> JsonObject:
        login, inherited = pair
        shape: dict[str, Json] = {**accounts.user(call.api, call.world.user(login))}
        if call.world.tells_inherited:
            shape |= {"role": one.members.get(login, "member"), "inherited": inherited}
        return shape

    return call.page(found, show)


def list_child_teams(call: Call) -> Answer:
    """`GET /orgs/{org}/teams/{team_slug}/teams`"""
    parent = _team(call)
    found = [one for one in call.world.teams.values() if one.parent is parent]
    return call.page(found, lambda one: team(call.api, one))


def get_membership(call: Call) -> Answer:
    """`GET /orgs/{org}/teams/{team_slug}/memberships/{username}`"""
    one = _team(call)
    login = call.params["username"].lower()
    if login not in call.world.team_members(one):
        raise not_found()
    path = f"/organizations/{one.org.id}/team/{one.id}/memberships/{login}"
    role = one.members.get(login, "member")
    return Answer(200, {"url": f"{call.api}{path}", "role": role, "state": "active"})


_TEAM = "/orgs/{org}/teams/{team_slug}"
ENDPOINTS = (
    Endpoint("GET", "/orgs/{org}/members", list_members),
    Endpoint("GET", "/orgs/{org}/teams", list_teams),
    Endpoint("GET", _TEAM, get_team),
    Endpoint("GET", f"{_TEAM}/members", list_team_members),
    Endpoint("GET", f"{_TEAM}/teams", list_child_teams),
    Endpoint("GET", f"{_TEAM}/memberships/{{username}}", get_membership),
)
