"""What a feature does about an event: the types that the router and every feature share.

A reaction is pure: it gets the event and the repository's merged configuration, and answers with
jobs or says why there are none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.core.ingress.model import Command, Event
from hookyard.core.jobs.model import NewJob
from hookyard.core.repositories.config import RepositoryConfig


@dataclass(frozen=True, slots=True)
class Decided:
    """The jobs an event leads to, at least one. The router adds the delivery's id."""

    jobs: tuple[NewJob, ...]


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why an event leads to nothing, as one plain sentence."""

    reason: str


React: TypeAlias = Callable[[Event, RepositoryConfig], Decided | Ignored]


@dataclass(frozen=True, slots=True)
class Reaction:
    """Names the events a feature wants, and the feature. An empty set of actions means all.

    One that `hears_bots` is told of facts, such as a pull request, whoever caused them, our own
    App too; the configuration's `ignore.bots` is for what asks for work. No command is read then.
    """

    name: str
    provider: str
    event: str
    actions: frozenset[str]
    react: React
    hears_bots: bool = False

    def wants(self, event: Event) -> bool:
        """Whether this event is one of those."""
        if (event.provider, event.name) != (self.provider, self.event):
            return False
        return not self.actions or event.action in self.actions


@dataclass(frozen=True, slots=True)
class Given:
    """A command somebody may give here, with the event it came in and why they may."""

    command: Command
    event: Event
    config: RepositoryConfig
    because: str
    delivery_id: str


@dataclass(frozen=True, slots=True)
class CommandReaction:
    """Takes commands of a feature's own, which are then no agent tasks. `takes` is pure."""

    name: str
    takes: Callable[[Command, Event], bool]
    react: Callable[[Given], Decided | Ignored]
