"""What a feature does about an event: the types that the router and every feature share.

A reaction is pure: it gets the event and the repository's merged configuration, and answers with
jobs or says why there are none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from hookyard.core.ingress.model import Event
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
    """Names the events a feature wants, and the feature. An empty set of actions means all."""

    name: str
    provider: str
    event: str
    actions: frozenset[str]
    react: React

    def wants(self, event: Event) -> bool:
        """Whether this event is one of those."""
        if (event.provider, event.name) != (self.provider, self.event):
            return False
        return not self.actions or event.action in self.actions
