"""What an agent answers, as the end of its job: the result, and the write that shows it."""

from hookyard.adapters.database.port import Unit
from hookyard.core.jobs.leases_model import Answer
from hookyard.core.jobs.model import Done, Job
from hookyard.core.publishing.model import Effect, EffectRequests, Urgency
from hookyard.features.agents.model import AgentAnswer
from hookyard.features.agents.rules import MAX_SUMMARY, effect_of, read_task


class Answers:
    """Ends an agent's job: its effect is asked for in the transaction that records the end."""

    def __init__(self, effects: EffectRequests) -> None:
        self._effects = effects

    def done(self, job: Job, answer: AgentAnswer) -> Done:
        """The end of an attempt that did its work, wherever the agent runs."""
        result = {"summary": answer.summary, "data": answer.data}
        effect = effect_of(read_task(job.payload), answer, job.id)
        if effect is None:
            return Done(result)

        def apply(unit: Unit, wanted: Effect = effect) -> None:
            self._effects.request(
                unit, wanted, urgency=Urgency.INTERACTIVE, delivery_id=job.delivery_id
            )

        return Done(result, apply)

    def of_lease(self, job: Job, answer: Answer) -> Done:
        """The same for an agent that leased the job: its result is the data."""
        summary = (answer.summary or "").strip()[:MAX_SUMMARY] or "done"
        return self.done(job, AgentAnswer(summary, answer.comment or None, answer.result))
