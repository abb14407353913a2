"""Decisions about agent tasks: reading them, reading answers, and where the answer goes."""

from collections.abc import Callable, Mapping

import msgspec

from hookyard.core.publishing.defuse import defuse
from hookyard.core.publishing.model import CommentEffect, Effect, IssueEffect
from hookyard.features.agents.model import AgentAnswer, AgentFailure, AgentTask
from hookyard.kit.json import Json, JsonObject, as_int, as_object, as_text

MAX_SUMMARY = 1_000


def read_task(payload: JsonObject) -> AgentTask:
    """A job's payload as a task; missing parts are empty."""
    return AgentTask(
        command=as_text(payload.get("command")),
        text=as_text(payload.get("text")),
        provider=as_text(payload.get("provider")),
        source=as_text(payload.get("source")),
        actor=as_text(payload.get("actor")),
        repository=as_text(payload.get("repository")) or None,
        number=as_int(payload.get("number")),
        delivery_id=as_text(payload.get("delivery_id")) or None,
        subject=as_text(payload.get("subject")) or None,
    )


def read_answer(output: bytes, clean: Callable[[str], str] = str) -> AgentAnswer | AgentFailure:
    """Standard output as an answer: a JSON object, or plain text taken as the summary.

    `clean` takes out of the words for people what must not be shown, before they are cut.
    """
    text = output.decode("utf-8", "replace").strip()
    if not text:
        return AgentAnswer("done", None, None)
    if not text.startswith("{"):
        return AgentAnswer(clean(text)[:MAX_SUMMARY], None, None)
    try:
        value: Json = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return AgentFailure("the agent's output starts like JSON and is not", again=False)
    answer = as_object(value)
    return AgentAnswer(
        summary=clean(as_text(answer.get("summary"))).strip()[:MAX_SUMMARY] or "done",
        comment=clean(as_text(answer.get("comment"))) or None,
        data=answer.get("data"),
    )


def effect_of(task: AgentTask, answer: AgentAnswer, job_id: str) -> Effect | None:
    """The write that shows the answer: a comment where the task came from, or an issue.

    None when the task names no repository: the answer is then kept with the job alone.
    """
    if task.repository is None:
        return None
    body = answer.comment or defuse(answer.summary)
    asked = f"`{task.command}`" if task.command.isidentifier() else "a command"
    who = defuse(task.actor) if task.actor else task.provider
    text = f"{body}\n\n<sub>Asked for by {who} through {task.provider} with {asked}.</sub>"
    if task.number is not None:
        return CommentEffect(task.repository, task.number, f"agent-{job_id}", text)
    lines = f"{task.text}\n{answer.summary}\n{task.command}\nA task".splitlines()
    title = next(line.strip() for line in lines if line.strip())[:120]
    return IssueEffect(task.repository, f"agent-{job_id}", defuse(title), text, ("hookyard",))


def environment_of(base: Mapping[str, str], extra: Mapping[str, str]) -> dict[str, str]:
    """The agent's environment: what a program needs to run, none of our settings or secrets."""
    kept = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "SYSTEMROOT"}
    return {k: v for k, v in base.items() if k in kept or k.startswith("AGENT_")} | dict(extra)
