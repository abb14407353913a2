"""An effect's row as the room itself sees it: the record, plus what landing once needs."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from hookyard.core.publishing.model import (
    CheckRunEffect,
    CommentEffect,
    Effect,
    EffectId,
    EffectState,
    IssueEffect,
    MessageEffect,
    ReactionEffect,
    Urgency,
)

EffectType: TypeAlias = (
    type[CommentEffect]
    | type[CheckRunEffect]
    | type[ReactionEffect]
    | type[IssueEffect]
    | type[MessageEffect]
)


class IntentKind(StrEnum):
    """What a call under way was meant to do: make the thing, or change it."""

    CREATE = "create"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was about to go out and whose outcome is not recorded.

    `hash` is the desired state it carried; `at_ms` our clock when it was committed (of several
    calls that no look could settle, the first); `sent_at_ms` the same of the last one;
    `annotations` how many of the check run's annotations would then stand, with `prefix` their
    digest; `epoch` which of the key's check runs.
    """

    generation: int
    at_ms: int
    kind: IntentKind
    hash: str
    epoch: int = 1
    annotations: int = 0
    prefix: str = ""
    sent_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far GitHub is known to be.

    `epoch` counts the check runs made under this key; `annotations` stand there, with digest
    `prefix`; `completed` once a conclusion was shown; `stuck` when the run cannot be brought to
    the desired state by editing.
    """

    epoch: int = 1
    annotations: int = 0
    prefix: str = ""
    completed: bool = False
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing of ours as a look found it at GitHub; the rest is for check runs."""

    external_id: str
    url: str
    epoch: int = 1
    annotations: int = 0
    completed: bool = False


@dataclass(frozen=True, slots=True)
class EffectRow:
    """Everything stored of one effect."""

    id: EffectId
    key: str
    effect: Effect
    urgency: Urgency
    state: EffectState
    generation: int
    landed_generation: int
    desired_hash: str
    landed_hash: str | None
    intent: Intent | None
    progress: Progress
    external_id: str | None
    url: str | None
    error: str | None
    job_id: str | None
    delivery_id: str | None
    requested_at_ms: int
    landed_at_ms: int | None


_TYPES: dict[str, EffectType] = {
    "comment": CommentEffect,
    "check": CheckRunEffect,
    "reaction": ReactionEffect,
    "issue": IssueEffect,
    "message": MessageEffect,
}
# why: made here, once. The first decoding of a class fills in what msgspec knows of it, and a
# second thread that decodes meanwhile reads half of that and crashes the process.
_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()}
INTENT = msgspec.json.Decoder(Intent)
PROGRESS = msgspec.json.Decoder(Progress)


def decode_effect(kind: str, text: str) -> Effect:
    """The effect back from its stored JSON."""
    effect: Effect = _DECODERS[kind].decode(text)
    return effect
