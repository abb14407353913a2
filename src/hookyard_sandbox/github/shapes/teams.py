"""Teams as JSON."""

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import Team
from hookyard_sandbox.github.shapes import accounts


def simple_team(api: str, one: Team) -> dict[str, Json]:
    """A team without its parent."""
    me = f"{api}/organizations/{one.org.id}/team/{one.id}"
    return {
        "id": one.id,
        "node_id": accounts.node_id("Team", one.id),
        "name": one.name,
        "slug": one.slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": me,
        "html_url": f"{accounts.site(api)}/orgs/{one.org.login}/teams/{one.slug}",
        "members_url": f"{me}/members{{/member}}",
        "repositories_url": f"{me}/repos",
        "type": "organization",
        "organization_id": one.org.id,
    }


def team(api: str, one: Team) -> dict[str, Json]:
    """A team as lists and webhooks show it."""
    parent = None if one.parent is None else simple_team(api, one.parent)
    return simple_team(api, one) | {"parent": parent}


def full_team(api: str, one: Team, members: int) -> JsonObject:
    """A team by itself."""
    page = f"{accounts.site(api)}/{one.org.login}"
    organization = dict(accounts.organization(api, one.org)) | {
        "name": one.org.login,
        "html_url": page,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.created_at_ms),
        "archived_at": None,
        "type": "Organization",
    }
    return team(api, one) | {
        "members_count": members,
        "repos_count": 0,
        "created_at": stamp(one.created_at_ms),
        "updated_at": stamp(one.created_at_ms),
        "organization": organization,
    }
