"""The handler of `agent.task` jobs when a local agent command is configured.

What the command is given beside its task are variables; they are taken out of all it says.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from hookyard.core.ingress.rules import AGENT_TASK
from hookyard.core.jobs.model import Fail, Job, JobContext, JobKind, Lane, Outcome, Retry
from hookyard.core.jobs.redact import Mask
from hookyard.core.publishing.model import EffectRequests
from hookyard.features.agents.answers import Answers
from hookyard.features.agents.command import run_command
from hookyard.features.agents.model import AgentFailure
from hookyard.features.agents.rules import environment_of, read_answer
from hookyard.kit.backoff import Backoff

KIND = JobKind(
    AGENT_TASK, lane=Lane.HIGH, max_attempts=3, timeout_s=1800.0, backoff=Backoff(5.0, 120.0)
)


HandOver = Callable[[Job], Awaitable[Mapping[str, str]]]


async def nothing(job: Job) -> Mapping[str, str]:
    """The command is given its task and no more."""
    return {}


class RunAgent:
    """Hands a task to the configured command and its answer to GitHub, once.

    `hand_over` says which variables an attempt is given.
    """

    def __init__(
        self,
        argv: Sequence[str],
        effects: EffectRequests,
        kind: JobKind = KIND,
        hand_over: HandOver = nothing,
    ) -> None:
        self.kind = kind
        self._hand_over = hand_over
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
        given = await self._hand_over(job)
        mask = Mask(given.values())
        environment = environment_of(
            os.environ,
            {**given, "HOOKYARD_JOB_ID": job.id, "HOOKYARD_ATTEMPT": str(job.attempt)},
        )

        async def say(line: str) -> None:
            await ctx.log(mask.text(line))

        output = await run_command(self._argv, asked, environment, ctx.cancelled, say)
        answer = output if isinstance(output, AgentFailure) else read_answer(output, mask.text)
        if isinstance(answer, AgentFailure):
            if answer.again:
                return Retry(answer.reason)
            return Fail(answer.reason, code="agent_failed")
        answer = replace(answer, data=mask.json(answer.data))
        return self._answers.done(job, answer)
