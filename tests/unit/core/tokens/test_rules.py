"""Small decisions: which App, what exceeds a scope, what is lacking, failures for others."""

import pytest

from hookyard.adapters.github.auth import AccessToken
from hookyard.adapters.github.port import GitHubFailed, GitHubLimited, GitHubRefused
from hookyard.core.tokens import failures
from hookyard.core.tokens.apps_file import read_apps
from hookyard.core.tokens.apps_rules import Room, choose, read_place
from hookyard.core.tokens.model import InstallationGone, Place, Scope, scope_of
from hookyard.core.tokens.rules import exceeds, how_to_mend, missing, shape_of
from hookyard.kit.errors import ConfigurationError, Invalid


def token(permissions: dict[str, str], repositories: tuple[str, ...] | None) -> AccessToken:
    return AccessToken(7, "t", 0, 1, permissions, repositories)


NARROW = scope_of(["shop"], {"issues": "read"})


@pytest.mark.parametrize(
    ("given", "more"),
    [
        (token({"issues": "read", "metadata": "read"}, ("acme/Shop",)), ""),
        (token({"issues": "write"}, ("acme/shop",)), "issues: write"),
        (token({"contents": "read"}, ("acme/shop",)), "contents: read"),
        (token({"metadata": "write"}, ("acme/shop",)), "metadata: write"),
        (token({"issues": "owner"}, ("acme/shop",)), "issues: owner"),
        (token({"issues": "read"}, None), "every repository of the installation"),
        (token({"issues": "read"}, ("acme/shop", "acme/web")), "web"),
    ],
)
def test_token_for_more_than_was_asked_is_found_out(given: AccessToken, more: str) -> None:
    assert exceeds(NARROW, given) == more


def test_equal_scopes_have_one_key_and_others_another() -> None:
    assert scope_of(["B", "acme/a"]).key == scope_of(["a", "b", "b"]).key
    given = scope_of(None, {"issues": "read", "metadata": "read"})
    assert given == scope_of(None, {"issues": "read"})
    keys = {
        scope.key
        for scope in (
            Scope(), scope_of(["a"]), scope_of(["a", "b"]), scope_of(["a"], {"issues": "read"}),
            scope_of(None, {"issues": "read"}), scope_of(None, {"issues": "write"}),
            scope_of(None, {"metadata": "read"}),
        )
    }  # fmt: skip
    assert len(keys) == 7


@pytest.mark.parametrize("name", ["a,b", "a\nb", "*", "a=b", "ä", "a b"])
def test_attack_names_that_would_blur_two_scopes_are_refused(name: str) -> None:
    with pytest.raises(Invalid):
        scope_of([name])
    with pytest.raises(Invalid):
        scope_of(None, {name: "read"})
    with pytest.raises(Invalid):
        scope_of(None, {"issues": name})


def test_difference_names_who_has_to_act() -> None:
    place = Place(7, 42, "acme", {"issues": "read"}, {"issues": "write"})
    lacking = missing(place, scope_of(None, {"issues": "write", "metadata": "read"}))
    assert lacking == {"issues": {"asked": "write", "granted": "read", "app": "write"}}
    assert "acme has not accepted" in how_to_mend(place, lacking)
    more = missing(place, scope_of(None, {"checks": "write"}))
    assert "the App itself does not ask for checks" in how_to_mend(place, more)


def test_app_with_the_most_room_is_taken_and_check_runs_stay_with_the_first() -> None:
    rooms = [Room(100, 5000, 0), Room(4000, 5000, 0), None]
    assert choose(rooms, sticky=False) == 2
    assert choose(rooms[:2], sticky=False) == 1
    assert choose([Room(9, 10, 0), Room(900, 1000, 0)], sticky=False) == 0
    assert choose(rooms, sticky=True) == 0


def test_answer_that_describes_no_installation_is_none() -> None:
    assert read_place({"id": 7, "app_id": 42, "account": {}}, {}) is None
    assert read_place({"id": "7", "app_id": 42, "account": {"login": "a"}}, {}) is None


def test_shapes_are_told_apart() -> None:
    assert shape_of("ghs_" + "a" * 36) == "opaque"
    assert shape_of("ghs_42_a.b.c") == "stateless"


@pytest.mark.parametrize(
    ("error", "until_ms"),
    [
        (GitHubLimited("secondary", 99_000, "slow"), 99_000),
        (InstallationGone(7, "gone", 404, "Not Found"), 1_000 + failures.GONE_MS),
        (GitHubRefused(422, "nope"), 1_000 + failures.BRIEFLY_MS),
        (GitHubFailed("reset"), 1_000 + failures.BRIEFLY_MS),
    ],
)
def test_failure_is_the_same_for_whoever_reads_it(error: Exception, until_ms: int) -> None:
    assert isinstance(error, GitHubFailed | GitHubRefused | GitHubLimited)
    text, until = failures.written(error, 1_000)
    again = failures.read(text, 7)
    assert type(again) is type(error)
    assert until == until_ms


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("apps: 1", "must be a list"),
        ("apps: [{name: A, id: 1}]", "lower-case"),
        ("apps: [{name: a, id: x}]", "number"),
        ("apps: [{name: a, id: 1}]", "give one of"),
        ("apps: [{name: a, id: 1, private_key_env: NOPE}]", "which is not set"),
        ("apps: [{name: a, id: 1, private_key_file: /nowhere}]", "cannot read"),
        ("apps: [{name: a, id: 1, private_key_env: KEY, api_base_url: ftp://x}]", "https"),
        ("apps: [{name: a, id: 1, key: x}]", "no such key"),
        (
            (
                "apps: [{name: a, id: 1, private_key_env: KEY},"
                " {name: b, id: 1, private_key_env: KEY}]"
            ),
            "two Apps have the id",
        ),
    ],
)
def test_app_that_cannot_be_used_is_named(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read_apps(text, {"KEY": "hush"})
    assert "hush" not in str(caught.value)


def test_one_number_on_two_hosts_is_two_apps() -> None:
    text = """
apps:
  - {name: cloud, id: 1, private_key_env: KEY}
  - {name: own, id: 1, private_key_env: KEY, api_base_url: "https://ghe.test/api/v3/"}
"""
    found = read_apps(text, {"KEY": "hush"})
    assert [app.api_base_url for app in found] == [
        "https://api.github.com",
        "https://ghe.test/api/v3",
    ]
    assert "hush" not in repr(found)
