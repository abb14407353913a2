"""Events and commands with nothing special about them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from hookyard.core.ingress.model import Command, CommandKind, Event, SourceConfig

EVENT = Event(
    provider="github",
    name="issue_comment",
    action="created",
    repository="Acme/Shop",
    subject="Acme/Shop#7",
    actor="alice",
    actor_id="1",
    actor_is_bot=False,
    app_id=None,
    installation_id=5,
    payload={},
)
COMMAND = Command(
    kind=CommandKind.COMMENT,
    name="fix",
    text="it",
    actor="alice",
    actor_id="1",
    repository="Acme/Shop",
    number=7,
    comment_id=99,
)


@pytest.fixture
def event() -> Callable[..., Event]:
    """A comment by alice on issue 7; keyword arguments change it."""
    return lambda **values: replace(EVENT, **values)


@pytest.fixture
def command() -> Callable[..., Command]:
    """A `fix` command by alice in comment 99; keyword arguments change it."""
    return lambda **values: replace(COMMAND, **values)


@pytest.fixture
def source() -> Callable[..., SourceConfig]:
    """A source that allows these people."""

    def build(provider: str = "slack", *allow: str) -> SourceConfig:
        return SourceConfig(provider, provider, (b"s",), allow=allow)

    return build
