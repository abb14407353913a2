"""What is asked of GitHub before a decision, at which refs, and what holds without an App."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hookyard.core.ingress.context import ContextReader, Refs, refs_of
from hookyard.core.ingress.model import Command, Event
from hookyard.core.repositories.config import (
    CommandsConfig,
    ConfigInvalid,
    CriteriaConfig,
    RepositoryConfig,
)
from hookyard.kit.json import JsonObject

MakeEvent = Callable[..., Event]
MakeCommand = Callable[..., Command]
DEFAULTS = RepositoryConfig()


class Answers:
    """A repository whose files and permissions are written down here."""

    def __init__(
        self, configs: dict[str, RepositoryConfig | ConfigInvalid], have: str = "write"
    ) -> None:
        self.configs = configs
        self.have = have
        self.asked: list[tuple[int, str, str]] = []

    async def read_config(
        self, installation_id: int, repository: str, ref: str
    ) -> RepositoryConfig | ConfigInvalid:
        self.asked.append((installation_id, repository, ref))
        return self.configs[ref]

    async def permission_of(self, installation_id: int, repository: str, login: str) -> str:
        self.asked.append((installation_id, repository, login))
        return self.have


def pull(head_repo: int = 1) -> JsonObject:
    return {
        "pull_request": {
            "base": {"sha": "b" * 40, "repo": {"id": 1}},
            "head": {"sha": "c" * 40, "repo": {"id": head_repo}},
        },
        "repository": {"default_branch": "main"},
    }


@pytest.mark.parametrize(
    ("payload", "refs"),
    [
        (pull(), Refs("b" * 40, "c" * 40)),
        (pull(2), Refs("b" * 40, "c" * 40, is_fork=True)),
        ({"repository": {"default_branch": "trunk"}}, Refs("trunk")),
        (
            {"pull_request": {"base": {"sha": "x"}}, "repository": {"default_branch": "m"}},
            Refs("m"),
        ),
        ({}, None),
        ({"repository": [], "pull_request": 5}, None),
    ],
)
def test_refs_an_event_names(event: MakeEvent, payload: JsonObject, refs: Refs | None) -> None:
    assert refs_of(event(payload=payload)) == refs


def test_a_head_whose_repository_is_gone_is_a_fork(event: MakeEvent) -> None:
    base = {"sha": "b" * 40, "repo": {"id": 1}}
    payload: JsonObject = {"pull_request": {"base": base, "head": {"sha": "c" * 40, "repo": None}}}
    found = refs_of(event(payload=payload))
    assert found is not None
    assert found.is_fork


async def test_the_default_branch_decides_for_issues(
    event: MakeEvent, command: MakeCommand
) -> None:
    config = RepositoryConfig(commands=CommandsConfig(minimum_permission="maintain"))
    answers = Answers({"main": config})
    context = await ContextReader(answers, answers, DEFAULTS).gather(
        event(payload={"repository": {"default_branch": "main"}}), [command()]
    )
    assert context.config is config
    assert context.invalid is None
    assert [decision and decision.allowed for decision in context.permissions] == [False]
    assert answers.asked == [(5, "Acme/Shop", "main"), (5, "Acme/Shop", "alice")]


async def test_a_pull_requests_head_decides_for_its_own_repository(event: MakeEvent) -> None:
    head = RepositoryConfig(criteria=CriteriaConfig(comment=False))
    answers = Answers({"b" * 40: DEFAULTS, "c" * 40: head})
    context = await ContextReader(answers, answers, DEFAULTS).gather(event(payload=pull()), [])
    assert context.config.criteria.comment is False


async def test_a_forks_head_grants_nothing(event: MakeEvent) -> None:
    generous = replace(
        DEFAULTS,
        commands=CommandsConfig(allow=("mallory",), minimum_permission="read"),
        criteria=CriteriaConfig(comment=False),
    )
    answers = Answers({"b" * 40: DEFAULTS, "c" * 40: generous})
    context = await ContextReader(answers, answers, DEFAULTS).gather(event(payload=pull(2)), [])
    assert context.config.commands == DEFAULTS.commands
    assert context.config.criteria.comment is False


async def test_an_invalid_file_is_told_and_the_defaults_hold(event: MakeEvent) -> None:
    wrong = ConfigInvalid(".hookyard.yml", 3, "no such key")
    answers = Answers({"main": wrong})
    context = await ContextReader(answers, answers, DEFAULTS).gather(
        event(payload={"repository": {"default_branch": "main"}}), []
    )
    assert context.invalid is wrong
    assert context.config is DEFAULTS


async def test_without_an_app_nobody_is_known(event: MakeEvent, command: MakeCommand) -> None:
    context = await ContextReader(None, None, DEFAULTS).gather(event(), [command(), command()])
    assert context.config is DEFAULTS
    assert context.permissions == (None, None)


@pytest.mark.parametrize(
    "changes", [{"provider": "slack"}, {"installation_id": None}, {"repository": None}]
)
async def test_what_names_no_place_on_github_asks_nothing(
    event: MakeEvent, command: MakeCommand, changes: dict[str, object]
) -> None:
    answers = Answers({})
    context = await ContextReader(answers, answers, DEFAULTS).gather(event(**changes), [command()])
    assert context.permissions == (None,)
    assert answers.asked == []
