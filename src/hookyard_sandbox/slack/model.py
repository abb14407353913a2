"""Types of the simulated Slack."""

from dataclasses import dataclass, field

from hookyard.kit.json import JsonObject


@dataclass(slots=True)
class Message:
    """A message as it stands. `ts` is its id in the conversation, seconds with six decimals."""

    ts: str
    text: str
    metadata: JsonObject
    edited: int = 0


@dataclass(slots=True)
class Conversation:
    """A channel or a conversation with one person. `joined` says whether the app is in it."""

    id: str
    messages: list[Message] = field(default_factory=list)
    joined: bool = True
    archived: bool = False


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the next calls of a method.

    `error` answers so; `status` with that status; `retry_after_s` is a rate limit; `drops` breaks
    the connection, after the call was applied where `applies`.
    """

    method: str
    times: int = 1
    error: str = ""
    status: int = 200
    retry_after_s: int | None = None
    drops: bool = False
    applies: bool = False
