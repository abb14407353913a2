"""Addresses under the API: safe paths, same-origin links, and route names without ids."""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode, urlsplit

from hookyard.adapters.github.port import GitHubMissing, GitHubRefused

_SAFE_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_FULL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}")
_LINK = re.compile(r"<([^<>]*)>\s*((?:;[^,<]*)*)")
_NEXT = re.compile(r';\s*rel="?(?:[^";]*\s)?next(?:\s[^";]*)?"?\s*(?:;|$)')

_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        access_tokens actions annotations app app-manifests artifacts assignees attempts blobs
        branches check-runs check-suites code collaborators comments commits compare config contents
        conversions deliveries dispatches events files git graphql heads hook hooks installation
        installations issues jobs labels languages logs members memberships merges meta orgs
        permission properties protection pulls rate_limit reactions refs releases replies repos
        repositories requested_reviewers reviews rules runs search statuses suspended tags teams
        timeline token topics tree trees user users values workflows zip
        """,
    )
)


def repo_path(full_name: str) -> str:
    """`/repos/{owner}/{name}`; GitHubMissing when the text cannot name a repository.

    # why: names reach us in chat and tracker text; `../app` must not become another address.
    """
    if not _FULL_NAME.fullmatch(full_name) or full_name.endswith(("/.", "/..")):
        raise GitHubMissing(404, "this is not the name of a repository")
    return f"/repos/{full_name}"


def segment(text: str) -> str:
    """One path segment, percent-encoded; GitHubMissing for `.` and `..` and nothing."""
    if text in ("", ".", ".."):
        raise GitHubMissing(404, "this cannot be part of an address")
    return quote(text, safe="")


def address(base: str, path: str, query: Mapping[str, str | int] | None = None) -> str:
    """The full address of a path under the base; GitHubRefused when the path could leave it."""
    parts = unquote(path).split("/")
    if not _SAFE_PATH.fullmatch(path) or path.startswith("//") or {".", ".."} & set(parts):
        raise GitHubRefused(400, "the path is not one under the API; nothing was sent")
    return f"{base}{path}" + (f"?{urlencode(query)}" if query else "")


def graph_address(base: str) -> str:
    """Where queries go: `https://api.github.com/graphql`, `https://host/api/graphql`.

    # spec: docs.github.com, "Forming calls with GraphQL", for GitHub and for GHES.
    """
    return f"{base.removesuffix('/v3')}/graphql"


def within(base: str, url: str) -> bool:
    """Whether an address has the base's scheme, host and port, and lies under its prefix."""
    try:
        ours, theirs = urlsplit(base), urlsplit(url)
        same = (ours.scheme, ours.hostname, ours.port) == (
            theirs.scheme,
            theirs.hostname,
            theirs.port,
        )
    except ValueError:
        return False
    if theirs.username is not None or ".." in unquote(theirs.path).split("/"):
        return False
    return same and theirs.path.startswith(f"{ours.path}/")


def next_link(header: str) -> str | None:
    """The address marked `rel="next"` in a `Link` header, or None."""
    for url, attributes in _LINK.findall(header):
        if _NEXT.search(attributes):
            return str(url)
    return None


def repo_of(path: str) -> str:
    """`owner/name` of a path under `/repos`, lower case, else ""."""
    parts = path.split("/")
    return "/".join(parts[2:4]).lower() if len(parts) > 3 and parts[1] == "repos" else ""


def route_of(path: str) -> str:
    """The path with names, ids and shas replaced by `{}`: a bounded label for metrics."""
    parts = path.split("?", 1)[0].strip("/").split("/")
    named = len(parts) > 2 and parts[0] == "repos"
    route = ["repos", "{}", "{}"] if named else []
    for part in parts[len(route) :]:
        if route and route[-1] == "contents":
            route.append("{}")
            break
        after_owner = route in (["orgs"], ["users"])
        route.append(part if part in _WORDS and not after_owner else "{}")
    return "/" + "/".join(route)
