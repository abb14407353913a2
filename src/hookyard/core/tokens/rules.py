"""Reading GitHub's answers to a mint; pure."""

from hashlib import sha256

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.dates import to_local_ms
from hookyard.adapters.github.port import GitHubFailed, GitHubRefused, GitHubResponse
from hookyard.core.tokens.model import (
    LEVELS,
    MAX_TOKEN_CHARS,
    InstallationGone,
    InstallationSuspended,
    InstallationUnavailable,
    Place,
    Scope,
)
from hookyard.kit.clock import from_rfc3339
from hookyard.kit.json import Json, JsonObject, as_list, as_object, as_text, dig


def mint_body(scope: Scope) -> JsonObject | None:
    """The request body of a mint; None asks for everything the installation has."""
    body: dict[str, list[str] | dict[str, str]] = {}
    if scope.repositories is not None:
        body["repositories"] = list(scope.repositories)
    if scope.permissions is not None:
        body["permissions"] = dict(scope.permissions)
    return body or None


def read_token(installation_id: int, response: GitHubResponse, now_ms: int) -> AccessToken:
    """The token in an answer; GitHubFailed when there is none that can be used.

    # why: two shapes exist since 2026, 40 opaque characters and `ghs_<app>_<jwt>` of about 520;
    # neither is looked into.
    """
    data = as_object(response.data)
    value = as_text(data.get("token"))
    if not value or len(value) > MAX_TOKEN_CHARS or not value.isascii() or not value.isprintable():
        raise GitHubFailed("GitHub's answer to a mint holds no usable token")
    try:
        expires_at_ms = from_rfc3339(as_text(data.get("expires_at")))
    except ValueError:
        raise GitHubFailed("GitHub's answer to a mint does not say when it expires") from None
    granted = as_object(data.get("permissions"))
    repositories = data.get("repositories")
    return AccessToken(
        installation_id=installation_id,
        value=value,
        minted_at_ms=now_ms,
        expires_at_ms=to_local_ms(expires_at_ms, response.headers, now_ms),
        permissions={name: as_text(access) for name, access in granted.items()},
        repositories=None
        if repositories is None
        else tuple(as_text(dig(item, "full_name")) for item in as_list(repositories)),
    )


def unavailable(installation_id: int, refused: GitHubRefused) -> InstallationUnavailable | None:
    """Whether a refused mint means that the installation itself gives no tokens, and why."""
    if refused.status in (404, 410):
        return InstallationGone(installation_id, "gone", refused.status, refused.message)
    if refused.status == 403 and "suspended" in refused.message.lower():
        return InstallationSuspended(installation_id, "suspended", 403, refused.message)
    return None


def is_good(token: AccessToken, now_ms: int, at_least_ms: int) -> bool:
    """Whether the token lives at least so much longer."""
    return token.expires_at_ms - now_ms >= at_least_ms


def exceeds(scope: Scope, token: AccessToken) -> str:
    """What a token may do beyond its scope, "" when nothing.

    # why: whoever stands between GitHub and us, or a server that ignores a field it does not
    # know, would turn a narrow request into a token for everything.
    """
    if scope.permissions is not None:
        asked = dict(scope.permissions)
        for name, access in token.permissions.items():
            held = LEVELS.get(asked.get(name, ""), 1 if name == "metadata" else 0)
            if LEVELS.get(access, 9) > held:
                return f"{name}: {access}"
    if scope.repositories is not None:
        if token.repositories is None:
            return "every repository of the installation"
        names = {full_name.rpartition("/")[2].lower() for full_name in token.repositories}
        if more := sorted(names - set(scope.repositories)):
            return more[0]
    return ""


def shape_of(value: str) -> str:
    """Which of GitHub's two kinds of token this is: `stateless` or `opaque`.

    # spec: GitHub blog, 2026-05-15: `ghs_<app id>_<jwt>` beside 40 opaque characters.
    """
    return "stateless" if value.count(".") == 2 else "opaque"


def fingerprint(value: str) -> str:
    """SHA-256 of a token, hexadecimal: what records hold in its place."""
    return sha256(value.encode()).hexdigest()


def missing(place: Place, asked: Scope) -> JsonObject:
    """The permissions asked for that the installation does not have, as a diff; {} for none."""
    lacking: dict[str, Json] = {}
    for name, access in asked.permissions or ():
        held = place.granted.get(name, "")
        if LEVELS[access] > LEVELS.get(held, 0) and (name, access) != ("metadata", "read"):
            app = place.app_permissions.get(name, "")
            lacking[name] = {"asked": access, "granted": held or None, "app": app or None}
    return lacking


def how_to_mend(place: Place, lacking: JsonObject) -> str:
    """Who has to do what, for permissions an installation lacks."""
    in_app = [
        name
        for name, found in lacking.items()
        if LEVELS.get(as_text(dig(found, "app")), 0) < LEVELS[as_text(dig(found, "asked"))]
    ]
    names = ", ".join(sorted(lacking))
    if in_app:
        return (
            f"the App itself does not ask for {', '.join(sorted(in_app))}: add it to the App's "
            f"permissions, then let {place.account} accept the change"
        )
    return f"{place.account} has not accepted the App's new permissions ({names}) yet"
