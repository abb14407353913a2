"""Accounts, Apps and installations as JSON."""

import base64
from urllib.parse import quote

from hookyard.kit.json import Json, JsonObject
from hookyard_sandbox.github.gitobjects import stamp
from hookyard_sandbox.github.model import App, Installation, User


def node_id(kind: str, number: int | str) -> str:
    """An opaque global id."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def site(api: str) -> str:
    """The address of the website beside an API root."""
    return api.removesuffix("/api/v3")


def user(api: str, who: User) -> JsonObject:
    """A simple user."""
    # why: a bot's login has brackets, which GitHub percent-encodes; its page is the App's.
    me = f"{api}/users/{quote(who.login)}"
    page = f"apps/{who.login.removesuffix('[bot]')}" if who.kind == "Bot" else who.login
    return {
        "login": who.login,
        "id": who.id,
        "node_id": node_id(who.kind, who.id),
        "avatar_url": f"{site(api)}/avatars/u/{who.id}?v=4",
        "gravatar_id": "",
        "url": me,
        "html_url": f"{site(api)}/{page}",
        "followers_url": f"{me}/followers",
        "following_url": f"{me}/following{{/other_user}}",
        "gists_url": f"{me}/gists{{/gist_id}}",
        "starred_url": f"{me}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{me}/subscriptions",
        "organizations_url": f"{me}/orgs",
        "repos_url": f"{me}/repos",
        "events_url": f"{me}/events{{/privacy}}",
        "received_events_url": f"{me}/received_events",
        "type": who.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def public_user(api: str, who: User) -> JsonObject:
    """A person as `GET /user` shows them to an App that may see what is public."""
    nothing: dict[str, Json] = dict.fromkeys(("company", "location", "hireable", "bio"))
    born = stamp(0)
    return {
        **user(api, who),
        **nothing,
        "name": who.name,
        "email": who.email,
        "blog": "",
        "twitter_username": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": born,
        "updated_at": born,
    }


def organization(api: str, who: User) -> JsonObject:
    """An organization, as webhooks show it."""
    me = f"{api}/orgs/{who.login}"
    return {
        "login": who.login,
        "id": who.id,
        "node_id": node_id(who.kind, who.id),
        "url": me,
        "repos_url": f"{me}/repos",
        "events_url": f"{me}/events",
        "hooks_url": f"{me}/hooks",
        "issues_url": f"{me}/issues",
        "members_url": f"{me}/members{{/member}}",
        "public_members_url": f"{me}/public_members{{/member}}",
        "avatar_url": f"{site(api)}/avatars/u/{who.id}?v=4",
        "description": "",
    }


def maybe_user(api: str, who: User | None) -> JsonObject | None:
    """A simple user, or null."""
    return user(api, who) if who else None


def app(api: str, it: App) -> JsonObject:
    """An App ("integration")."""
    return {
        "id": it.id,
        "client_id": it.client_id,
        "slug": it.slug,
        "node_id": node_id("Integration", it.id),
        "owner": user(api, it.owner),
        "name": it.name,
        "description": None,
        "external_url": f"{site(api)}/apps/{it.slug}/home",
        "html_url": f"{site(api)}/apps/{it.slug}",
        "created_at": stamp(it.created_at_ms),
        "updated_at": stamp(it.created_at_ms),
        "permissions": dict(it.permissions),
        "events": list(it.events),
    }


def maybe_app(api: str, it: App | None) -> JsonObject | None:
    """An App, or null."""
    return app(api, it) if it else None


def installation(api: str, it: Installation) -> JsonObject:
    """An installation."""
    suspended = it.suspended_at_ms
    return {
        "id": it.id,
        "client_id": it.app.client_id,
        "account": user(api, it.account),
        "repository_selection": "all" if it.repository_ids is None else "selected",
        "access_tokens_url": f"{api}/app/installations/{it.id}/access_tokens",
        "repositories_url": f"{api}/installation/repositories",
        "html_url": f"{site(api)}/organizations/{it.account.login}/settings/installations/{it.id}",
        "app_id": it.app.id,
        "app_slug": it.app.slug,
        "target_id": it.account.id,
        "target_type": it.account.kind,
        "permissions": dict(it.permissions),
        "events": list(it.events),
        "created_at": stamp(it.created_at_ms),
        "updated_at": stamp(it.updated_at_ms),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None if suspended is None else user(api, it.account),
        "suspended_at": None if suspended is None else stamp(suspended),
    }
