"""Addresses cannot leave the API, links are followed only home, routes carry no names."""

import pytest

from hookyard.adapters.github.paths import (
    address,
    next_link,
    repo_of,
    repo_path,
    route_of,
    segment,
    within,
)
from hookyard.adapters.github.port import GitHubMissing, GitHubRefused

GHES = "https://ghe.test/api/v3"


def test_prefix_of_an_enterprise_server_stays_in_front() -> None:
    got = address(GHES, "/repos/o/r/issues", {"state": "open", "page": 2})
    assert got == "https://ghe.test/api/v3/repos/o/r/issues?state=open&page=2"


@pytest.mark.parametrize(
    "path",
    [
        "repos/o/r",
        "//evil.test/x",
        "/repos/../app",
        "/repos/%2e%2e/app",
        "/repos/o%2f..%2f..%2fapp",
        "/repos/o/r?x=1",
        "/repos/o/r#x",
        "/repos/o r",
        "/repos/o\r\nx",
        "/repos/ö",
        "",
    ],
)
def test_path_that_could_leave_the_api_is_refused(path: str) -> None:
    with pytest.raises(GitHubRefused, match="nothing was sent"):
        address(GHES, path)


@pytest.mark.parametrize("name", ["o", "o/r/x", "../app", "o/..", "o/.", "/r", "o/", "o/r?x", ""])
def test_text_that_names_no_repository_is_missing(name: str) -> None:
    with pytest.raises(GitHubMissing):
        repo_path(name)


def test_repository_names_may_start_with_a_dot() -> None:
    assert repo_path("acme/.github") == "/repos/acme/.github"


def test_segments_are_encoded() -> None:
    assert segment("dependabot[bot]") == "dependabot%5Bbot%5D"
    assert segment("feature/x") == "feature%2Fx"
    with pytest.raises(GitHubMissing):
        segment("..")


@pytest.mark.parametrize(
    ("header", "url"),
    [
        (
            '<https://a.test/x?page=2>; rel="next", <https://a.test/x?page=9>; rel="last"',
            "https://a.test/x?page=2",
        ),
        (
            '<https://a.test/x?page=1>; rel="prev", <https://a.test/x?page=3>; rel="next"',
            "https://a.test/x?page=3",
        ),
        ("<https://a.test/x?a=1,2>; rel=next", "https://a.test/x?a=1,2"),
        ('<https://a.test/x>; rel="last"', None),
        ('<https://a.test/x>; title="next"', None),
        ("", None),
        ("<<<>>>;;;", None),
    ],
)
def test_next_link_is_found_by_its_relation(header: str, url: str | None) -> None:
    assert next_link(header) == url


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://ghe.test/api/v3/repos/o/r", True),
        ("https://GHE.test/api/v3/repositories/1/issues?page=2", True),
        ("https://ghe.test/login", False),
        ("https://ghe.test/api/v30/x", False),
        ("https://ghe.test/api/v3/../../login", False),
        ("http://ghe.test/api/v3/x", False),
        ("https://ghe.test:8443/api/v3/x", False),
        ("https://ghe.test.evil.test/api/v3/x", False),
        ("https://ghe.test@evil.test/api/v3/x", False),
        ("https://user:pw@ghe.test/api/v3/x", False),
        ("https://ghe.test:x/api/v3/x", False),
        ("/api/v3/x", False),
    ],
)
def test_only_addresses_under_the_base_are_ours(url: str, is_ours: bool) -> None:
    assert within(GHES, url) is is_ours


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/repos/acme/app/issues/12/comments", "/repos/{}/{}/issues/{}/comments"),
        ("/repos/issues/pulls", "/repos/{}/{}"),
        ("/repos/acme/app/contents/docs/a.md", "/repos/{}/{}/contents/{}"),
        ("/repos/acme/app/commits/0123abc/check-runs", "/repos/{}/{}/commits/{}/check-runs"),
        ("/repos/a/b/collaborators/octocat/permission", "/repos/{}/{}/collaborators/{}/permission"),
        ("/app/installations/7/access_tokens", "/app/installations/{}/access_tokens"),
        ("/orgs/members/members", "/orgs/{}/members"),
        ("/installation/repositories", "/installation/repositories"),
    ],
)
def test_routes_carry_no_names_or_ids(path: str, route: str) -> None:
    assert route_of(path) == route


def test_repository_of_a_path() -> None:
    assert repo_of("/repos/Acme/App/issues") == "acme/app"
    assert repo_of("/app/installations/7") == ""
