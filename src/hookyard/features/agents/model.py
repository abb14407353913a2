"""Types of agent tasks."""

from dataclasses import dataclass

from hookyard.kit.json import Json


@dataclass(frozen=True, slots=True)
class AgentTask:
    """What an agent is asked to do; the payload of an `agent.task` job."""

    command: str
    text: str
    provider: str
    source: str
    actor: str
    repository: str | None
    number: int | None
    delivery_id: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What an agent said when it was done: a line, optional Markdown, anything as data."""

    summary: str
    comment: str | None
    data: Json


@dataclass(frozen=True, slots=True)
class AgentFailure:
    """Why a run gave no answer; `again` when another attempt may do better."""

    reason: str
    again: bool
