"""Payloads are read into facts, and odd ones into nothing."""

import pytest

from hookyard.core.repositories.facts import (
    installation_id_of,
    instant_ms,
    read_installation,
    read_repositories,
    read_repository,
)
from hookyard.core.repositories.model import RepositoryFacts
from hookyard.kit.json import Json


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000_000),
        (1_700_000_000, 1_700_000_000_000),
        ("2023-11-14T22:13:20", None),
        ("soon", None),
        (None, None),
        (True, None),
        (-1, None),
        (10**30, None),
    ],
)
def test_instants_come_in_two_ways(value: Json, ms: int | None) -> None:
    assert instant_ms(value) == ms


def test_short_and_full_repositories_are_read() -> None:
    assert read_repository({"id": 1, "full_name": "a/b", "private": False}) == RepositoryFacts(
        1, "a/b", private=False
    )
    full: Json = {
        "id": 1,
        "full_name": "a/b",
        "private": True,
        "archived": True,
        "default_branch": "trunk",
        "updated_at": "2023-11-14T22:13:20Z",
    }
    assert read_repository(full) == RepositoryFacts(
        1,
        "a/b",
        private=True,
        default_branch="trunk",
        archived=True,
        updated_at_ms=1_700_000_000_000,
    )


@pytest.mark.parametrize(
    "value",
    [None, [], "a/b", {"id": "1", "full_name": "a/b"}, {"id": 1}, {"id": 1, "full_name": "b"},
     {"id": True, "full_name": "a/b"}, {"id": 1, "full_name": "a/" + "b" * 300}],
)  # fmt: skip
def test_what_is_no_repository_is_none(value: Json) -> None:
    assert read_repository(value) is None
    assert read_repositories([value, {"id": 1, "full_name": "a/b"}]) == [RepositoryFacts(1, "a/b")]


def test_installation_is_read_only_where_it_is_described() -> None:
    assert read_installation({"installation": {"id": 5, "node_id": "x"}}) is None
    assert installation_id_of({"installation": {"id": 5, "node_id": "x"}}) == 5
    facts = read_installation(
        {
            "installation": {
                "id": 5,
                "account": {"login": "acme", "type": "Organization"},
                "app_id": 42,
                "target_type": "Organization",
                "permissions": {"issues": "write", "checks": "read"},
                "events": ["issues"],
                "suspended_at": None,
                "updated_at": 1_700_000_000,
            }
        }
    )
    assert facts is not None
    assert (facts.id, facts.account_login, facts.app_id) == (5, "acme", 42)
    assert facts.permissions == {"checks": "read", "issues": "write"}
    assert facts.updated_at_ms == 1_700_000_000_000
