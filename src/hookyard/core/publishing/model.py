"""Types of effects: writes Hookyard wants to see on GitHub or in a chat, as desired state.

An effect's key names one thing GitHub can show again (one comment, one check run, one reaction,
one issue). Asking again under the same key replaces what should stand there; a burst of requests
folds into the newest.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol, TypeAlias

from hookyard.adapters.database.port import Unit
from hookyard.kit.json import Json

EffectId = NewType("EffectId", str)


class Urgency(StrEnum):
    """Who goes first when GitHub's write budget is short."""

    INTERACTIVE = "interactive"
    CHECK = "check"
    CAMPAIGN = "campaign"


class EffectState(StrEnum):
    """`pending` until GitHub shows the newest generation; `dead` when it never can."""

    PENDING = "pending"
    LANDED = "landed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class CommentEffect:
    """One comment per concern on an issue or pull request, edited in place. Markdown body."""

    repository: str
    number: int
    concern: str
    body: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark on lines of a file; `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CheckAction:
    """A button on a check run. Pressed, GitHub sends `check_run.requested_action` with the
    `identifier`; which run it was is told by the run's `external_id`, the effect's key."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class CheckRunEffect:
    """One check run per concern on a commit. `conclusion` None means still in progress.

    At most three `actions`; they are shown on completed runs alone.
    """

    repository: str
    head_sha: str
    concern: str
    title: str
    summary: str
    text: str = ""
    conclusion: str | None = None
    annotations: tuple[Annotation, ...] = ()
    details_url: str | None = None
    actions: tuple[CheckAction, ...] = ()


@dataclass(frozen=True, slots=True)
class ReactionEffect:
    """A reaction on an issue comment, or on the issue itself when `comment_id` is None.

    `content` is one of GitHub's words: +1, -1, laugh, confused, heart, hooray, rocket, eyes.
    """

    repository: str
    number: int
    comment_id: int | None
    content: str


@dataclass(frozen=True, slots=True)
class IssueEffect:
    """One issue per concern in a repository, found again by its hidden marker."""

    repository: str
    concern: str
    title: str
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageEffect:
    """One message to a person or conversation of a chat service, edited in place when asked for
    again under its key. `target` is the service's id (of Slack), `text` in its own markup."""

    target: str
    key: str
    text: str
    repository: str = ""


GitHubEffect: TypeAlias = CommentEffect | CheckRunEffect | ReactionEffect | IssueEffect
Effect: TypeAlias = GitHubEffect | MessageEffect


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """An effect as kept: what is wanted, what GitHub shows, and why it waits or died."""

    id: EffectId
    key: str
    kind: str
    repository: str
    state: EffectState
    generation: int
    landed_generation: int
    external_id: str | None
    url: str | None
    error: str | None
    job_id: str | None
    delivery_id: str | None
    requested_at_ms: int
    landed_at_ms: int | None
    desired: Json
    urgency: Urgency = Urgency.INTERACTIVE
    held_by: str | None = None
    held_until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EffectFilter:
    """Which effects to list; None means any."""

    delivery_id: str | None = None
    job_id: str | None = None
    repository: str | None = None
    state: EffectState | None = None


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """The GitHub App we write as: its id, and its slug when known (`slug[bot]` is its login)."""

    app_id: int
    slug: str = ""


class EffectRequests(Protocol):
    """What features use to ask for an effect, inside the transaction that decided it."""

    def request(
        self,
        unit: Unit,
        effect: Effect,
        *,
        urgency: Urgency = Urgency.INTERACTIVE,
        delivery_id: str | None = None,
        again: bool = False,
    ) -> EffectId:
        """Record the desired state and enqueue the work that makes GitHub show it.

        `again` writes it once more even where it should stand: somebody may have deleted it.
        """
        ...
