"""What can happen to organisations and their teams."""

from hookyard.kit.json import Json
from hookyard_sandbox.github.model import Actor, Team, User
from hookyard_sandbox.github.shapes import accounts
from hookyard_sandbox.github.shapes.teams import team
from hookyard_sandbox.github.state import World


def add_team(world: World, org: User, by: Actor, name: str, parent: Team | None) -> Team:
    """Make a team."""
    slug = name.lower().replace(" ", "-")
    made = Team(world.new_id(), org, name, slug, world.now_ms(), parent)
    world.teams[org.login.lower(), slug] = made
    _tell_team(world, by, made, "created")
    return made


def remove_team(world: World, by: Actor, one: Team) -> None:
    """Delete a team, and its child teams with it."""
    for child in [x for x in world.teams.values() if x.parent is one]:
        remove_team(world, by, child)
    del world.teams[one.org.login.lower(), one.slug]
    _tell_team(world, by, one, "deleted")


def _tell_team(world: World, by: Actor, one: Team, action: str) -> None:
    world.record("team", action, by, org=one.org.login, team=one.slug)
    payload: dict[str, Json] = {"action": action, "team": team(world.api_url, one)}
    world.announce_org("team", one.org, payload | _about(world, one.org, by))


def set_membership(world: World, by: Actor, one: Team, who: User, role: str | None) -> None:
    """Put somebody into a team with a role, or out of it with None."""
    if role is None:
        one.members.pop(who.login.lower(), None)
    else:
        one.members[who.login.lower()] = role
    action = "removed" if role is None else "added"
    world.record("membership", action, by, team=one.slug, user=who.login)
    payload: dict[str, Json] = {
        "action": action,
        "scope": "team",
        "member": accounts.user(world.api_url, who),
        "team": team(world.api_url, one),
    }
    world.announce_org("membership", one.org, payload | _about(world, one.org, by))


def set_org_member(world: World, by: Actor, org: User, who: User, role: str | None) -> None:
    """Put somebody into an organisation (admin or member), or out of it and its teams."""
    members = world.org_members.setdefault(org.login.lower(), {})
    if role is None:
        members.pop(who.login.lower(), None)
        for one in world.teams.values():
            if one.org is org:
                one.members.pop(who.login.lower(), None)
    else:
        members[who.login.lower()] = role
    action = "member_removed" if role is None else "member_added"
    world.record("organization", action, by, org=org.login, user=who.login)
    me = f"{world.api_url}/orgs/{org.login}"
    payload: dict[str, Json] = {
        "action": action,
        "membership": {
            "url": f"{me}/memberships/{who.login}",
            "state": "inactive" if role is None else "active",
            "role": role or "unaffiliated",
            "organization_url": me,
            "user": accounts.user(world.api_url, who),
        },
    }
    world.announce_org("organization", org, payload | _about(world, org, by))


def _about(world: World, org: User, by: Actor) -> dict[str, Json]:
    return {
        "organization": accounts.organization(world.api_url, org),
        "sender": accounts.user(world.api_url, by.user),
    }
