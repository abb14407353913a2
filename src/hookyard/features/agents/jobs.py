"""The handler of `agent.task` jobs when a local agent command is configured."""

import os
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.model import Fail, JobContext, JobKind, Lane, Outcome, Retry
from hookyard.core.publishing.model import EffectRequests
from hookyard.features.agents.answers import Answers
from hookyard.features.agents.command import run_command
from hookyard.features.agents.model import AgentFailure
from hookyard.features.agents.rules import environment_of, read_answer
from hookyard.kit.backoff import Backoff

KIND = JobKind(
    AGENT_TASK, lane=Lane.HIGH, max_attempts=3, timeout_s=1800.0, backoff=Backoff(5.0, 120.0)
)


class RunAgent:
    """Hands a task to the configured command and its answer to GitHub, once."""

    def __init__(self, argv: Sequence[str], effects: EffectRequests, kind: JobKind = KIND) -> None:
        self.kind = kind
        self._argv = tuple(argv)
        self._answers = Answers(effects)

    @staticmethod
    def kind_for(timeout_s: float) -> JobKind:
        """The kind with the configured longest run."""
        return replace(KIND, timeout_s=timeout_s)

    async def __call__(self, ctx: JobContext) -> Outcome:
        job = ctx.job
        asked = msgspec.json.encode(
            {"job_id": job.id, "attempt": job.attempt, "task": dict(job.payload)}
        )
        environment = environment_of(
            os.environ,
            {"HOOKYARD_JOB_ID": job.id, "HOOKYARD_ATTEMPT": str(job.attempt)},
        )
        output = await run_command(self._argv, asked, environment, ctx.cancelled, ctx.log)
        answer = output if isinstance(output, AgentFailure) else read_answer(output)
        if isinstance(answer, AgentFailure):
            if answer.again:
                return Retry(answer.reason)
            return Fail(answer.reason, code="agent_failed")
        return self._answers.done(job, answer)
